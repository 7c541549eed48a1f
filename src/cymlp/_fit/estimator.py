"""The base class of the estimators, independent of the kind of targets."""

import re
from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from cymlp._engine.dense import forward
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SOLVERS
from cymlp._engine.storage import NotFiniteError
from cymlp._fit import architecture, hints, prepare, scaling
from cymlp._fit.callbacks import CallbackSupportMixin
from cymlp._fit.checkpointing import checked
from cymlp._fit.cores import predict_batches
from cymlp._fit.fitting import Call, fit
from cymlp._parameters import ParametersMixin
from cymlp._sklearn import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from cymlp.activations import ACTIVATIONS

# Rows that are predicted at once, which bounds the memory for hidden layers.
PREDICTION_BATCH_SIZE = 1024


class BaseMLP(CallbackSupportMixin, ParametersMixin):
    """Base class of the estimators, with their common parameters.

    A subclass defines its parameters, the `_target_kinds` of its losses, the
    `_target_kind` of a fit, and the methods

    - ``_encode_targets(y, expected)``: check y and make Targets;
    - ``_expected_targets()``: describe the targets of the fit for later data, as the
      argument `expected`, which is None for the training data of `fit`;
    - ``_output_activation()``: the value of `out_activation_`.
    """

    _parameter_constraints = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [
            StrOptions(set(ACTIVATIONS)),
            HasMethods(["value", "derivative"]),
            list,
            tuple,
        ],
        "solver": [StrOptions(set(SOLVERS))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "learning_rate": [
            StrOptions({"constant", "cosine", "invscaling", "adaptive"}),
            callable,
        ],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 1e-37, None, closed="left")],
        "weight_decay": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
        ],
        "scale": [StrOptions(set(scaling.SCALES)), tuple, None],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "record_batches": ["boolean"],
        "diagnostics": ["boolean"],
    }

    def _set_parameters(self, arguments):
        """Set the arguments of ``__init__``, its ``locals()``, as attributes."""
        vars(self).update(
            (name, value) for name, value in arguments.items() if name != "self"
        )

    def _fit(self, X, y, sample_weight, validation, checkpoint=None, shared=None):
        """Fit; fit_many gives `shared`."""
        resumes = self.warm_start and hasattr(self, "coefs_")
        call = Call(
            self.max_iter,
            resumes=resumes,
            keeps_state=self.warm_start,
            has_callbacks=True,
            shared=shared,
            checkpoint=checked(checkpoint),
        )
        fit(self, X, y, sample_weight, validation, call)
        return self

    def _partial_fit(self, X, y, expected, sample_weight):
        if self.early_stopping:
            raise ValueError(
                "early_stopping must be False for partial_fit, which trains for one "
                f"epoch only; got {self.early_stopping!r}"
            )
        call = Call(
            1,
            has_all_samples=False,
            expected=expected,
            resumes=hasattr(self, "coefs_"),
            keeps_state=True,
        )
        fit(self, X, y, sample_weight, (None, None, None), call)
        return self

    @property
    def loss_curve_(self):
        """Loss of each epoch, a list of float."""
        history = vars(self).get("history_")
        if history is None or history.n_epochs == 0:
            raise AttributeError(
                f"{type(self).__name__} has no loss_curve_ without a fit"
            )
        return history["train_loss"].tolist()

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

    # Steps of a fit that only some estimators have.

    def _class_weights(self, targets, sample_weight):
        """Weights of the classes of the targets, or None."""
        return None

    def _make_loss(self):
        return architecture.loss_object(self, self._target_kind)

    def _measure_targets(self, samples, indices):
        """Measure the scale of the targets of the training samples."""

    def _scaled_targets(self, targets):
        return targets

    def __repr__(self, N_CHAR_MAX=700):
        # Abbreviate long arrays in `scale` and `target_scale`.
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
        """Whether rows of X need neither conversion nor scaling."""
        return (
            prepare.is_sound_array(self, X)
            and X.dtype == self.dtype
            and self.divisor_ is None
            and X.flags.c_contiguous
        )

    def _scores_in_batches(self, rows, n_samples):
        dtype = np.dtype(self.dtype)
        try:
            coefs = [converted(W, dtype) for W in self.coefs_]
            intercepts = [converted(b, dtype) for b in self.intercepts_]
            first, *others = zip(coefs, intercepts, strict=True)
            sizes = [self.n_features_in_, *(W.shape[1] for W in coefs[:-1])]
            network = Network([*sizes, self.n_outputs_], self._activations)

            def predict(batch):
                return self._scores_of(rows(batch), network, first, others)

            if n_samples <= PREDICTION_BATCH_SIZE:
                return predict(slice(n_samples))
            scores = predict_batches(
                predict,
                list(gen_batches(n_samples, PREDICTION_BATCH_SIZE)),
                self.n_threads,
                n_samples * network.n_parameters,
            )
        except NotFiniteError as error:
            raise self._scores_not_finite() from error
        except Exception:
            architecture.assigned_layers(self)  # raises if they are the reason
            raise
        return np.concatenate(scores)

    def _scores_not_finite(self):
        return ValueError(
            f"The scores of X must be finite in {np.dtype(self.dtype)}; got NaN or "
            "infinity. Values of X, coefs_ or intercepts_ are too large or not finite, "
            "as after a step with a learning rate that was too high."
        )

    def _scores_of(self, X, network, first, others):
        memory = network.memory(X.shape[0], first[0].dtype, trains=False)
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
