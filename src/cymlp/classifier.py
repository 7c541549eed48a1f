"""The classifier: parameters, documentation and predictions."""

import numpy as np
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from cymlp._engine.user_results import checked_result
from cymlp._fit import architecture
from cymlp._fit.estimator import BaseMLP
from cymlp._fit.hints import explains_arguments
from cymlp._fit.targets import (
    check_kind,
    check_same_classes,
    class_weights,
    encode_classes,
    encode_labels,
    kind_of,
    label_weights,
    most_likely_labels,
    partial_fit_classes,
)
from cymlp._sklearn import HasMethods, StrOptions
from cymlp.losses import LOSSES


def _has_probabilities(classifier):
    loss = getattr(classifier, "_loss", None)
    if loss is None:
        loss = architecture.given_loss(classifier)
    return hasattr(loss, "probabilities")


def _check_probabilities(classifier):
    if _has_probabilities(classifier):
        return True
    raise AttributeError(
        f"loss={classifier.loss!r} does not define probabilities. Use "
        "decision_function, or another loss, such as 'cross_entropy'."
    )


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier, trained by stochastic gradient descent.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(256,)
        Number of units in each hidden layer. Empty for a network without hidden layers.
    activation : str, object, or list of these with one per hidden layer, \
            default="relu"
        Activation of the hidden layers: "tanh", "selu", "hardswish", "relu",
        "leaky_relu", "gelu", "silu", "mish", "logistic" or "identity", an instance of a
        class from :mod:`cymlp.activations`, or any object with the methods of
        :class:`~cymlp.typing.ActivationLike`.
    loss : str or object, default="cross_entropy"
        Loss to minimise: "cross_entropy", "kl_div", "hinge" or "focal", an instance of
        a class from :mod:`cymlp.losses`, or any object with the method of
        :class:`~cymlp.typing.LossLike`. The classifier predicts probabilities if the
        loss has a method ``probabilities(Z)``. For several labels per sample,
        "cross_entropy" and "focal" become "binary_cross_entropy" and "binary_focal".
    solver : {"sgd", "adam"}, default="adam"
        Optimiser: stochastic gradient descent with momentum, or Adam.
    learning_rate_init : float, default=0.003
        Initial learning rate.
    learning_rate : {"constant", "cosine", "invscaling", "adaptive"} or callable, \
            default="cosine"
        Learning rate schedule, for either solver.

        - "constant" keeps `learning_rate_init`.
        - "cosine" lowers the rate from `learning_rate_init` towards 0 along half a
          cosine wave, over the `max_iter` epochs of each call of `fit`. `partial_fit`
          keeps `learning_rate_init`.
        - "invscaling" divides `learning_rate_init` by (t + 1) ** `power_t`, where t is
          the number of samples processed in earlier epochs.
        - "adaptive" divides the learning rate by 5 each time training would otherwise
          stop for lack of improvement. Training stops once the rate is 1e-6 or less.
        - A callable receives the epoch, starting from 1, and returns its learning rate.
    power_t : float, default=0.5
        Exponent of the "invscaling" schedule.
    momentum : float, default=0.9
        Momentum, in [0, 1) (SGD only).
    nesterovs_momentum : bool, default=False
        Whether to use Nesterov's momentum (SGD only).
    beta_1, beta_2 : float, default=0.9 and 0.95
        Decay rates of the moving averages of the gradient and of its square, in [0, 1)
        (Adam only).
    epsilon : float, default=1e-6
        Added to the denominator for numerical stability (Adam only).
    weight_decay : "auto" or float, default="auto"
        Strength of the L2 penalty. This factor of the weights and biases is added to
        their gradient, with either solver. The reported loss excludes the penalty.
        "auto" is 2 / n_samples, with an n_samples of at least 100: the fewer samples,
        the stronger the penalty. For `partial_fit`, which does not know the number of
        samples, "auto" is 1e-4. If samples have several labels, whose losses are added,
        "auto" is multiplied by the number of labels.
    dropout : float, or list of float with one per hidden layer, default=0.0
        Fraction of the units of a hidden layer, in [0, 1), to drop at random for each
        sample during training. Training loss and accuracy are measured with dropout,
        validation and predictions use all units.
    class_weight : dict of label to float, "balanced", list of dict, or None, \
            default=None
        Weight of each class; classes missing from the dict get weight 1. "balanced"
        gives all classes the same total weight. If y has rows of probabilities, the
        weight of a sample is the mean of the class weights under its probabilities.
        If samples have several labels, a dict has a weight of the loss of each label. A
        list has a dict for each label, with its weights where it is absent (0) and
        present (1); "balanced" gives both the same total weight for each label.
    batch_size : "auto" or int, default="auto"
        Size of the mini-batches, at most the number of samples. "auto" is the square
        root of the number of training samples, at least 32.
    max_iter : int, default=60
        Maximum number of epochs.
    init : "auto" or float, default="auto"
        Distribution of the initial weights. "auto" uses LeCun normal for layers that
        feed "selu" and Glorot uniform for the others; the output layer follows the last
        hidden layer. A float is the standard deviation of a normal distribution for all
        layers. Biases start at 0.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the computation, and dtype of the weights, scores and
        probabilities.
    scale : {"auto", "standard", "minmax"}, tuple, or None, default="auto"
        Scaling of X to (X - shift) / divisor, applied as X is read, without a copy.

        - "auto" is "standard" for the bulk of the values. X is clipped to bounds first,
          so that a few outliers cannot ruin the scale. The bounds of a feature lie
          outside its 5th and 95th percentile by twice the distance between the two. If
          these are equal, the bounds are the minimum and the maximum. The percentiles
          are those of at most 1000 samples. The divisor is at least a sixth of the
          range between the clipped values, so that a feature that is nearly constant,
          such as a pixel in a corner, does not become large. Sparse X is not clipped.
        - "standard" uses the mean and the standard deviation of each feature, "minmax"
          its minimum and range, as scikit-learn's scalers do. The divisor of a constant
          feature is 1, or its absolute value if that is larger. Weights count as in the
          loss, so that samples of weight 0 are ignored, and so are those held out for
          validation. The first call measures the scale; ``warm_start`` and
          `partial_fit` keep it.
        - A tuple (shift, divisor) has a float or an array of shape (n_features,) for
          each; (128, 255) suits raw pixels.
        - None leaves X unscaled.

        Sparse X is not shifted, so that zeros stay zeros: "standard" divides it by the
        root mean square of each feature and "minmax" by the largest absolute value.
        "auto" does the latter for features with values above 1 or below -1 only, since
        the rows of a text vectorizer are best left alone. A tuple must have a shift of
        0.
    n_threads : int, default=None
        Maximum number of threads of a fit or prediction. None means as many as there
        are cores. Fewer are used if batches are small or rows are few. The fits and
        predictions of a process share the cores. The number of threads changes the
        time, and not a bit of the result.
    shuffle : bool, default=True
        Whether to shuffle the samples in each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, shuffling, dropout and the validation split. With
        an int, the same data gives bit-identical weights on the same machine and build.
    tol : float, default=1e-4
        Minimum improvement of the training loss, or of the validation metric with
        `early_stopping`, for an epoch to count as an improvement.
    n_iter_no_change : int or numpy.inf, default=10
        Number of consecutive epochs without improvement to tolerate; one more ends
        training. With ``numpy.inf`` training always runs for `max_iter` epochs.
    early_stopping : bool, default=False
        Whether to stop when a validation metric stops improving, and to keep the
        weights of the best epoch. The validation data are those passed to `fit`, or
        else a part of the training data.
    validation_fraction : float, default=0.1
        Fraction of the training data to hold out, stratified by class, if
        `early_stopping` is set and no validation data are passed to `fit`. Classes too
        small to be split keep at least one sample to train on. Samples of weight 0 are
        not held out.
    monitor : {"loss", "accuracy"}, default="loss"
        Validation metric for `early_stopping`.
    warm_start : bool, default=False
        Whether `fit` resumes training where the previous call ended. The weights,
        optimiser state, random state and `history_` are kept, so that two calls give
        the same result as one long call. y must have the same classes, or the same
        number of outputs, in each call.
    verbose : bool, default=False
        Whether to show a progress bar with the metrics and the remaining time.
    record_batches : bool, default=False
        Whether to record the metrics of each mini-batch in ``history_.batches``.
    diagnostics : bool, default=False
        Whether to record vanishing gradients in `history_` after each epoch: see
        :class:`~cymlp.history.History`. This takes about half as long as the epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; 0, 1, ... for the columns of rows of probabilities and of
        several labels per sample.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. Predictions use arrays that are assigned here.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer. Predictions use arrays that are assigned here.
    best_epoch_ : int
        Epoch of the weights that are kept, if `early_stopping` is set.
    history_ : History
        Loss, accuracy, time and learning rate of each epoch.
    loss_ : float
        Training loss of the last epoch.
    loss_curve_ : list of float
        Training loss of each epoch.
    n_iter_ : int
        Number of epochs in the last call.
    n_layers_ : int
        Number of layers, including the input and output layers.
    n_outputs_ : int
        Number of outputs, one per class, also for two classes, or one per label.
    out_activation_ : str
        "softmax", "logistic" for several labels per sample, or "identity" if the loss
        does not define probabilities.
    shift_, divisor_ : float, ndarray of shape (`n_features_in_`,), or None
        Shift and divisor that `scale` applies to X; None without scaling.
    bounds_ : ndarray of shape (2, `n_features_in_`), or None
        Lowest and highest value of each feature, to which X is clipped before it is
        scaled; None without clipping.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if X has feature names.

    See Also
    --------
    sklearn.neural_network.MLPClassifier : The same model, with cross-entropy loss only.
    MLPRegressor : For real targets.

    Notes
    -----
    With scikit-learn 1.9 and later, ``set_callbacks`` accepts the callbacks of
    :mod:`sklearn.callback`. `fit` calls them after each epoch, with a private copy of
    the estimator, whose `history_` has the metrics of the epoch. If one returns True,
    `fit` ends as if training had converged. `partial_fit` does not call them.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010. Klambauer et al., "Self-normalizing neural networks",
    NeurIPS 2017. Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm
    restarts", ICLR 2017 (cosine schedule).

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
        **BaseMLP._parameter_constraints,
        "loss": [
            StrOptions(set(architecture.losses_for("classes", "labels"))),
            HasMethods(["value_and_gradient"]),
        ],
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "monitor": [StrOptions({"loss", "accuracy"})],
    }
    _target_kinds = ("classes", "labels")
    _target_kind = "classes"

    @explains_arguments
    def __init__(
        self,
        hidden_layer_sizes=(256,),
        activation="relu",
        loss="cross_entropy",
        *,
        solver="adam",
        learning_rate_init=0.003,
        learning_rate="cosine",
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=False,
        beta_1=0.9,
        beta_2=0.95,
        epsilon=1e-6,
        weight_decay="auto",
        dropout=0.0,
        class_weight=None,
        batch_size="auto",
        max_iter=60,
        init="auto",
        dtype="float32",
        scale="auto",
        n_threads=None,
        shuffle=True,
        random_state=None,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        monitor="loss",
        warm_start=False,
        verbose=False,
        record_batches=False,
        diagnostics=False,
    ):
        self._set_parameters(locals())

    @explains_arguments
    def fit(
        self, X, y, sample_weight=None, *, X_val=None, y_val=None,
        sample_weight_val=None, checkpoint=None,
    ):  # fmt: skip
        """Fit the model, or resume training with ``warm_start=True``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Training data. Arrays of float16, float32, bool, or integers of 8 or 16
            bits, and memory maps of float64, are not copied: their rows are converted
            as they are read. Other types are converted once.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), or sparse matrix
            Labels (numbers, strings or booleans) of at least two classes; rows of class
            probabilities as floats; or, for several labels per sample, 0 and 1 as
            integers or booleans, or in a sparse matrix. Hinge loss accepts labels of
            shape (n_samples,) only.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples, multiplied by `class_weight`. The
            products are divided by their mean over the training set, not by their sum
            over each mini-batch.
        X_val : array-like or sparse matrix of shape (n_val_samples, n_features), \
                default=None
            Validation data. `history_` reports their loss and accuracy after each
            epoch. They influence the weights through `early_stopping` only.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_classes), \
                or sparse matrix, default=None
            Targets of the validation data, of the kind of y.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Sample weights of the validation data.
        checkpoint : Checkpoint, default=None
            File in which to save the state of training, and from which to go on if an
            earlier process left it there; see :class:`~cymlp.Checkpoint`. Activations,
            the loss and the learning rate must not be user-defined then.

        Returns
        -------
        self : MLPClassifier
            Fitted estimator.

        Raises
        ------
        OSError
            If the checkpoint cannot be read or written.
        ValueError
            If a parameter or the data is invalid, if the checkpoint is damaged or of a
            different fit, or if the loss or a weight becomes infinite or NaN during
            training. In the last case the result of the finished epochs is kept.
        RuntimeError
            If another thread is fitting the estimator.

        Warns
        -----
        ConvergenceWarning
            If training reaches `max_iter` while it still improves.
        RuntimeWarning
            If Ctrl-C interrupts training. The result of the finished epochs is kept.

        Notes
        -----
        The estimator changes once, when the call ends: until then, other threads can
        predict with the earlier model. After an exception it is as it was before the
        call, unless training diverged after one or more finished epochs.
        """
        validation = X_val, y_val, sample_weight_val
        return self._fit(X, y, sample_weight, validation, checkpoint)

    @explains_arguments
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on a batch of samples, starting from the present weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A batch of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), or sparse matrix
            Labels, not necessarily of all classes, rows of class probabilities, or 0
            and 1 for several labels per sample.
        classes : array-like of shape (n_classes,), default=None
            All labels that will occur in any call. Required in the first call, unless y
            has a column for each class or label.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, as in `fit`, divided by their mean over this call.

        Returns
        -------
        self : MLPClassifier
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data is invalid, if `early_stopping` or
            ``class_weight="balanced"`` is set, or if the loss or a weight becomes
            infinite or NaN during training.
        RuntimeError
            If another thread is fitting the estimator.

        Warns
        -----
        RuntimeWarning
            If Ctrl-C interrupts training.

        Notes
        -----
        The estimator changes once, when the call ends: until then, other threads can
        predict with the earlier model. After an exception or Ctrl-C it is as it was
        before the call.
        """
        classes = partial_fit_classes(self, y, classes)
        kind = self._target_kind if hasattr(self, "coefs_") else kind_of(y)
        return self._partial_fit(X, y, (kind, classes), sample_weight)

    def _expected_targets(self):
        return self._target_kind, self.classes_

    def _encode_targets(self, y, expected):
        resumes = expected is None and self.warm_start and hasattr(self, "classes_")
        if expected is None:
            expected = self._target_kind if resumes else kind_of(y), None
        kind, classes = expected
        check_kind(y, kind)
        encode = encode_labels if kind == "labels" else encode_classes
        targets, found = encode(y, self.dtype, classes=classes)
        if resumes:
            check_same_classes(found, self.classes_)
        else:
            self.classes_, self._target_kind = found, kind
        return targets

    def _class_weights(self, targets, sample_weight):
        if targets.kind == "labels":
            # The loss applies these.
            self._label_weights = label_weights(
                self.class_weight, sample_weight, targets
            )
            return None
        return class_weights(self.class_weight, sample_weight, targets, self.classes_)

    def _make_loss(self):
        loss = super()._make_loss()
        if self._target_kind == "classes" or self._label_weights is None:
            return loss
        if not hasattr(type(loss), "_compiled"):
            raise ValueError(
                "class_weight must be None for a user-defined loss of several labels, "
                f"which can weight them itself; got {self.class_weight!r}"
            )
        loss._label_weights = self._label_weights
        return loss

    def _output_activation(self):
        if not _has_probabilities(self):
            return "identity"
        return "softmax" if self._target_kind == "classes" else "logistic"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = architecture.takes(self, "labels")
        return tags

    def decision_function(self, X):
        """Compute the scores of the output layer.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_classes) or (n_samples,)
            Scores of the classes or labels. For two classes, the score of the second
            class minus that of the first. Labels with a score above 0 are predicted.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X contains NaN or infinity, its number of features differs from that
            seen during fit, or a score is not finite.
        """
        model = self._snapshot()
        Z = model._scores(X)
        if model._target_kind == "labels" or model.n_outputs_ != 2:
            return Z
        with np.errstate(over="ignore"):
            difference = Z[:, 1] - Z[:, 0]
        if not np.isfinite(difference).all():
            raise model._scores_not_finite()
        return difference

    def predict(self, X):
        """Predict class labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Label of the class with the highest score, for each sample. For several
            labels per sample, 0 and 1 as integers.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X contains NaN or infinity, its number of features differs from that
            seen during fit, or a score is not finite.
        """
        model = self._snapshot()
        Z = model._scores(X)
        if model._target_kind == "labels":
            return (Z > 0).astype(int)
        return model.classes_[Z.argmax(axis=1)]

    def score(self, X, y, sample_weight=None):
        """Compute the accuracy.

        If samples have several labels, all of them must be predicted correctly.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.
        y : array-like of shape (n_samples,) or (n_samples, n_classes), or sparse matrix
            Labels; rows of class probabilities, of which the most likely class counts;
            or 0 and 1 for several labels per sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            Fraction of the samples, or of their weights, that are predicted correctly.

        Raises
        ------
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X contains NaN or infinity, if its number of features differs from that
            seen during fit, or if y is invalid.
        """
        check_is_fitted(self)
        if self._target_kind == "classes":
            check_kind(y, "classes")
            y = most_likely_labels(y, self.dtype, self.classes_)
        elif issparse(y):  # scikit-learn takes a single column for classes
            y = y.toarray()
        return super().score(X, y, sample_weight)

    @available_if(_check_probabilities)
    def predict_proba(self, X):
        """Predict class probabilities.

        Available only if the loss defines probabilities. Hinge loss without softmax
        does not.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`. Those of several labels are
            independent of each other.

        Raises
        ------
        AttributeError
            If the loss does not define probabilities.
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X contains NaN or infinity, its number of features differs from that seen
            during fit, a score is not finite, or the user's own loss returns an array
            of another shape or with values that are not finite.
        """
        model = self._snapshot()
        return model._probabilities(model._scores(X))

    @available_if(_check_probabilities)
    def predict_log_proba(self, X):
        """Predict logarithms of class probabilities.

        Available only if the loss defines probabilities. The losses of cymlp compute
        the logarithms directly, so that small probabilities do not underflow.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities, in the order of `classes_`.

        Raises
        ------
        AttributeError
            If the loss does not define probabilities.
        NotFittedError
            If the classifier is not fitted.
        ValueError
            If X contains NaN or infinity, its number of features differs from that seen
            during fit, a score is not finite, or the user's own loss returns an array
            of another shape or with values that are not finite.
        """
        model = self._snapshot()
        Z = model._scores(X)
        if hasattr(model._loss, "log_probabilities"):
            return model._loss.log_probabilities(Z)
        with np.errstate(divide="ignore"):
            return np.log(model._probabilities(Z))

    def _probabilities(self, Z):
        loss = self._loss
        p = checked_result(
            loss.probabilities(Z), loss, "probabilities", Z.shape, Z.dtype
        )
        # Those of finite scores are finite for the losses of cymlp.
        if type(loss) not in LOSSES.values() and not np.isfinite(p).all():
            raise ValueError(
                f"{type(loss).__name__}.probabilities must return finite numbers; got "
                "NaN or infinity"
            )
        return p
