"""The steps of each optimiser, compared with its NumPy twin."""

import functools

import numpy as np
import pytest
from members import settings_of
from reference import OPTIMIZERS, adam

from cymlp._engine.optimizers import (
    SGD,
    SOLVERS,
    Adam,
    GradientSum,
    Optimizer,
    power,
)

# Values, one after the other, for each setting that an optimiser has.
VALUES = {
    "learning_rate": [0.3],
    "momentum": [0.0, 0.5],
    "beta_1": [0.0],
    "beta_2": [0.0],
    "epsilon": [1e-8, 0.5],
    "weight_decay": [0.0, 0.5],
}
OUT_OF_RANGE = {
    "momentum": [-0.1, 1.1, np.nan],
    "beta_1": [-0.1, 1, np.nan],
    "beta_2": [-0.1, 1, np.nan],
    "epsilon": [0, -1e-8, 1e-40, np.nan, np.inf],
    "weight_decay": [-1e-9, np.nan, np.inf],
}


def cases():
    """Optimisers with their settings: the usual ones, and others for one of them."""
    for member in SOLVERS.values():
        settings = settings_of(member)
        yield member, settings
        for name in settings:
            yield from ((member, settings | {name: value}) for value in VALUES[name])
    for changes in ({}, {"weight_decay": 0.0}, {"momentum": 0.5, "weight_decay": 0.5}):
        yield SGD, settings_of(SGD) | {"nesterov": True} | changes


CASES = [*cases()]


@pytest.fixture(params=CASES, ids=repr)
def case(request):
    return request.param


@pytest.fixture
def optimizer(case):
    member, settings = case
    return member(**settings)


@pytest.fixture
def twin(case):
    member, settings = case
    return functools.partial(OPTIMIZERS[member.__name__], **settings)


def fresh_state(optimizer, dtype="float64", count=37):
    state = np.zeros((1 + optimizer.n_slots, count), dtype)
    state[0] = np.random.default_rng(0).normal(size=count)
    return state


def random_gradients(n, dtype="float64", count=37):
    return np.random.default_rng(1).normal(size=(n, count)).astype(dtype)


def test_every_optimizer_has_a_twin():
    names = {member.__name__ for member in SOLVERS.values()}
    assert names == set(OPTIMIZERS), "the twins are in tests/reference.py"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_agree_with_their_twin(optimizer, twin, dtype):
    state = fresh_state(optimizer, dtype)
    expected = state.astype(float)
    for t, gradient in enumerate(random_gradients(5, dtype), start=1):
        optimizer.step(state, gradient, t)
        expected = twin(expected, gradient.astype(float), t)
    # Five steps of at most ten roundings each, of values up to about 6.
    atol = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(state, expected, rtol=0, atol=atol)


def test_learning_rate_can_be_changed_between_steps(optimizer, twin):
    state = fresh_state(optimizer)
    first, second = random_gradients(2)
    expected = twin(twin(state, first, 1), second, 2, learning_rate=0.7)
    optimizer.step(state, first, 1)
    optimizer.learning_rate = 0.7
    optimizer.step(state, second, 2)
    assert optimizer.learning_rate == 0.7
    np.testing.assert_allclose(state, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("value", [0, -0.1, np.nan, np.inf, -np.inf])
def test_learning_rate_that_is_not_positive_and_finite_is_refused(case, value):
    member, settings = case
    message = f"learning_rate must be a positive finite number; got {float(value)}"
    with pytest.raises(ValueError, match=message):
        member(**settings | {"learning_rate": value})
    optimizer = member(**settings)
    with pytest.raises(ValueError, match=message):
        optimizer.learning_rate = value
    with pytest.raises(TypeError):
        optimizer.learning_rate = "0.1"
    assert optimizer.learning_rate == settings["learning_rate"]


@pytest.mark.parametrize("member", SOLVERS.values())
def test_settings_out_of_range_are_refused_by_name(member):
    settings = settings_of(member)
    for name in settings.keys() - {"learning_rate"}:
        for value in OUT_OF_RANGE[name]:
            message = f"^{name} must be .*; got {float(value)}"
            with pytest.raises(ValueError, match=message):
                member(**settings | {name: value})


def test_settings_can_be_read(case, optimizer):
    for name, value in case[1].items():
        assert getattr(optimizer, name) == value


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_depends_on_state_gradient_and_t_alone(optimizer, case, dtype):
    state = fresh_state(optimizer, dtype)
    first, second, third = random_gradients(3, dtype)
    optimizer.step(state, first, 1)
    before = state.copy()
    optimizer.step(state, second, 2)
    optimizer.step(state, third, 3)
    member, settings = case
    for other in (optimizer, member(**settings)):
        again = before.copy()
        other.step(again, second, 2)
        other.step(again, third, 3)
        np.testing.assert_array_equal(again, state)


@pytest.mark.parametrize("t", [0, -1])
def test_the_first_step_has_index_1(optimizer, t):
    state = fresh_state(optimizer)
    before = state.copy()
    with pytest.raises(ValueError, match=f"t must be an integer >= 1; got {t}"):
        optimizer.step(state, np.ones(37), t)
    np.testing.assert_array_equal(state, before)


@pytest.mark.parametrize("member", SOLVERS.values())
def test_a_gradient_of_0_moves_nothing(member):
    settings = settings_of(member)
    smallest = {"epsilon": 1e-37, "weight_decay": 0}
    optimizer = member(
        **settings | {n: v for n, v in smallest.items() if n in settings}
    )
    for dtype in ("float32", "float64"):
        state = fresh_state(optimizer, dtype)
        before = state.copy()
        optimizer.step(state, np.zeros(37, dtype), 1)
        np.testing.assert_array_equal(state, before)


def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    gradient = np.array([1e-3, -1.0, 1e6])
    optimizer = Adam(**settings_of(Adam) | {"epsilon": 1e-8, "weight_decay": 0})
    state = np.zeros((3, 3))
    optimizer.step(state, gradient, 1)
    np.testing.assert_allclose(state[0], [-0.1, 0.1, -0.1], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_epsilon_hat_is_added_before_the_start_is_corrected(dtype):
    settings = settings_of(Adam)
    optimizer = Adam(**settings)
    optimizer.is_epsilon_hat = True
    state = fresh_state(optimizer, dtype)
    expected = state.astype(float)
    for t, gradient in enumerate(random_gradients(5, dtype), start=1):
        optimizer.step(state, gradient, t)
        # Divided by the root of what v is divided by.
        epsilon = settings["epsilon"] / np.sqrt(1 - settings["beta_2"] ** t)
        changed = settings | {"epsilon": epsilon}
        expected = adam(expected, gradient.astype(float), t, **changed)
    atol = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(state, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_added_up_and_move_nothing(dtype):
    optimizer = GradientSum()
    state = fresh_state(optimizer, dtype)
    before = state[0].copy()
    gradients = random_gradients(3, dtype)
    for t, gradient in enumerate(gradients, start=1):
        optimizer.step(state, gradient, t)
    np.testing.assert_array_equal(state[0], before)
    np.testing.assert_allclose(state[1], gradients.sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf])
def test_a_penalty_out_of_range_is_refused(optimizer, value):
    message = f"penalty must be a finite number >= 0; got {value}"
    with pytest.raises(ValueError, match=message):
        optimizer.penalty = value
    assert optimizer.penalty == 0


def test_a_penalty_exempts_biases(optimizer):
    optimizer.penalty = 0.5
    assert optimizer.penalty == 0.5
    assert not optimizer.decays_biases


def test_a_step_does_not_change_the_gradient(optimizer):
    gradient = np.ones(37)
    optimizer.step(fresh_state(optimizer), gradient, 1)
    np.testing.assert_array_equal(gradient, np.ones(37))


def test_a_step_of_no_parameters_does_nothing(optimizer):
    optimizer.step(fresh_state(optimizer, count=0), np.empty(0), 1)


@pytest.mark.parametrize(("n_more", "length"), [(1, 3), (-1, 3), (0, 4)])
def test_a_step_names_shapes_that_do_not_fit(optimizer, n_more, length):
    n_rows = 1 + optimizer.n_slots + n_more
    message = (
        rf"state must have shape \(1 \+ {optimizer.n_slots}, n_parameters\) .*; "
        rf"got \({n_rows}, 3\) and \({length},\)"
    )
    with pytest.raises(ValueError, match=message):
        optimizer.step(np.zeros((n_rows, 3)), np.zeros(length), 1)


def test_a_step_refuses_a_mix_of_precisions(optimizer):
    with pytest.raises(ValueError, match="dtype mismatch"):
        optimizer.step(fresh_state(optimizer), np.zeros(37, np.float32), 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_without_a_step_is_refused(dtype):
    class Stepless(Optimizer):
        pass

    optimizer = Stepless(learning_rate=0.1, weight_decay=0.0)
    with pytest.raises(NotImplementedError, match="Stepless has no step"):
        optimizer.step(np.zeros((1, 3), dtype), np.zeros(3, dtype), 1)


# Powers of linear steps


def exact_power(optimizer, n):
    """Computed by repeated squaring, with more digits where the platform has them."""
    rate, m, decay = (
        np.longdouble(value)
        for value in (
            optimizer.learning_rate, optimizer.momentum, optimizer.weight_decay
        )
    )  # fmt: skip
    factor, by_gradient = (m * m, 1 + m) if optimizer.nesterov else (m, 1)
    square = np.array([[m, decay], [-rate * factor, 1 - rate * decay * by_gradient]])
    result = np.eye(2, dtype=np.longdouble)
    while n:
        if n % 2:
            result = square @ result
        square = square @ square
        n //= 2
    return result.astype(float)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("decay", [0, 1e-6, 0.01, 3.0])
@pytest.mark.parametrize("momentum", [0, 0.5, 0.9, 0.99])
def test_powers_are_those_of_the_matrix(momentum, decay, nesterov):
    sgd = SGD(0.1, momentum, decay, nesterov)
    for n in (0, 1, 2, 7, 255, 256, 257, 5000, 65535, 65536, 10**6):
        # Stored minus 1, the last value loses its digits where it comes close to 0.
        np.testing.assert_allclose(
            power(sgd, n), exact_power(sgd, n), rtol=1e-9, atol=1e-13
        )


@pytest.mark.parametrize("momentum", [0, 0.9, 0.999])
def test_a_weight_comes_to_rest_without_weight_decay(momentum):
    # A velocity v moves the weight by -η v (m + m² + ...) in all later steps.
    last = power(SGD(0.1, momentum, 0), 2**32 - 1)
    way = -0.1 * momentum / (1 - momentum)
    np.testing.assert_allclose(last, [[0, 0], [way, 1]], rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("n", [-1, 2**32])
def test_a_number_of_steps_out_of_range_is_refused(n):
    with pytest.raises(ValueError, match=rf"n must be in 0\.\.2\*\*32 - 1; got {n}"):
        power(SGD(0.1, 0.9, 0), n)
