"""Random sequences of calls of an estimator, with what must hold after each."""

import copy
import os
import pickle
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
from fuzz import inputs
from fuzz.epochs import checked_against_numpy
from hypothesis import assume, note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from reference import ACTIVATIONS
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from cymlp import Checkpoint, MLPRegressor, export, fit_many
from cymlp._fit import checkpointing

n_calls = 0


class Killed(BaseException):
    """Ends a fit as SIGKILL would."""


def frozen(estimator):
    """A copy through two pickles, after which objects no longer share strings."""
    return pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(estimator))))


def state_of(estimator):
    """All attributes as bytes."""
    return pickle.dumps(vars(estimator))


def assert_same(one, other):
    """That two estimators have the same attributes, bit for bit, but for times."""
    assert set(vars(one)) == set(vars(other))
    if not hasattr(one, "coefs_"):
        return
    for a, b in zip(
        one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True
    ):
        assert a.tobytes() == b.tobytes()
    assert set(one.history_) == set(other.history_)
    for name in set(one.history_) - {"seconds"}:
        assert one.history_[name].tobytes() == other.history_[name].tobytes()


class Sequences(RuleBasedStateMachine):
    """Fits of one estimator, on parts of the same data."""

    @initialize(source=st.data())
    def begin(self, source):
        self.data = source.draw(inputs.data(), label="data")
        self.mlp = source.draw(inputs.estimators(self.data.kind), label="estimator")
        self.initial = {
            name: self.mlp.get_params()[name]
            for name in ("hidden_layer_sizes", "activation", "dtype")
        }

    @property
    def is_fitted(self):
        return hasattr(self.mlp, "coefs_")

    def _draw_call(self, source):
        """Rows for a call, in two containers of the same group, and weights or None."""
        global n_calls
        n_calls += 1
        start = source.draw(st.sampled_from([0, 0, 3]), label="first row")
        stop = source.draw(st.sampled_from([inputs.N_ROWS, 20, 15]), label="last row")
        X, y = self.data.X[start:stop], self.data.y[start:stop]
        group = source.draw(inputs.containers(self.data.X), label="group")
        names = st.sampled_from(sorted(group))
        pair = [source.draw(names, label="container") for _ in "ab"]
        weights = self.data.weights[start:stop]
        weighted = source.draw(st.booleans(), label="weighted")
        return X, y, [group[name] for name in pair], weights if weighted else None

    def _call(self, call, *arguments, estimator=None):
        """The error of a call, or None; overflows must not warn."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                call(self.mlp if estimator is None else estimator, *arguments)
            except ValueError as error:
                return error

    def _train(self, source, call, is_partial=False):
        """Call twice, on two containers; compare with NumPy and with each other."""
        X, y, (first, second), weights = self._draw_call(source)
        self.mlp = frozen(self.mlp)
        copies = [frozen(self.mlp), frozen(self.mlp)]
        with checked_against_numpy(X, y, weights, is_partial):
            error = self._call(call, first(X), y, weights)
        if isinstance(error, ValueError):
            note(f"{type(error).__name__}: {error}")
            assert "got NaN or infinity" not in str(error) or "diverged" in str(error)
        other = copies[0]
        other_error = self._call(call, second(X), y, weights, estimator=other)
        assert str(error) == str(other_error)
        assert_same(self.mlp, other)
        if error is not None and "finished epochs" not in str(error):
            assert state_of(self.mlp) == state_of(copies[1])
        return copies[1], (first(X), y, weights), error

    @rule(source=st.data())
    def fit(self, source):
        before, (X, y, weights), error = self._train(
            source, lambda mlp, X, y, w: mlp.fit(X, y, w)
        )
        if error is not None:
            return
        way = source.draw(st.sampled_from(["threads", "checkpoint", ""]), label="way")
        if way == "threads" and weights is None:
            others = [frozen(before) for _ in range(3)]
            self._call(lambda _: fit_many(others, X, y, n_jobs=2))
            for other in others:
                assert_same(self.mlp, other)
        elif way == "checkpoint":
            self._go_on(before, X, y, weights, source.draw(st.integers(1, 3)))

    def _go_on(self, mlp, X, y, weights, n_files):
        """A fit that is killed after some files and goes on has the same bits."""
        write_file, left = checkpointing.write_file, n_files

        def write(*arguments):
            nonlocal left
            write_file(*arguments)
            left -= 1
            if left == 0:
                raise Killed

        with tempfile.TemporaryDirectory() as folder, mock.patch("os.fsync"):
            checkpoint = Checkpoint(os.path.join(folder, "model"))

            def fit(mlp):
                mlp.fit(X, y, weights, checkpoint=checkpoint)

            with mock.patch.object(checkpointing, "write_file", write):
                try:
                    error = self._call(fit, estimator=frozen(mlp))
                except Killed:
                    error = None
            if error is not None:
                assert "cannot be saved" in str(error)  # a user's loss or activation
                return
            assert self._call(fit, estimator=mlp) is None
        assert_same(self.mlp, mlp)

    @precondition(lambda self: not self.mlp.early_stopping)
    @rule(source=st.data())
    def partial_fit(self, source):
        def call(mlp, X, y, weights):
            if self.data.kind in {"classes", "strings"}:
                mlp.partial_fit(X, y, np.unique(self.data.y), weights)
            else:
                mlp.partial_fit(X, y, sample_weight=weights)

        if getattr(self.mlp, "class_weight", None) != "balanced":
            self._train(source, call, is_partial=True)

    @rule(source=st.data())
    def set_parameters(self, source):
        changed = source.draw(inputs.parameters(self.data.kind), label="parameters")
        changed["warm_start"] = source.draw(st.booleans(), label="warm_start")
        if self.is_fitted:
            X = self.data.X
            before = self.mlp.predict(X)
        self.mlp.set_params(**changed)
        if self.is_fitted:
            np.testing.assert_array_equal(self.mlp.predict(X), before)

    @rule()
    def pickle_and_go_on(self):
        self.mlp = pickle.loads(pickle.dumps(self.mlp))

    @precondition(lambda self: self.is_fitted)
    @rule(factor=st.sampled_from([0.0, 0.5, -1.0]))
    def assign_weights(self, factor):
        self.mlp.coefs_ = [factor * W for W in self.mlp.coefs_]

    @precondition(lambda self: self.is_fitted)
    @rule()
    def change_weights_of_a_copy(self):
        other = copy.deepcopy(self.mlp)
        before = self.mlp.predict(self.data.X)
        for W in other.coefs_:
            W += 1
        np.testing.assert_array_equal(self.mlp.predict(self.data.X), before)

    @precondition(lambda self: self.is_fitted)
    @rule(source=st.data())
    def predict(self, source):
        X, _, (first, second), _ = self._draw_call(source)
        method = "predict" if self.data.kind == "values" else "decision_function"
        scores = getattr(self.mlp, method)(first(X))
        np.testing.assert_array_equal(getattr(self.mlp, method)(second(X)), scores)
        if issparse(first(X)) and np.any(self.mlp.shift_):
            assume(False)
        expected = self._scores_by_numpy(X)
        if expected is not None:
            tolerance = 1e-3 if self.mlp.dtype == "float32" else 1e-9
            largest = max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(
                scores, expected, rtol=tolerance, atol=tolerance * largest
            )

    def _scores_by_numpy(self, X):
        mlp = self.mlp
        if isinstance(mlp, MLPRegressor) and getattr(mlp._loss, "log_link", False):
            return None
        if mlp.bounds_ is not None:
            X = X.clip(*mlp.bounds_)
        if mlp.divisor_ is not None:
            X = (X - mlp.shift_) / mlp.divisor_
        for W, b, activation in zip(
            mlp.coefs_, mlp.intercepts_, [*mlp._activations, None], strict=True
        ):
            X = X @ W.astype(float) + b
            if activation is not None:
                name = getattr(activation, "name", None)
                value = ACTIVATIONS[name][0] if name else activation.value
                X = value(X, **(activation.get_params() if name else {}))
        if isinstance(mlp, MLPRegressor):
            if mlp.target_divisor_ is not None:
                X = X * mlp.target_divisor_ + mlp.target_shift_
            return X[:, 0] if X.shape[1] == 1 else X
        if self.data.kind != "labels" and X.shape[1] == 2:
            return X[:, 1] - X[:, 0]
        return X

    @precondition(lambda self: self.is_fitted)
    @rule()
    def save_and_load(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch("os.fsync"):
            file = Path(folder, "model")
            error = self._call(lambda mlp: export.save(mlp, file))
            if error is not None:
                assert "cannot be saved" in str(error) or "user-defined" in str(error)
                return
            loaded = export.load(file)
            assert self._call(lambda mlp: export.to_c(mlp, file)) is None
        X = self.data.X
        np.testing.assert_array_equal(loaded.predict(X), self.mlp.predict(X))

    @rule(source=st.data(), value=st.sampled_from([np.nan, np.inf, 1e300]))
    def refuse(self, source, value):
        """Values that are not finite leave the estimator as it was."""
        X, y, (container, _), _ = self._draw_call(source)
        X = X.copy()
        X[source.draw(st.integers(0, len(X) - 1)), -1] = value
        self.mlp = frozen(self.mlp)
        before = state_of(self.mlp)
        with np.errstate(all="ignore"):
            try:
                X = container(X)
                finite = X.data if issparse(X) else np.asarray(X)
                assume(not np.isfinite(finite.astype(float)).all() or value == np.inf)
            except (OverflowError, ValueError):  # integers
                assume(False)
            assume(not np.isfinite(np.asarray(finite, float)).all())
        error = self._call(lambda mlp: mlp.fit(X, y))
        assert error is not None
        assert state_of(self.mlp) == before

    @invariant()
    def parameters_are_those_that_were_set(self):
        if hasattr(self, "mlp"):
            for name, value in self.initial.items():
                assert str(self.mlp.get_params()[name]) == str(value)
