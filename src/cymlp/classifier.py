"""The classifier: checks, the loop over epochs, predictions."""

import warnings
from collections.abc import Mapping, Set
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, gen_batches
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)
from tqdm.auto import tqdm

from cymlp import activations, blas, dense, losses
from cymlp.diagnostics import GradientFlow
from cymlp.history import History
from cymlp.initialization import draw_weights
from cymlp.network import Network, n_parameters, split_parameters
from cymlp.optimizers import SGD
from cymlp.threads import single_threaded_blas
from cymlp.training import DivergedError, NoImprovement, Training
from cymlp.validation import checked_loss, checked_result

# Rows that are predicted at a time, so that the hidden layers of a large X need not be
# in memory all at once.
ROWS_AT_A_TIME = 4096


def _has_probabilities(classifier):
    loss = getattr(classifier, "_loss", None)
    if loss is None:
        loss = _as_object("loss", classifier.loss, losses)
    return hasattr(loss, "probabilities")


class MLPClassifier(ClassifierMixin, BaseEstimator):
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
    learning_rate_init : float, default=0.01
        Step size.
    momentum : float, default=0.9
        Part of the last step that goes into the next, in [0, 1).
    weight_decay : float, default=1e-4
        Factor of the parameters that is added to their gradient, for weights and
        biases alike. Not part of the reported loss.
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
    shuffle : bool, default=True
        Whether to take samples in a new random order every epoch.
    random_state : int, RandomState instance or None, default=None
        Determines the first weights and the order of samples. With an int, the same
        data gives bit-identical weights on the same machine and build.
    tol : float, default=1e-4
        An epoch improves if its training loss is lower than the best so far by more.
    n_iter_no_change : int or numpy.inf, default=10
        Training stops after more than this many epochs without improvement. With
        ``numpy.inf`` it does not stop before ``max_iter``.
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
    history_ : History
        Loss, accuracy, gradient norm, time and learning rate of each epoch.
    loss_ : float
        Training loss of the last epoch.
    loss_curve_ : list of float
        Training loss of each epoch.
    n_iter_ : int
        Number of epochs.
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of outputs, one per class, two for two classes.
    out_activation_ : str
        "softmax", or "identity" where the loss knows no probabilities.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during fit, where X has names.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same network without a choice of loss.

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
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
        ],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
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
        learning_rate_init=0.01,
        momentum=0.9,
        weight_decay=1e-4,
        batch_size=100,
        max_iter=100,
        init="auto",
        dtype="float32",
        shuffle=True,
        random_state=None,
        tol=1e-4,
        n_iter_no_change=10,
        verbose=False,
        record_batches=False,
        diagnostics=False,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.init = init
        self.dtype = dtype
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.verbose = verbose
        self.record_batches = record_batches
        self.diagnostics = diagnostics

    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None):
        """Train a new network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : array-like of shape (n_samples,)
            Labels: numbers, strings or booleans, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative factors of the samples' losses. They are divided by their mean
            over the training set, not by their sum over each batch.
        X_val : array-like of shape (n_val_samples, n_features), default=None
            Validation data, whose loss and accuracy `history_` reports after every
            epoch. They do not influence training.
        y_val : array-like of shape (n_val_samples,), default=None
            Labels of the validation data.

        Returns
        -------
        self : MLPClassifier

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
        return self._fit(X, y, sample_weight, X_val, y_val)

    def _fit(self, X, y, sample_weight, X_val, y_val, after_epoch=None):
        """Fit, and call `after_epoch` after each: it may raise KeyboardInterrupt."""
        self._validate_params()
        # Names and number of features are noted on a stand-in until all is checked.
        noted = MLPClassifier(dtype=self.dtype)
        X, y, classes, weights, validation = noted._check_data(
            X, y, sample_weight, X_val, y_val
        )
        sizes = self._layer_sizes(X.shape[1], classes.size)
        hidden_activations = self._activation_objects(len(sizes) - 2)
        loss = _as_object("loss", self.loss, losses)
        if isinstance(loss, losses.Loss):
            # What set_params changes later must not change what has been fitted.
            loss = clone(loss)
        batch_size = min(self.batch_size, X.shape[0], blas.largest_dimension())
        random_state = check_random_state(self.random_state)
        # The second row is the velocity of the first.
        state = np.zeros((2, n_parameters(sizes)), self.dtype)
        training = Training(
            Network(sizes, hidden_activations, loss, batch_size),
            state,
            self._optimizer(),
            X,
            y,
            weights,
            batch_size=batch_size,
            shuffle=self.shuffle,
            random_state=random_state,
        )
        # All is checked and in memory. Only now does what an earlier fit left change.
        vars(self).pop("feature_names_in_", None)
        vars(self).update(
            {name: vars(noted)[name] for name in vars(noted) if name.endswith("_in_")}
        )
        self.classes_ = classes
        self.coefs_, self.intercepts_ = split_parameters(state[0], sizes)
        self._activations, self._loss = hidden_activations, loss
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "softmax" if _has_probabilities(self) else "identity"
        draw_weights(self.coefs_, hidden_activations, self.init, random_state)
        with single_threaded_blas:
            self._train(training, validation, after_epoch)
        return self

    def _check_data(self, X, y, sample_weight, X_val, y_val):
        """Check all arrays; labels become numbers from 0, weights get mean 1."""
        X, y = self._validated(X, y)
        check_classification_targets(y)
        classes, y = np.unique(y, return_inverse=True)
        if classes.size < 2:
            raise ValueError(
                "y must have samples of at least 2 classes; "
                f"got one class only: {classes.tolist()[0]!r}"
            )
        if sample_weight is not None:
            sample_weight = self._check_weights(sample_weight, X)
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given both or neither")
        validation = None
        if X_val is not None:
            validation = self._check_validation(X_val, y_val, classes)
        return X, y.astype(np.intp, copy=False), classes, sample_weight, validation

    def _validated(self, *arrays, reset=True):
        """Check X, or X and y; X becomes an array of what is computed in."""
        # A value too large for float32 is refused in words; NumPy need not warn too.
        with np.errstate(over="ignore", invalid="ignore"):
            return validate_data(
                self, *arrays, dtype=np.dtype(self.dtype), order="C", reset=reset
            )

    def _check_weights(self, sample_weight, X):
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if np.any(weights < 0) or not np.any(weights > 0):
            raise ValueError(
                "sample_weight must have no negative value and at least one positive; "
                f"its smallest is {weights.min()}, its largest {weights.max()}"
            )
        # The mean of numbers near the largest or smallest could not be represented.
        weights = weights / weights.max()
        return (weights / weights.mean()).astype(self.dtype)

    def _check_validation(self, X_val, y_val, classes):
        try:
            X_val, y_val = self._validated(X_val, y_val, reset=False)
            labels = np.unique(y_val).tolist()
        except (TypeError, ValueError) as error:
            raise ValueError(f"X_val or y_val is not as it must be: {error}") from error
        # Compared in Python, because NumPy compares no strings with numbers.
        known = set(classes.tolist())
        if unknown := [label for label in labels if label not in known]:
            raise ValueError(
                f"y_val has labels that y has not: {unknown[:5]}; "
                f"y has {classes.size} classes"
            )
        return X_val, np.searchsorted(classes, y_val)

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

    def _optimizer(self):
        return SGD(
            learning_rate=self.learning_rate_init,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
        )

    def _train(self, training, validation, after_epoch):
        """Run epochs until it is time to stop, and see to whatever cuts them short."""
        self.history_ = History()
        epoch = 0
        try:
            stopping = NoImprovement(self.tol, self.n_iter_no_change)
            training.save()
            with tqdm(
                total=self.max_iter, disable=not self.verbose, unit="epoch"
            ) as progress:
                for epoch in range(1, self.max_iter + 1):
                    single_threaded_blas.renew()
                    figures = self._train_epoch(epoch, training, validation)
                    training.save()
                    _show(progress, figures)
                    if after_epoch is not None:
                        after_epoch()
                    if stopping.update(figures["train_loss"]):
                        return
        except DivergedError as error:
            raise ValueError(
                f"Training diverged in epoch {epoch}: loss or weights are not finite "
                "any more. The weights are those from before this epoch. Try a smaller "
                f"learning_rate_init (it is {self.learning_rate_init}), a smaller "
                f"momentum ({self.momentum}) or weight_decay ({self.weight_decay}), "
                "scaling the features of X to a mean near 0 and a variance near 1, or "
                f"other parameters of init ({self.init!r}) or loss ({self.loss!r})."
            ) from error
        except KeyboardInterrupt:
            warnings.warn(
                f"Training interrupted in epoch {epoch}; what the "
                f"{self.history_.n_epochs} finished epochs learned is kept.",
                RuntimeWarning,
                stacklevel=4,  # where fit is called
            )
            return
        finally:
            if self.history_.n_epochs < epoch:
                training.restore()
            # Copies, so that they do not keep the velocities in memory.
            self.coefs_ = [W.copy() for W in self.coefs_]
            self.intercepts_ = [b.copy() for b in self.intercepts_]
            self.n_iter_ = self.history_.n_epochs
            self.loss_curve_ = self.history_.get("train_loss", np.empty(0)).tolist()
            self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else np.nan
        if self.n_iter_no_change != np.inf:
            warnings.warn(
                f"Training has not converged after max_iter={self.max_iter} epochs. "
                "Raise max_iter, or set n_iter_no_change=np.inf if this many epochs "
                "are what you want.",
                ConvergenceWarning,
                stacklevel=4,  # where fit is called
            )

    def _train_epoch(self, epoch, training, validation):
        figures, batches = training.run_epoch()
        if validation is not None:
            figures["val_loss"], figures["val_accuracy"] = self._evaluate(*validation)
        if self.diagnostics:
            figures |= self._diagnose(training.X, training.y)
        self.history_.append(
            epoch=epoch,
            **figures,
            learning_rate=self.learning_rate_init,
            batches=batches if self.record_batches else None,
        )
        return figures

    def _evaluate(self, X, y):
        """Mean loss and accuracy on data that are checked already."""
        targets = np.eye(self.n_outputs_, dtype=X.dtype)
        total, correct = 0.0, 0
        for rows in gen_batches(len(X), ROWS_AT_A_TIME):
            Z = self._scores(X[rows])
            correct += np.count_nonzero(Z.argmax(axis=1) == y[rows])
            result = self._loss.value_and_gradient(Z, targets[y[rows]])
            values, _ = checked_loss(result, self._loss, Z.shape, Z.dtype)
            total += np.sum(values, dtype=np.float64)
        return float(total / len(X)), correct / len(X)

    def _diagnose(self, X, y):
        """Where gradients vanish, on the training data."""
        flow = GradientFlow(
            self.coefs_, self.intercepts_, self._activations, self._loss
        )
        targets = np.eye(self.n_outputs_, dtype=X.dtype)
        for rows in gen_batches(len(X), ROWS_AT_A_TIME):
            flow.add(X[rows], targets[y[rows]])
        return flow.fractions()

    def _scores(self, X):
        """Scores of data that are checked already."""
        *hidden, (W, b) = zip(self.coefs_, self.intercepts_, strict=True)
        A = X
        for (W_hidden, b_hidden), activation in zip(
            hidden, self._activations, strict=True
        ):
            U = dense.forward(A, W_hidden, b_hidden)
            A = checked_result(
                activation.value(U), activation, "value", U.shape, X.dtype
            )
        return dense.forward(A, W, b)

    def _checked_scores(self, X):
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        return np.concatenate(
            [self._scores(X[rows]) for rows in gen_batches(len(X), ROWS_AT_A_TIME)]
        )

    def decision_function(self, X):
        """Compute the scores of the output layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

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
        X : array-like of shape (n_samples, n_features)

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
        X : array-like of shape (n_samples, n_features)

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
        X : array-like of shape (n_samples, n_features)

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
