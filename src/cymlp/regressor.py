"""The regressor: parameters, documentation and predictions."""

import numpy as np
from sklearn.base import RegressorMixin

from cymlp._engine.targets import Targets
from cymlp._fit import architecture
from cymlp._fit.estimator import BaseMLP
from cymlp._fit.hints import explains_arguments
from cymlp._fit.target_scaling import (
    fitted_target_scale,
    has_log_link,
    scaled_targets,
    unscaled_targets,
)
from cymlp._fit.targets import encode_values
from cymlp._sklearn import HasMethods, StrOptions


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor, trained by stochastic gradient descent.

    The target is standardised, so that its units and its size do not matter.

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
    loss : str or object, default="squared_error"
        Loss to minimise: "squared_error", "huber", "quantile" or "poisson", an instance
        of a class from :mod:`cymlp.losses`, or any object with the method of
        :class:`~cymlp.typing.LossLike`. It receives y as scaled by `target_scale`.
        "poisson" is for y >= 0 and predicts exp(z), with the score z.
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
        samples, "auto" is 1e-4.
    dropout : float, or list of float with one per hidden layer, default=0.0
        Fraction of the units of a hidden layer, in [0, 1), to drop at random for each
        sample during training. Training loss and accuracy are measured with dropout,
        validation and predictions use all units.
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
    target_scale : {"standard"}, tuple, or None, default="standard"
        Scaling of y to (y - shift) / divisor, which predictions undo.

        - "standard" uses the mean and the standard deviation of each output, weighted
          by `sample_weight`. With "poisson", which does not allow a shift, the divisor
          is the mean. The divisor of a constant output is its magnitude, and `fit`
          predicts its value. The statistics come from the training samples, without
          those held out for validation. They are computed in the first call and kept
          by ``warm_start`` and `partial_fit`.
        - A tuple (shift, divisor) has a float or an array of shape (n_outputs,) for
          each. Use it if the first batch for `partial_fit` does not represent the rest.
        - None leaves y unscaled.
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
        Fraction of the training data to hold out, if `early_stopping` is set and no
        validation data are passed to `fit`. Samples of weight 0 are not held out.
    monitor : {"loss", "r2"}, default="loss"
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
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights of each layer. Predictions use arrays that are assigned here.
    intercepts_ : list of ndarray of shape (n_out,)
        Biases of each layer. Predictions use arrays that are assigned here.
    best_epoch_ : int
        Epoch of the weights that are kept, if `early_stopping` is set.
    history_ : History
        Loss, R², time and learning rate of each epoch. Losses refer to the scaled
        target: half the squared error of the standardised target is ½ (1 − R²).
    loss_ : float
        Training loss of the last epoch.
    loss_curve_ : list of float
        Training loss of each epoch.
    n_iter_ : int
        Number of epochs in the last call.
    n_layers_ : int
        Number of layers, including the input and output layers.
    n_outputs_ : int
        Number of outputs, the columns of y.
    out_activation_ : str
        "identity", or "exp" with the loss "poisson".
    target_shift_, target_divisor_ : ndarray of shape (`n_outputs_`,), or None
        Shift and divisor that `target_scale` applies to y; None without scaling.
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
    sklearn.neural_network.MLPRegressor : The same model, with the losses
        "squared_error" and "poisson" only.
    MLPClassifier : For classes, and for several labels per sample.

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
    >>> from cymlp import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MLPRegressor((20,), batch_size=20, scale="standard", max_iter=30,
    ...                    n_iter_no_change=float("inf"), random_state=0)
    >>> reg.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.5
    True
    """

    _parameter_constraints = {
        **BaseMLP._parameter_constraints,
        "loss": [
            StrOptions(set(architecture.losses_for("values"))),
            HasMethods(["value_and_gradient"]),
        ],
        "target_scale": [StrOptions({"standard"}), tuple, None],
        "monitor": [StrOptions({"loss", "r2"})],
    }
    _target_kinds = ("values",)
    _target_kind = "values"

    @explains_arguments
    def __init__(
        self,
        hidden_layer_sizes=(256,),
        activation="relu",
        loss="squared_error",
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
        batch_size="auto",
        max_iter=60,
        init="auto",
        dtype="float32",
        scale="auto",
        target_scale="standard",
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
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets, kept in double precision until they are scaled.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the samples. They are divided by their mean over the
            training set, not by their sum over each mini-batch.
        X_val : array-like or sparse matrix of shape (n_val_samples, n_features), \
                default=None
            Validation data. `history_` reports their loss and R² after each
            epoch. They influence the weights through `early_stopping` only.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), \
                default=None
            Targets of the validation data.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Sample weights of the validation data.
        checkpoint : Checkpoint, default=None
            File in which to save the state of training, and from which to go on if an
            earlier process left it there; see :class:`~cymlp.Checkpoint`. Activations,
            the loss and the learning rate must not be user-defined then.

        Returns
        -------
        self : MLPRegressor
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
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on a batch of samples, starting from the present weights.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A batch of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real targets. The first call measures their scale; see `target_scale`.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, as in `fit`, divided by their mean over this call.

        Returns
        -------
        self : MLPRegressor
            Fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data is invalid, if `early_stopping` is set, or if the
            loss or a weight becomes infinite or NaN during training.
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
        expected = self._expected_targets() if hasattr(self, "coefs_") else None
        return self._partial_fit(X, y, expected, sample_weight)

    def _expected_targets(self):
        return self.n_outputs_

    def _encode_targets(self, y, expected):
        if expected is None and self.warm_start and hasattr(self, "coefs_"):
            expected = self.n_outputs_
        return encode_values(y, n_outputs=expected)

    def _measure_targets(self, samples, indices):
        weights = samples.weights
        self.target_shift_, self.target_divisor_ = fitted_target_scale(
            self,
            samples.targets.values[indices],
            None if weights is None else weights[indices],
        )

    def _scaled_targets(self, targets):
        values = scaled_targets(
            targets.values, self.target_shift_, self.target_divisor_, self.dtype
        )
        return Targets(None, targets.n_outputs, values, kind="values")

    def _output_activation(self):
        return "exp" if has_log_link(self) else "identity"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.positive_only = self.loss == "poisson" or getattr(
            self.loss, "log_link", False
        )
        return tags

    def predict(self, X):
        """Predict targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples, with the features seen during fit.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the units of the targets, float64: of shape (n_samples,) for
            a single output.

        Raises
        ------
        NotFittedError
            If the regressor is not fitted.
        ValueError
            If X contains NaN or infinity, its number of features differs from that
            seen during fit, or a prediction is not finite.
        """
        model = self._snapshot()
        y = model._scores(X)
        with np.errstate(over="ignore"):
            if has_log_link(model):
                y = np.exp(y, dtype=np.float64)
            y = unscaled_targets(y, model.target_shift_, model.target_divisor_)
        if not np.isfinite(y).all():
            raise ValueError(
                "The predictions for X must be finite; got a value too large for "
                f"float64, or NaN. The scores are scaled by {model.target_divisor_}"
                f"{' after exp' * has_log_link(model)}."
            )
        return y[:, 0] if model.n_outputs_ == 1 else y
