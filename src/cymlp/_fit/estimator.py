"""The base class of the estimators, independent of the kind of targets."""

import re

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.validation import check_is_fitted

from cymlp._engine.dense import forward
from cymlp._engine.network import Network
from cymlp._engine.storage import NotFiniteError
from cymlp._fit import architecture, hints, prepare, scaling
from cymlp._fit.callbacks import CallbackSupportMixin
from cymlp._fit.fitting import Call, fit

# Rows that are predicted at once, which bounds the memory for hidden layers.
PREDICTION_BATCH_SIZE = 1024


class BaseMLP(CallbackSupportMixin, BaseEstimator):
    """Base class of the estimators.

    A subclass defines the parameters, `_target_kind`, as a loss has it, and the methods
    ``_encode_targets(y, classes)``, ``_class_weights(targets, sample_weight)`` and
    ``_output_activation()``.
    """

    def _fit(self, X, y, sample_weight, validation, shared=None):
        """Fit; fit_many gives `shared`."""
        resumes = self.warm_start and hasattr(self, "coefs_")
        call = Call(
            self.max_iter,
            resumes=resumes,
            keeps_state=self.warm_start,
            has_callbacks=True,
            shared=shared,
        )
        fit(self, X, y, sample_weight, validation, call)
        return self

    def _partial_fit(self, X, y, classes, sample_weight):
        if self.early_stopping:
            raise ValueError(
                "early_stopping must be False for partial_fit, which trains for one "
                f"epoch only; got {self.early_stopping!r}"
            )
        call = Call(
            1,
            has_all_samples=False,
            classes=classes,
            resumes=hasattr(self, "coefs_"),
            keeps_state=True,
        )
        fit(self, X, y, sample_weight, (None, None, None), call)
        return self

    def set_params(self, **params):
        """Set parameters of the estimator.

        Parameters
        ----------
        **params : dict
            Values of parameters by name. ``loss__gamma`` is the parameter `gamma` of
            the object `loss`.

        Returns
        -------
        self : estimator
            The estimator.

        Raises
        ------
        ValueError
            If the estimator has no parameter of that name.
        """
        hints.check_settable(self, params)
        return super().set_params(**params)

    def _validate_params(self):
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            name = re.search(r"The '(\w+)' parameter", str(error))[1]
            hint = hints.value_hint(self, name)
            raise InvalidParameterError(f"{error}{hint}") from None

    def __repr__(self, N_CHAR_MAX=700):
        # Abbreviate long arrays in `scale`.
        with np.printoptions(threshold=10, edgeitems=2):
            return super().__repr__(N_CHAR_MAX)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = scaling.keeps_zeros(self.scale)
        return tags

    def _snapshot(self):
        """The estimator as it is now, which a fit in another thread does not change."""
        snapshot = object.__new__(type(self))
        # A fit replaces the dict of the estimator as a whole.
        snapshot.__dict__ = vars(self)
        return snapshot

    def _scores(self, X):
        """Scores of the output layer, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        if self._is_ready(X):
            rows, n_samples = X.__getitem__, X.shape[0]
        else:
            is_scaled = self.divisor_ is not None
            inputs = prepare.check_layout(self, X, is_scaled, once=True)
            rows = scaling.scaled_rows(inputs, scaling.scale_of(self))
            n_samples = inputs.shape[0]
        return self._scores_in_batches(rows, n_samples)

    def _is_ready(self, X):
        """Whether X certainly needs no conversion.

        scikit-learn's check takes longer than the prediction of a single row.
        """
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == self.dtype
            and self.divisor_ is None
            and X.flags.c_contiguous
            and X.shape[0] > 0
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _scores_in_batches(self, rows, n_samples):
        dtype = np.dtype(self.dtype)
        try:
            coefs = [converted(W, dtype) for W in self.coefs_]
            intercepts = [converted(b, dtype) for b in self.intercepts_]
            first, *others = zip(coefs, intercepts, strict=True)
            sizes = [self.n_features_in_, *(W.shape[1] for W in coefs[:-1])]
            network = Network([*sizes, self.n_outputs_], self._activations)
            batch_size = min(n_samples, PREDICTION_BATCH_SIZE)
            memory = network.memory(batch_size, dtype, trains=False)
            scores = [
                self._scores_of(rows(batch), network, first, others, memory)
                for batch in batches(n_samples, batch_size)
            ]
        except NotFiniteError as error:
            raise self._scores_not_finite() from error
        except Exception:
            architecture.assigned_layers(self)  # raises if they are the reason
            raise
        return scores[0] if len(scores) == 1 else np.concatenate(scores)

    def _scores_not_finite(self):
        return ValueError(
            f"The scores of X must be finite in {np.dtype(self.dtype)}; got NaN or "
            "infinity. Values of X, coefs_ or intercepts_ are too large or not finite, "
            "as after a step with a learning rate that was too high."
        )

    def _scores_of(self, X, network, first, others, memory):
        U = forward(X, *first)
        try:
            return network.scores(U, others, memory)
        except NotFiniteError:
            # NaN and infinity in X make sums of their row NaN or infinite, whatever
            # the weights are. Checking the sums saves another pass over X.
            prepare.check_values(self, X)
        return network.scores(U, others, memory, checks_sums=False)


def converted(array, dtype):
    """Like np.require, but faster for an array that needs no conversion."""
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.c_contiguous:
        return array
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise TypeError("not an array of real numbers")
    with np.errstate(over="ignore"):  # infinite weights make infinite scores
        return np.require(array, dtype, "C")


def batches(n, batch_size):
    """Slices of at most batch_size samples.

    Checking the arguments, as scikit-learn's gen_batches does, takes longer than the
    prediction of a single row.
    """
    for start in range(0, n, batch_size):
        yield slice(start, min(start + batch_size, n))
