"""The limit of BLAS to one thread."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cymlp import MLPClassifier
from cymlp._fit.blas_threads import single_threaded_blas


def blas_threads():
    """The number of threads of each BLAS library in the process."""
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if set(blas_threads()) != {2}:
            pytest.skip(f"this BLAS does not take a limit: {threadpool_info()}")
        yield


@pytest.mark.usefixtures("two_threads")
def test_the_limit_holds_while_any_user_is_inside():
    before = blas_threads()
    for user in ("first", "second"):
        single_threaded_blas.users.add(user)
        single_threaded_blas.limit()
        assert set(blas_threads()) == {1}
    # The first to enter leaves first, as overlapping fits do.
    for user, expected in (("first", [1] * len(before)), ("second", before)):
        single_threaded_blas.users.discard(user)
        single_threaded_blas.lift()
        assert blas_threads() == expected


@pytest.mark.usefixtures("two_threads")
def test_steps_that_ctrl_c_has_ended_are_repeated_by_the_next_fit():
    before = blas_threads()
    single_threaded_blas.users.add("fit")
    single_threaded_blas.limit()
    single_threaded_blas.users.discard("fit")
    # Ctrl-C before the limit is lifted.
    mlp = MLPClassifier((3,), max_iter=1, n_iter_no_change=np.inf)
    mlp.fit(np.eye(4), [0, 1, 0, 1])
    assert blas_threads() == before


class Spy:
    """A user's loss that records the number of threads during a fit."""

    seen = ()

    def value_and_gradient(self, Z, T):
        self.seen = blas_threads()
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


@pytest.mark.usefixtures("two_threads")
def test_a_fit_has_one_thread_and_restores_the_limit_before_it():
    before = blas_threads()
    spy = Spy()
    mlp = MLPClassifier((3,), loss=spy, max_iter=1, n_iter_no_change=np.inf)
    mlp.fit(np.eye(4), [0, 1, 0, 1])
    assert set(spy.seen) == {1}
    assert blas_threads() == before


@pytest.mark.usefixtures("two_threads")
def test_a_fit_that_fails_restores_the_limit():
    before = blas_threads()
    mlp = MLPClassifier((3,), learning_rate_init=1e30, n_iter_no_change=np.inf)
    with pytest.raises(ValueError, match="diverged"):
        mlp.fit(np.eye(4), [0, 1, 0, 1])
    assert blas_threads() == before


class Lifting(Spy):
    """A user's loss that lifts the limit, as other code in the process may."""

    def __init__(self):
        self.seen = []

    def value_and_gradient(self, Z, T):
        self.seen.append(set(blas_threads()))
        threadpool_limits(2, user_api="blas")
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


@pytest.mark.usefixtures("two_threads")
def test_a_limit_that_other_code_lifts_is_set_again_in_the_next_epoch():
    lifting = Lifting()
    mlp = MLPClassifier((3,), loss=lifting, max_iter=3, n_iter_no_change=np.inf)
    mlp.fit(np.eye(4), [0, 1, 0, 1])
    assert lifting.seen == [{1}] * 3
