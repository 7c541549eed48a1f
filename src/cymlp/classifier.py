"""The classifier: checks, the loop over epochs, predictions."""

import warnings
from collections.abc import Mapping, Set
from copy import copy, deepcopy
from functools import partial
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
)
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data
from tqdm.auto import tqdm

from cymlp import activations, losses
from cymlp._engine import blas, dense
from cymlp._engine.network import Network, n_parameters, split_parameters
from cymlp._engine.optimizers import SGD, Adam
from cymlp._engine.user_results import checked_result
from cymlp._fit import scaling
from cymlp._fit.blas_threads import single_threaded_blas
from cymlp._fit.callbacks import CallbackSupportMixin, callbacks_of
from cymlp._fit.diagnostics import GradientFlow
from cymlp._fit.initialization import draw_weights
from cymlp._fit.stopping import BestState
from cymlp._fit.targets import (
    Dataset,
    check_weights,
    class_factors,
    combined_weights,
    encode,
    has_rows,
)
from cymlp._fit.training import (
    Control,
    DivergedError,
    Evaluation,
    Progress,
    Training,
    samples_of,
)
from cymlp.history import History

# Rows that are predicted at a time, so that the hidden layers of a large X need not be
# in memory all at once.
ROWS_AT_A_TIME = 1024
# Samples validated with at a time, so that what is computed of them stays in the cache.
VALIDATED_AT_A_TIME = 256


def _has_probabilities(classifier):
    loss = getattr(classifier, "_loss", None)
    if loss is None:
        loss = _as_object("loss", classifier.loss, losses)
    return hasattr(loss, "probabilities")


class MLPClassifier(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Multi-layer perceptron classifier, trained by stochastic gradient descent.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each hidden layer. Empty for no hidden layer.
    activation : str, object, or list of these with one per hidden layer, \
            default="tanh"
        "tanh", "selu", "hardswish", "relu", "logistic" or "identity", an instance of a
        class from :mod:`cymlp.activations`, or any object with the methods ``value(U)``
        and ``derivative(U, A)``: these get weighted sums U and A = ``value(U)`` as
        arrays of shape (n_rows, n_units) and return an array of that shape.
    loss : str or object, default="cross_entropy"
        "cross_entropy", "kl_div", "hinge" or "focal", an instance of a class from
        :mod:`cymlp.losses`, or any object with the method ``value_and_gradient(Z, T)``:
        it gets scores and targets as arrays of shape (n_rows, n_classes) and returns a
        tuple of the losses, of shape (n_rows,), and their gradient in Z. If it also has
        ``probabilities(Z)``, so has the classifier.
    solver : {"sgd", "adam"}, default="sgd"
        Stochastic gradient descent with momentum, or Adam.
    learning_rate_init : float, default=0.01
        Step size, to begin with.
    learning_rate : {"constant", "invscaling", "adaptive"} or callable, \
            default="constant"
        How the step size changes from epoch to epoch, with either solver. "invscaling"
        divides `learning_rate_init` by (t + 1) ** `power_t`, where t is the number of
        samples trained on before. "adaptive" divides the step size by 5 whenever
        training would stop for lack of improvement, and stops once it is 1e-6 or less.
        A callable gets the number of the epoch, from 1 on, and returns its step size.
    power_t : float, default=0.5
        Exponent of "invscaling".
    momentum : float, default=0.9
        Part of the last step that goes into the next, in [0, 1), for "sgd".
    nesterovs_momentum : bool, default=False
        Whether "sgd" takes the gradient as if the momentum had been applied already.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the means of gradients and of their squares, in [0, 1), for "adam".
    epsilon : float, default=1e-8
        What "adam" adds to the root that it divides by.
    weight_decay : float, default=1e-4
        Factor of the parameters that is added to their gradient, for weights and
        biases alike: a coupled L2 penalty with both solvers. Not part of the reported
        loss.
    dropout : float, or list of float with one per hidden layer, default=0.0
        Fraction, in [0, 1), of the units of a hidden layer that each sample is trained
        without, other ones each time. Training figures are measured so, validation
        figures and predictions with all units.
    class_weight : dict of label to float, "balanced", or None, default=None
        Factors of the losses of each class, 1 for labels that a dict has not.
        "balanced" makes all classes count the same. A sample with probabilities has the
        mean of the factors by these.
    batch_size : int, default=100
        Number of samples in a mini-batch, all of them if there are fewer.
    max_iter : int, default=100
        Largest number of epochs.
    init : "auto" or float, default="auto"
        How weights start: LeCun normal where they feed selu and Glorot uniform
        elsewhere, the output layer by the rule of the layer before it; or the standard
        deviation of a normal distribution for all. Biases start at 0.
    dtype : {"float32", "float64"}, default="float32"
        What is computed in; outputs carry it.
    scale : {"standard", "minmax"}, tuple, or None, default=None
        Numbers x of X count as (x - shift) / divisor, computed as they are read, so
        that X is not copied. The tuple has shift and divisor, each a number or an array
        of one per feature; (128, 255) suits raw pixels. "standard" takes the means and
        standard deviations of the training data, "minmax" their minima and ranges, as
        scikit-learn's scalers do, with divisor 1 for constant features; samples that
        are held out do not count, nor do weights. Measured in the first call, and kept
        by ``warm_start`` and `partial_fit`. Sparse X takes a shift of 0 only.
    shuffle : bool, default=True
        Whether to take samples in a new random order every epoch.
    random_state : int, RandomState instance or None, default=None
        Determines the first weights, the order of samples, what dropout leaves out and
        what early stopping holds out. With an int, the same data gives bit-identical
        weights on the same machine and build.
    tol : float, default=1e-4
        An epoch improves if its training loss, or with `early_stopping` its validation
        figure, is better than the best so far by more.
    n_iter_no_change : int or numpy.inf, default=10
        Training stops after more than this many epochs without improvement. With
        ``numpy.inf`` it does not stop before ``max_iter``.
    early_stopping : bool, default=False
        Whether to stop by a validation figure, not by the training loss, and to end
        with the weights of the epoch where that was best. The validation data are those
        given to `fit` or else held out.
    validation_fraction : float, default=0.1
        Fraction of the training data that `early_stopping` holds out, the same of each
        class, where no validation data are given.
    monitor : {"accuracy", "loss"}, default="accuracy"
        The figure that `early_stopping` goes by.
    warm_start : bool, default=False
        Whether `fit` goes on from the present network, with the optimiser, the random
        numbers and the `history_` of the call before, as one long call would have.
    verbose : bool, default=False
        Whether to show a progress bar with loss, accuracy and time left.
    record_batches : bool, default=False
        Whether ``history_.batches`` keeps loss and accuracy of every mini-batch.
    diagnostics : bool, default=False
        Whether `history_` tells after every epoch where gradients vanish: see
        :class:`~cymlp.history.History`. It takes about half as long as the epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. What is assigned to it, predictions use.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer.
    best_epoch_ : int
        Number of the epoch whose weights are kept, with `early_stopping`.
    history_ : History
        Loss, accuracy, time and learning rate of each epoch.
    loss_ : float
        Training loss of the last epoch.
    loss_curve_ : list of float
        Training loss of each epoch.
    n_iter_ : int
        Number of epochs of the last call.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs, one per class, two for two classes.
    out_activation_ : str
        "softmax", or "identity" where the loss knows no probabilities.
    shift_, divisor_ : float, ndarray of shape (`n_features_in_`,), or None
        What `scale` subtracts from X and divides it by; None without.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, where X has names.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same network without a choice of loss.

    Notes
    -----
    With scikit-learn 1.9 and later, ``set_callbacks`` takes callbacks from
    :mod:`sklearn.callback`. `fit` tells them of every epoch, after its validation, when
    `history_` has its figures; one that returns True there ends the fit as if it had
    converged. `partial_fit` tells them nothing.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010. Klambauer et al., "Self-normalizing neural networks",
    NeurIPS 2017.

    Examples
    --------
    >>> from cymlp import MLPClassifier
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = MLPClassifier((32,), loss="focal", batch_size=20, max_iter=30,
    ...                     n_iter_no_change=float("inf"), random_state=0)
    >>> clf.fit(X[:1200] / 16, y[:1200]).predict(X[:3] / 16)
    array([0, 1, 2])
    """

    _parameter_constraints = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [
            StrOptions(set(activations.known())),
            HasMethods(["value", "derivative"]),
            list,
            tuple,
        ],
        "loss": [StrOptions(set(losses.known())), HasMethods(["value_and_gradient"])],
        "solver": [StrOptions({"sgd", "adam"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "learning_rate": [
            StrOptions({"constant", "invscaling", "adaptive"}),
            callable,
        ],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 1e-37, None, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left"), list, tuple],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
        ],
        "scale": [StrOptions(set(scaling.SCALERS)), tuple, None],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "monitor": [StrOptions({"loss", "accuracy"})],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "record_batches": ["boolean"],
        "diagnostics": ["boolean"],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="tanh",
        loss="cross_entropy",
        *,
        solver="sgd",
        learning_rate_init=0.01,
        learning_rate="constant",
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=False,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        weight_decay=1e-4,
        dropout=0.0,
        class_weight=None,
        batch_size=100,
        max_iter=100,
        init="auto",
        dtype="float32",
        scale=None,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        monitor="accuracy",
        warm_start=False,
        verbose=False,
        record_batches=False,
        diagnostics=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.class_weight = class_weight
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.init = init
        self.dtype = dtype
        self.scale = scale
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.monitor = monitor
        self.warm_start = warm_start
        self.verbose = verbose
        self.record_batches = record_batches
        self.diagnostics = diagnostics

    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None,
        sample_weight_val=None,
    ):  # fmt: skip
        """Train a network: a new one, or with ``warm_start=True`` the present one on.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data. Arrays of float16, float32, bool or integers of 8 or 16 bits
            and memory maps of float64 are not copied: their rows are converted as they
            are read. Other types are converted once.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, numbers, strings or booleans, of at least two classes; or rows of
            probabilities, as floats, for every loss but hinge.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative factors of the samples' losses. With those of `class_weight`
            they are divided by their mean over the training set, not by their sum over
            each batch.
        X_val : array-like or sparse matrix of shape (n_val_samples, n_features), \
                default=None
            Validation data, whose loss and accuracy `history_` reports after every
            epoch. They do not influence the weights but by `early_stopping`.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_classes), \
                default=None
            Labels or probabilities of the validation data.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

        Returns
        -------
        self : MLPClassifier
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or the data is not as described, or if loss or weights become
            infinite or NaN. In that case the weights return to what they were before
            that epoch.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` is reached before training would stop by itself.
        RuntimeWarning
            If Ctrl-C ends training. What the finished epochs learned is kept.
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation)

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on some samples, going on from the present network.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Some of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, not necessarily of all classes; or rows of probabilities.
        classes : array-like of shape (n_classes,), default=None
            All labels that any call will have. Needed in the first call, unless y has
            rows of probabilities.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`; divided by their mean over this call.

        Returns
        -------
        self : MLPClassifier
            Fitted.

        Raises
        ------
        ValueError
            If a parameter or the data is not as described, or if loss or weights become
            infinite or NaN. In that case the weights return to what they were before
            the call.

        Warns
        -----
        RuntimeWarning
            If Ctrl-C ends training; the weights are then as they were before the call.
        """
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: it stops after one "
                "epoch anyway"
            )
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"partial_fit does not support class_weight={self.class_weight!r}, as "
                "it does not see all samples at once. Give a dict instead, for example "
                "one of sklearn.utils.class_weight.compute_class_weight on all labels."
            )
        return self._partial_fit(X, y, classes, sample_weight)

    def _fit(self, X, y, sample_weight, validation, after_epoch=None):
        """Fit, and call `after_epoch` after each: it may raise KeyboardInterrupt."""
        goes_on = self.warm_start and hasattr(self, "coefs_")
        classes = self.classes_ if goes_on else None
        with callbacks_of(self, X, y, sample_weight) as callbacks:
            training, evaluation = self._prepare(
                X, y, sample_weight, validation, classes, goes_on
            )
            try:
                with single_threaded_blas:
                    converged = self._train(
                        training, evaluation, self.max_iter, after_epoch, callbacks
                    )
            finally:
                if not self.warm_start:
                    del self._progress
        if not converged and self.n_iter_no_change != np.inf:
            warnings.warn(
                f"Training has not converged after max_iter={self.max_iter} epochs. "
                "Raise max_iter, or set n_iter_no_change=np.inf if this many epochs "
                "are what you want.",
                ConvergenceWarning,
                stacklevel=3,  # where fit is called
            )
        return self

    def _partial_fit(self, X, y, classes, sample_weight):
        goes_on = hasattr(self, "coefs_")
        if goes_on and classes is None:
            classes = self.classes_
        elif classes is not None:
            classes = self._checked_classes(classes, goes_on)
        elif not has_rows(y):
            raise ValueError("classes must be passed on the first call to partial_fit.")
        training, _ = self._prepare(
            X, y, sample_weight, (None, None, None), classes, goes_on
        )
        with single_threaded_blas:
            self._train(training, None, 1)
        return self

    def _checked_classes(self, classes, goes_on):
        classes = unique_labels(classes)
        if classes.size < 2:
            raise ValueError(f"classes must be at least 2; got {classes!r}")
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "classes must be the same in every call to partial_fit; got "
                f"{classes!r}, earlier {self.classes_!r}"
            )
        return classes

    def _prepare(self, X, y, sample_weight, validation, classes, goes_on):
        """Check everything; only then change what an earlier call has left."""
        draft = copy(self)
        if hasattr(self, "_progress"):
            draft._progress = copy(self._progress)
        training = draft._prepare_in_place(
            X, y, sample_weight, validation, classes, goes_on
        )
        self.__dict__ = vars(draft)  # in one go, which Ctrl-C cannot cut in two
        return training

    def _prepare_in_place(self, X, y, sample_weight, validation, classes, goes_on):
        self._validate_params()
        is_scaled = (self.divisor_ if goes_on else self.scale) is not None
        X = self._validated(X, is_scaled, reset=not goes_on)
        if is_scaled:
            self._check_finite(X, is_scaled)
        dataset, factors = self._check_data(X, y, sample_weight, classes)
        if not goes_on or not hasattr(self, "_progress"):
            self._progress = Progress(check_random_state(self.random_state))
        validation = self._check_validation(validation, factors, is_scaled)
        rows, held_out = self._hold_out(dataset, validation)
        if not goes_on:
            self._set_scale(dataset.X, rows)
        vars(self).pop("best_epoch_", None)
        sizes = self._layer_sizes(self.n_features_in_, self.classes_.size)
        self._set_parts(sizes)
        dataset, samples = self._stored(dataset, rows, "y")
        others = samples
        if validation is not None:
            held_out = np.arange(validation.X.shape[0], dtype=np.intp)
            _, others = self._stored(validation, held_out, "y_val")
        state, optimizer = self._starting_point(sizes, goes_on)
        random_state = self._progress.random_state
        training = Training(
            self._network(sizes, min(self.batch_size, rows.size)),
            state,
            optimizer,
            dataset,
            samples,
            rows,
            random_state if self.shuffle else None,
            random_state if np.any(self.dropout) else None,
        )
        if held_out is None:
            return training, None
        network = self._network(sizes, min(VALIDATED_AT_A_TIME, held_out.size))
        return training, Evaluation(network, others, held_out)

    def _network(self, sizes, batch_size):
        return Network(
            sizes,
            self._activations,
            self._loss,
            min(batch_size, blas.largest_dimension()),
            self._dropout_rates(len(sizes) - 2),
        )

    def _stored(self, dataset, rows, name):
        """Scale X, and store the samples as an epoch takes them."""
        dataset = dataset._replace(X=self._scaled(dataset.X))
        samples = samples_of(dataset, rows)
        if samples.n_places == 0:
            self._check_computed(dataset.X)
        self._check_that_loss_takes(dataset.targets, name)
        return dataset, samples

    def _check_data(self, X, y, sample_weight, classes):
        """Check targets and weights; note what is known of them from now."""
        if y is None:
            raise ValueError(
                "This MLPClassifier estimator requires y to be passed, but the target "
                "y is None."
            )
        targets, self.classes_ = encode(y, self.dtype, classes=classes)
        check_consistent_length(X, targets.y)
        weights = check_weights(sample_weight, X.array)
        factors = class_factors(self.class_weight, weights, targets, self.classes_)
        weights = combined_weights(weights, factors, targets)
        return Dataset(X, targets, weights), factors

    def _check_finite(self, inputs, is_scaled):
        """Refuse X with numbers that are not finite as they are given."""
        # What is too large for float32 need not be so when it is scaled.
        as_given = scaling.unscaled(inputs) if is_scaled else inputs
        scaling.check_finite(as_given, type(self).__name__)

    def _check_computed(self, inputs):
        """Refuse X with numbers that are not finite as they are computed with."""
        try:
            scaling.check_finite(inputs, type(self).__name__)
        except ValueError as error:
            if self.divisor_ is None:
                raise
            raise ValueError(
                f"scale={self.scale!r} makes of X what is not finite in "
                f"{inputs.dtype}: {error}"
            ) from error

    def _validated(self, X, is_scaled, reset=False, once=False):
        """Check X, but not whether its numbers are finite."""
        # A value too large for float32 is refused in words; NumPy need not warn too.
        with np.errstate(over="ignore", invalid="ignore"):
            arguments = scaling.storage(X, self.dtype, is_scaled, once)
            X = validate_data(self, X, reset=reset, **arguments)
            return scaling.as_inputs(X, self.dtype)

    def _is_as_needed(self, X):
        """Whether X is just what a prediction needs; if in doubt, it is not.

        For a single row, looking thoroughly takes longer than all the rest.
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

    def _set_scale(self, inputs, rows):
        """Find what X is shifted and divided by; nothing where it is not scaled."""
        self.shift_ = self.divisor_ = None
        if self.scale is not None:
            inputs = inputs.part(rows)
            self.shift_, self.divisor_ = scaling.fitted_scale(self.scale, inputs)

    def _scaled(self, inputs):
        return scaling.scaled(inputs, self.shift_, self.divisor_)

    def _hold_out(self, dataset, validation):
        """Numbers of the samples to train on, and of those held out if any are."""
        if validation is not None or not self.early_stopping:
            return np.arange(dataset.X.shape[0], dtype=np.intp), None
        rows, held_out = self._split(dataset.targets)
        if dataset.weights is not None and not dataset.weights[held_out].any():
            raise ValueError(
                "early_stopping=True has held out samples of weight 0 alone, by "
                "sample_weight and class_weight. Pass X_val and y_val instead."
            )
        return rows, held_out

    def _check_validation(self, validation, factors, is_scaled):
        """Check the data to validate with, where they are given."""
        X, y, sample_weight = validation
        if X is None and y is None and sample_weight is None:
            return None
        if X is None or y is None:
            raise ValueError(
                "X_val and y_val must be given both or neither, and sample_weight_val "
                "with them only"
            )
        try:
            X = self._validated(X, is_scaled)
            self._check_finite(X, is_scaled)
            targets, _ = encode(y, self.dtype, classes=self.classes_)
            check_consistent_length(X, targets.y)
            weights = check_weights(sample_weight, X.array)
            weights = combined_weights(weights, factors, targets)
        except (TypeError, ValueError) as error:
            raise ValueError(
                "X_val, y_val or sample_weight_val is not as it must be, like X, y and "
                f"sample_weight: {error}"
            ) from error
        return Dataset(X, targets, weights)

    def _split(self, targets):
        """Numbers of the samples to train on and of those to validate with."""
        progress = self._progress
        if progress.split_seed is None:
            # From a copy, so that a call that is refused has drawn nothing.
            random_state = deepcopy(progress.random_state)
            progress.split_seed = random_state.randint(2**31 - 1)
        try:
            return train_test_split(
                np.arange(targets.y.size, dtype=np.intp),
                test_size=self.validation_fraction,
                stratify=targets.y,
                random_state=progress.split_seed,
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True cannot hold out validation_fraction="
                f"{self.validation_fraction} of {targets.y.size} samples in "
                f"{self.classes_.size} classes ({error}). Pass X_val and y_val instead."
            ) from error

    def _set_parts(self, sizes):
        """Make activations and loss, so that a later set_params leaves them alone."""
        self._activations = self._activation_objects(len(sizes) - 2)
        loss = _as_object("loss", self.loss, losses)
        self._loss = clone(loss) if isinstance(loss, losses.Loss) else loss
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "softmax" if _has_probabilities(self) else "identity"

    def _check_that_loss_takes(self, targets, name):
        if targets.T is None or not getattr(self._loss, "hard_labels_only", False):
            return
        names = [
            known
            for known, member in sorted(losses.known().items())
            if not member.hard_labels_only
        ]
        raise ValueError(
            f"loss={self.loss!r} takes labels only, and {name} has rows of "
            f"probabilities. Pass {name}.argmax(axis=1), or use one of {names}."
        )

    def _starting_point(self, sizes, goes_on):
        """The state to train from and its optimiser; coefs_ become views of it."""
        progress, optimizer = self._progress, self._optimizer()
        state = np.zeros((1 + optimizer.n_slots, n_parameters(sizes)), self.dtype)
        coefs, intercepts = split_parameters(state[0], sizes)
        if goes_on:
            self._copy_parameters(coefs, intercepts)
        else:
            self.history_ = History()
            draw_weights(coefs, self._activations, self.init, progress.random_state)
        if progress.solver == self.solver:
            state[1:] = progress.slots
            optimizer.n_steps = progress.n_steps
        progress.solver = self.solver
        self.coefs_, self.intercepts_ = coefs, intercepts
        return state, optimizer

    def _copy_parameters(self, coefs, intercepts):
        """Take over the weights and biases of an earlier call."""
        given = [*self.coefs_, *self.intercepts_]
        shapes = [array.shape for array in (*coefs, *intercepts)]
        if [np.shape(array) for array in given] != shapes:
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} does not fit the "
                "network to go on with, whose coefs_ and intercepts_ have the shapes "
                f"{[np.shape(array) for array in given]}"
            )
        for array, value in zip((*coefs, *intercepts), given, strict=True):
            with np.errstate(over="ignore"):
                array[...] = value
            if not np.isfinite(array).all():
                raise ValueError(
                    "coefs_ or intercepts_, which training is to go on from, have a "
                    f"number that is NaN, infinite or too large for {array.dtype}"
                )

    def __repr__(self, N_CHAR_MAX=700):
        # Of a long array, as `scale` may have one, the ends will do.
        with np.printoptions(threshold=10, edgeitems=2):
            return super().__repr__(N_CHAR_MAX)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _layer_sizes(self, n_features, n_classes):
        """Widths of all layers, from input to output."""
        given = self.hidden_layer_sizes
        try:
            hidden = list(given)
        except TypeError:
            hidden = [given]
        limit = blas.largest_dimension()
        if isinstance(given, Mapping | Set) or not all(
            isinstance(size, Integral)
            and not isinstance(size, bool)
            and 1 <= size <= limit
            for size in hidden
        ):
            raise InvalidParameterError(
                "The 'hidden_layer_sizes' parameter of MLPClassifier must be whole "
                f"numbers from 1 to {limit}, the largest that BLAS can address. "
                f"Got {given!r} instead."
            )
        if n_features > limit:
            raise ValueError(
                f"X has {n_features} features; BLAS can address no more than {limit}"
            )
        sizes = [n_features, *map(int, hidden), n_classes]
        if n_parameters(sizes) > np.iinfo(np.intp).max // 64:
            raise InvalidParameterError(
                "The 'hidden_layer_sizes' parameter of MLPClassifier must make no more "
                f"parameters than memory can hold. Got {given!r}, which makes "
                f"{n_parameters(sizes)}."
            )
        return sizes

    def _activation_objects(self, n_hidden):
        """The activation of each hidden layer."""
        given = self.activation
        if not isinstance(given, list | tuple):
            given = [given] * n_hidden
        if len(given) != n_hidden:
            raise InvalidParameterError(
                "The 'activation' parameter of MLPClassifier must have one entry per "
                f"hidden layer, {n_hidden}, if it is a list. Got {given!r} instead."
            )
        return [_as_object("activation", member, activations) for member in given]

    def _dropout_rates(self, n_hidden):
        """The dropout of each hidden layer; nothing where there is none at all."""
        given = self.dropout
        if not isinstance(given, list | tuple):
            given = [given] * n_hidden
        if len(given) != n_hidden or not all(
            isinstance(rate, Real) and 0 <= rate < 1 for rate in given
        ):
            raise InvalidParameterError(
                "The 'dropout' parameter of MLPClassifier must be a float in the range "
                f"[0.0, 1.0), or a list of them with one per hidden layer, {n_hidden}. "
                f"Got {self.dropout!r} instead."
            )
        return [float(rate) for rate in given] if any(given) else []

    def _optimizer(self):
        if self.solver == "adam":
            return Adam(
                learning_rate=self.learning_rate_init,
                beta_1=self.beta_1,
                beta_2=self.beta_2,
                epsilon=self.epsilon,
                weight_decay=self.weight_decay,
            )
        return SGD(
            learning_rate=self.learning_rate_init,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterovs_momentum,
        )

    def _train(
        self, training, evaluation, n_epochs, after_epoch=None, callbacks=None
    ):  # fmt: skip
        """Run epochs, and see to whatever cuts them short; say whether it converged."""
        n_before = self.history_.n_epochs
        control = Control(self, self._progress, training)
        try:
            converged = self._run_epochs(
                training, evaluation, control, n_epochs, after_epoch, callbacks
            )
            self._keep_best(control)
            return converged
        except DivergedError as error:
            raise ValueError(
                f"Training diverged in epoch {self.history_.n_epochs + 1}: loss or "
                "weights are not finite any more. The weights are those from before "
                "this epoch. Try a smaller learning_rate_init (it is "
                f"{self.learning_rate_init}), a smaller momentum ({self.momentum}) or "
                f"weight_decay ({self.weight_decay}), scaling the features of X to a "
                "mean near 0 and a variance near 1, or other parameters of init "
                f"({self.init!r}) or loss ({self.loss!r})."
            ) from error
        except KeyboardInterrupt:
            self._keep_best(control)
            warnings.warn(
                f"Training interrupted in epoch {self.history_.n_epochs + 1}; what the "
                f"{self.history_.n_epochs} finished epochs learned is kept.",
                RuntimeWarning,
                stacklevel=4,  # where fit is called
            )
            return True
        finally:
            self._take_over(training, n_before)

    def _run_epochs(
        self, training, evaluation, control, n_epochs, after_epoch, callbacks
    ):  # fmt: skip
        """Train until it is time to stop; say whether that was before the last."""
        first = self.history_.n_epochs + 1
        epoch = first - 1
        training.save()
        try:
            with tqdm(total=n_epochs, disable=not self.verbose, unit="epoch") as bar:
                for epoch in range(first, first + n_epochs):
                    single_threaded_blas.renew()
                    control.set_learning_rate(epoch)
                    if callbacks is not None:
                        callbacks.begin_epoch()
                    figures = self._train_epoch(epoch, training, evaluation)
                    training.save()
                    stop = control.update(figures)
                    _show(bar, figures)
                    if after_epoch is not None:
                        after_epoch()
                    if callbacks is not None:
                        stop |= callbacks.end_epoch(partial(self._as_of_now, first - 1))
                    if stop:
                        return True
        except BaseException:
            if self.history_.n_epochs < epoch:
                training.restore()
            raise
        return False

    def _keep_best(self, control):
        """End with the best epoch's weights, where early stopping looks for them."""
        if (epoch := control.restore_best()) is not None:
            self.best_epoch_ = epoch

    def _take_over(self, training, n_before):
        """Keep what came of training, and nothing of its memory besides."""
        vars(self).update(self._snapshot(n_before))
        if self._progress.best.state is not None:
            # An error came before it was put back.
            self._progress.best = BestState()
        self._progress.slots = training.state[1:].copy()
        self._progress.n_steps = training.optimizer.n_steps

    def _as_of_now(self, n_before):
        """What a classifier would have whose training had stopped here."""
        return self._snapshot(n_before) | {"history_": copy(self.history_)}

    def _snapshot(self, n_before):
        """What is learned so far, in memory of its own."""
        loss_curve = self.history_.get("train_loss", np.empty(0)).tolist()
        return {
            "coefs_": [W.copy() for W in self.coefs_],
            "intercepts_": [b.copy() for b in self.intercepts_],
            "n_iter_": self.history_.n_epochs - n_before,
            "loss_curve_": loss_curve,
            "loss_": loss_curve[-1] if loss_curve else np.nan,
        }

    def _train_epoch(self, epoch, training, evaluation):
        figures, batches = training.run_epoch()
        figures = {"epoch": epoch, **figures}
        if evaluation is not None:
            loss, accuracy = evaluation.run(training.state[0])
            figures["val_loss"], figures["val_accuracy"] = loss, accuracy
        figures["learning_rate"] = training.optimizer.learning_rate
        if self.diagnostics:
            figures |= self._diagnose(training.dataset, training.rows)
        self.history_.append(
            **figures, batches=batches if self.record_batches else None
        )
        return figures

    def _diagnose(self, dataset, rows):
        """Where gradients vanish, on the samples trained on."""
        flow = GradientFlow(
            self.coefs_, self.intercepts_, self._activations, self._loss
        )
        for some in _slices(rows.size):
            X, targets, _ = dataset.rows(rows[some])
            flow.add(X, targets.probabilities(X.dtype))
        return flow.fractions()

    def _scores_of(self, U):
        """Scores from the weighted sums of the first layer."""
        layers = zip(
            self._activations, self.coefs_[1:], self.intercepts_[1:], strict=True
        )
        for activation, W, b in layers:
            A = checked_result(
                activation.value(U), activation, "value", U.shape, U.dtype
            )
            U = dense.forward(A, W, b)
        return U

    def _checked_scores(self, X):
        check_is_fitted(self)
        if self._is_as_needed(X):
            return self._scores_by_parts(X.shape[0], X.__getitem__)
        X = self._validated(X, self.divisor_ is not None, once=True)
        X = scaling.scaled(X, self.shift_, self.divisor_)
        return self._scores_by_parts(X.shape[0], X.rows)

    def _scores_by_parts(self, n_samples, rows):
        parts = [self._scores_if_finite(rows(some)) for some in _slices(n_samples)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _scores_if_finite(self, X):
        U = dense.forward(X, self.coefs_[0], self.intercepts_[0])
        # NaN and infinity go through all sums of their sample, whatever the weights
        # are. To look for them there spares one more reading of X.
        if not np.isfinite(U).all():
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
        return self._scores_of(U)

    def decision_function(self, X):
        """Compute the scores of the output layer.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            With the features of `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes, the score of the second less that of the first.

        Raises
        ------
        NotFittedError
            Before fit.
        ValueError
            If X is not finite or has another number of features than in fit.
        """
        Z = self._checked_scores(X)
        return Z[:, 1] - Z[:, 0] if self.n_outputs_ == 2 else Z

    def predict(self, X):
        """Predict labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            With the features of `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            For each sample the label with the highest score.

        Raises
        ------
        NotFittedError
            Before fit.
        ValueError
            If X is not finite or has another number of features than in fit.
        """
        Z = self._checked_scores(X)
        return self.classes_[Z.argmax(axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Predict probabilities. Absent where the loss knows none, as plain hinge.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            With the features of `fit`.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before fit.
        ValueError
            If X is not finite or has another number of features than in fit.
        """
        Z = self._checked_scores(X)
        return self._probabilities(Z)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Predict logarithms of probabilities, without underflow for our losses.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            With the features of `fit`.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before fit.
        ValueError
            If X is not finite or has another number of features than in fit.
        """
        Z = self._checked_scores(X)
        if hasattr(self._loss, "log_probabilities"):
            return self._loss.log_probabilities(Z)
        with np.errstate(divide="ignore"):
            return np.log(self._probabilities(Z))

    def _probabilities(self, Z):
        p = self._loss.probabilities(Z)
        return checked_result(p, self._loss, "probabilities", Z.shape, Z.dtype)


def _slices(n):
    """Cut n rows into pieces of at most ROWS_AT_A_TIME.

    scikit-learn's gen_batches does the same, but checks its arguments for longer than a
    row takes to be predicted.
    """
    for start in range(0, n, ROWS_AT_A_TIME):
        yield slice(start, min(start + ROWS_AT_A_TIME, n))


def _as_object(parameter, given, registry):
    """Make an activation or loss that is given by name an object."""
    known = registry.known()
    if isinstance(given, str) and given in known:
        return known[given]()
    methods = {"activation": ("value", "derivative"), "loss": ("value_and_gradient",)}
    if isinstance(given, type) or not all(
        hasattr(given, method) for method in methods[parameter]
    ):
        raise InvalidParameterError(
            f"The {parameter!r} parameter of MLPClassifier must be one of the names "
            f"{sorted(known)} or an object, not a class, with the methods "
            f"{methods[parameter]}. Got {given!r} instead."
        )
    return given


def _show(progress, figures):
    """Move the progress bar on by an epoch."""
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    shown = {name: f"{figures[name]:.4f}" for name in names if name in figures}
    progress.set_postfix(shown, refresh=False)
    progress.update()
