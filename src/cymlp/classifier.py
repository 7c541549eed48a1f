"""The classifier: its parameters, their documentation, and predictions."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels

from cymlp._engine.optimizers import SOLVERS
from cymlp._engine.user_results import checked_result
from cymlp._fit import architecture, scaling
from cymlp._fit.estimator import BaseMLP
from cymlp._fit.targets import class_weights, encode_classes, has_rows
from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES


def _has_probabilities(classifier):
    loss = getattr(classifier, "_loss", None)
    if loss is None:
        loss = architecture.loss_object(classifier)
    return hasattr(loss, "probabilities")


class MLPClassifier(ClassifierMixin, BaseMLP):
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
            StrOptions(set(ACTIVATIONS)),
            HasMethods(["value", "derivative"]),
            list,
            tuple,
        ],
        "loss": [StrOptions(set(LOSSES)), HasMethods(["value_and_gradient"])],
        "solver": [StrOptions(set(SOLVERS))],
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
        classes = self._partial_fit_classes(y, classes)
        return self._partial_fit(X, y, classes, sample_weight)

    def _partial_fit_classes(self, y, classes):
        """The classes of a call of partial_fit."""
        is_fitted = hasattr(self, "coefs_")
        if classes is None:
            if not is_fitted and not has_rows(y):
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            return self.classes_ if is_fitted else None
        classes = unique_labels(classes)
        if classes.size < 2:
            raise ValueError(f"classes must be at least 2; got {classes!r}")
        if is_fitted and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "classes must be the same in every call to partial_fit; got "
                f"{classes!r}, earlier {self.classes_!r}"
            )
        return classes

    def _classes_to_resume(self):
        return self.classes_

    def _encode_targets(self, y, classes):
        targets, self.classes_ = encode_classes(y, self.dtype, classes=classes)
        return targets

    def _class_weights(self, targets, sample_weight):
        return class_weights(self.class_weight, sample_weight, targets, self.classes_)

    def _output_activation(self):
        return "softmax" if _has_probabilities(self) else "identity"

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
        Z = self._scores(X)
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
        Z = self._scores(X)
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
        Z = self._scores(X)
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
        Z = self._scores(X)
        if hasattr(self._loss, "log_probabilities"):
            return self._loss.log_probabilities(Z)
        with np.errstate(divide="ignore"):
            return np.log(self._probabilities(Z))

    def _probabilities(self, Z):
        p = self._loss.probabilities(Z)
        return checked_result(p, self._loss, "probabilities", Z.shape, Z.dtype)
