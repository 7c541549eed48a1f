"""Losses and their gradients with respect to the scores.

Scores Z and targets T have shape (n, k). A row of T has the probabilities of k classes
(`ClassLoss`), the probability of each of k labels (`LabelLoss`), or k real values
(`ValueLoss`). A loss is a compiled function, which computes the value for each sample
and the gradient, and a class with all its other properties.

User-defined losses are objects with the method ``value_and_gradient(Z, T)``, and
``probabilities(Z)`` for classifiers that predict probabilities. The network calls them
through a function of the same type, `user_loss`.
"""

cimport cython
from cython cimport floating
from libc.math cimport exp, expm1, fabs, log, pow
from libc.string cimport memcpy

cimport cymlp.kernels as kernels

from numbers import Real

import numpy as np
from sklearn.utils.metaestimators import available_if

from cymlp._engine.user_results import as_float, checked_loss
from cymlp._parameters import ParametersMixin
from cymlp._sklearn import Interval, InvalidParameterError


# Names of the losses -> classes.
LOSSES = {}
# Tolerance for the sum of a row of probabilities.
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-6}


@cython.final
cdef class Compiled:
    """The compiled function of a loss."""


cdef Compiled compiled(loss_function_f32 f32, loss_function_f64 f64):
    cdef Compiled holder = Compiled.__new__(Compiled)
    holder.kernel = LossKernel(NULL, f32, f64)
    return holder


cdef inline Py_ssize_t argmax(const floating *row, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t j, top = 0
    for j in range(1, k):
        if row[j] > row[top]:
            top = j
    return top


cdef void log_softmax(
    const floating *Z,      # IN  (n, k)
    floating *log_p,        # OUT (n, k)
    floating *p,            # OUT (n, k)
    floating *log_sum,      # OUT (n): ln of the sum of exp(z - max z)
    Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    """ln p and p of p = softmax(z), accurate also for p near 0 or 1."""
    # No branches: a processor cannot predict which score is the highest.
    cdef Py_ssize_t i, j
    cdef floating highest, rest, n_highest
    for i in range(n):
        highest = Z[i * k]
        for j in range(i * k, (i + 1) * k):
            highest = Z[j] if Z[j] > highest else highest
        for j in range(i * k, (i + 1) * k):
            log_p[j] = Z[j] - highest
    kernels.exp(log_p, p, n * k)
    for i in range(n):
        # The largest term is exp(0) = 1. It is left to log1p, because adding 1 to
        # the others would lose their last digits.
        rest = n_highest = 0
        for j in range(i * k, (i + 1) * k):
            rest += <floating> 0 if log_p[j] == 0 else p[j]
            n_highest += <floating> 1 if log_p[j] == 0 else <floating> 0
        rest += n_highest - <floating> 1
        log_sum[i] = rest
        for j in range(i * k, (i + 1) * k):
            p[j] /= <floating> 1 + rest
    kernels.log1p(log_sum, log_sum, n)
    for i in range(n):
        for j in range(k):
            log_p[i * k + j] -= log_sum[i]


class Loss(ParametersMixin):
    """Base class of the losses of cymlp.

    Its methods are those of :class:`~cymlp.typing.LossLike`.

    Attributes
    ----------
    name : str
        Value of the parameter `loss` that selects the class.
    target_kind : {"classes", "labels", "values"}
        Kind of the targets: probabilities of classes, of which one is true; the
        probability of each of several labels; or real values.

    Examples
    --------
    >>> from cymlp.losses import CrossEntropy, Loss
    >>> isinstance(CrossEntropy(), Loss)
    True
    >>> CrossEntropy().value_and_gradient([[0.0, 0.0]], [[0.5, 0.5]])
    (array([0.69314718]), array([[0., 0.]]))
    """

    _parameter_constraints = {}

    def __init_subclass__(cls):
        super().__init_subclass__()
        if "_compiled" in cls.__dict__:
            LOSSES[cls.name] = cls

    def _compiled_parameters(self, n_outputs):
        """The checked parameters, in the order of the compiled function."""
        self._validate_params()
        return []

    def _for_targets(self, target_kind):
        """The loss that takes the place of this one for other targets, or None."""
        return self if target_kind == self.target_kind else None

    def value_and_gradient(self, Z, T):
        """Compute the loss of each sample and its gradient with respect to the scores.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_outputs)
            Scores, float32 or float64. Other types are converted to float64.
        T : array-like of shape (n_samples, n_outputs)
            Targets of the kind `target_kind`: each row has the probabilities of the
            classes, the probability of each label, or real values.

        Returns
        -------
        value : ndarray of shape (n_samples,)
            Losses, in the dtype of Z.
        gradient : ndarray of shape (n_samples, n_outputs)
            Gradient of each loss with respect to its scores, in the dtype of Z.

        Raises
        ------
        ValueError
            If Z and T have different shapes, if T has values that the loss does not
            accept, if probabilities of classes have another sum than 1 (within 1e-4 in
            float32, 1e-6 in float64), or if a parameter of the loss is invalid.
        """
        Z = as_float(Z, "Z")
        T = np.require(T, dtype=Z.dtype, requirements="C")
        if Z.ndim != 2 or Z.shape[1] < 1 or T.shape != Z.shape:
            raise ValueError(
                "Z and T must both have shape (n_samples, n_outputs); "
                f"got shapes {Z.shape} and {T.shape}"
            )
        T = self._targets(T)
        value = np.empty(Z.shape[0], Z.dtype)
        gradient = np.empty_like(Z)
        _value_and_gradient(
            Z, T, value, gradient, np.empty_like(Z),
            bind_compiled(self, type(self)._compiled, Z.shape[1])
        )
        return value, gradient


class ClassLoss(Loss):
    """Base class of the losses for classes, of which each sample has one.

    Attributes
    ----------
    hard_labels_only : bool
        Whether the loss accepts labels only, not rows of probabilities.
    has_softmax : bool
        Whether ``probabilities(Z)``, if defined, is softmax(Z). Exported files compute
        probabilities as softmax only.

    Examples
    --------
    >>> from cymlp.losses import ClassLoss, CrossEntropy
    >>> isinstance(CrossEntropy(), ClassLoss)
    True
    """

    target_kind = "classes"
    hard_labels_only = False
    has_softmax = True

    def _targets(self, T):
        """Check rows of probabilities, and divide them by their sums."""
        total = T.sum(axis=1, keepdims=True)
        wrong = ~np.all((T == 0) | (T == 1), axis=1) | (total[:, 0] != 1)
        if self.hard_labels_only and wrong.any():
            raise ValueError(
                f"{type(self).__name__} takes hard labels only: each row of T must be "
                f"1 for one class and 0 for the others; got {T[wrong.argmax()]}"
            )
        tolerance = TOLERANCE[T.dtype]
        if not (np.all(T >= 0) and np.all(np.abs(total - 1) <= tolerance)):
            raise ValueError(
                f"each row of T must have values >= 0 and sum 1 within {tolerance}; "
                f"got a minimum of {T.min()} and sums from {total.min()} to "
                f"{total.max()}"
            )
        return T / total

    def log_probabilities(self, Z):
        """Compute ln softmax(z) for each row z of Z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_classes)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities, in the dtype of Z.

        Raises
        ------
        ValueError
            If Z does not have shape (n_samples, n_classes), or is not real.
        """
        return _log_softmax_of(Z)[0]

    def probabilities(self, Z):
        """Compute softmax(z) for each row z of Z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_classes)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the dtype of Z.

        Raises
        ------
        ValueError
            If Z does not have shape (n_samples, n_classes), or is not real.
        """
        return _log_softmax_of(Z)[1]


class LabelLoss(Loss):
    """Base class of the losses for several labels per sample, p = 1 / (1 + exp(−z)).

    Examples
    --------
    >>> from cymlp.losses import BinaryCrossEntropy
    >>> BinaryCrossEntropy().probabilities([[0.0, 100.0]])
    array([[0.5, 1. ]])
    """

    target_kind = "labels"
    # Weights of the absence and of the presence of each label (2, n_labels).
    _label_weights = None

    def _weights(self, n_outputs):
        if self._label_weights is None:
            return np.ones(2 * n_outputs)
        return np.ravel(self._label_weights)

    def _targets(self, T):
        """Check probabilities."""
        if not np.all((T >= 0) & (T <= 1)):
            raise ValueError(
                "T must have values from 0 to 1; got a minimum of "
                f"{T.min()} and a maximum of {T.max()}"
            )
        return T

    def log_probabilities(self, Z):
        """Compute ln p for each score in Z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_labels)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_labels)
            Logarithms of the probabilities, in the dtype of Z.

        Raises
        ------
        ValueError
            If Z is not real.
        """
        Z = as_float(Z, "Z")
        return np.minimum(Z, 0) - np.log1p(np.exp(-np.abs(Z)))

    def probabilities(self, Z):
        """Compute p for each score in Z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_labels)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        p : ndarray of shape (n_samples, n_labels)
            Probabilities, in the dtype of Z.

        Raises
        ------
        ValueError
            If Z is not real.
        """
        Z = as_float(Z, "Z")
        small = np.exp(-np.abs(Z))
        return np.where(Z < 0, small, 1) / (1 + small)


class ValueLoss(Loss):
    """Base class of the losses for real targets: means over the outputs of a sample.

    Attributes
    ----------
    log_link : bool
        Whether the scores are logarithms of the predictions, which are then positive.

    Examples
    --------
    >>> from cymlp.losses import Poisson, SquaredError
    >>> SquaredError.log_link, Poisson.log_link
    (False, True)
    """

    target_kind = "values"
    log_link = False

    def _targets(self, T):
        """Check real values."""
        if not np.isfinite(T).all() or (self.log_link and np.any(T < 0)):
            raise ValueError(
                f"T must have finite values{' >= 0' if self.log_link else ''}; got a "
                f"minimum of {T.min()} and a maximum of {T.max()}"
            )
        return T


def _for_each_output(loss, name, n_outputs, is_allowed, allowed):
    """A checked parameter, a float or an array with one for each output, as a list.

    `is_allowed` tells whether an array is, as the text `allowed` says.
    """
    loss._validate_params()
    given = getattr(loss, name)
    if isinstance(given, Real):
        return [given] * n_outputs
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (n_outputs,) or not is_allowed(values):
        raise InvalidParameterError(
            f"The {name!r} parameter of {type(loss).__name__} must be {allowed}. Got "
            f"{given!r} instead."
        )
    return [*values]


# value = -sum_k s_k ln p_k, s = (1 - smoothing) t + smoothing / k; gradient = p - s

cdef int cross_entropy(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef double smoothing = (<const double *> context)[0]
    cdef floating kept = <floating> (1 - smoothing)
    cdef floating share = <floating> (smoothing / k)
    cdef Py_ssize_t i, j
    cdef floating smoothed
    cdef floating *log_p = scratch
    log_softmax(Z, log_p, dZ, value, n, k)
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            smoothed = kept * T[j] + share
            value[i] -= smoothed * log_p[j] if smoothed != 0 else <floating> 0
            dZ[j] -= smoothed
    return 0


class CrossEntropy(ClassLoss):
    """Cross entropy, −Σₖ tₖ ln pₖ with p = softmax(z). Its gradient is p − t.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Fraction s of the targets, in [0, 1], to spread evenly over the classes: t is
        replaced by (1 − s) t + s / n_classes, for labels and probabilities alike. This
        keeps the scores from growing without limit.

    See Also
    --------
    BinaryCrossEntropy : Takes its place if samples have several labels.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception architecture
    for computer vision", CVPR 2016 (label smoothing).

    Examples
    --------
    >>> from cymlp.losses import CrossEntropy
    >>> value, gradient = CrossEntropy().value_and_gradient([[0.0, 0.0]], [[1.0, 0.0]])
    >>> value.round(4), gradient
    (array([0.6931]), array([[-0.5,  0.5]]))
    """

    name = "cross_entropy"
    _compiled = compiled(cross_entropy[float], cross_entropy[double])
    _parameter_constraints = {
        "label_smoothing": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def _compiled_parameters(self, n_outputs):
        self._validate_params()
        return [self.label_smoothing]

    def _for_targets(self, target_kind):
        if target_kind == "labels":
            return BinaryCrossEntropy(**self.get_params())
        return super()._for_targets(target_kind)


# value = sum_k t_k (ln t_k - ln p_k), 0 ln 0 = 0; gradient = p - t

cdef int kl_div(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef Py_ssize_t i, j
    cdef floating *log_p = scratch
    cdef floating *log_t = scratch
    log_softmax(Z, log_p, dZ, value, n, k)
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            if T[j] != 0:
                value[i] -= T[j] * log_p[j]
            dZ[j] -= T[j]
            log_t[j] = T[j] if T[j] != 0 else 1     # overwrites log_p
    kernels.log(log_t, log_t, n * k)
    for i in range(n):
        for j in range(i * k, (i + 1) * k):
            value[i] += T[j] * log_t[j]
    return 0


class KLDiv(ClassLoss):
    """Kullback-Leibler divergence, Σₖ tₖ (ln tₖ − ln pₖ) with p = softmax(z).

    This is the cross entropy minus the entropy of the targets, which is 0 for labels.
    The gradient is the same, p − t.

    References
    ----------
    Kullback and Leibler, "On information and sufficiency", Annals of Mathematical
    Statistics 22, 1951.

    Examples
    --------
    >>> from cymlp.losses import KLDiv
    >>> value, gradient = KLDiv().value_and_gradient([[0.0, 0.0]], [[0.5, 0.5]])
    >>> value, gradient
    (array([0.]), array([[0., 0.]]))
    """

    name = "kl_div"
    _compiled = compiled(kl_div[float], kl_div[double])


# value = sum_{k != y} max(0, margin + s_k - s_y), s = z or s = softmax(z)

cdef struct HingeParameters:
    double margin
    double softmax


cdef int hinge(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef const HingeParameters *parameters = <const HingeParameters *> context
    cdef floating margin = <floating> parameters.margin
    if parameters.softmax:
        hinge_of_probabilities(margin, Z, T, value, dZ, scratch, n, k)
    else:
        hinge_of_scores(margin, Z, T, value, dZ, n, k)
    return 0


cdef void hinge_of_scores(
    floating margin, const floating *Z, const floating *T, floating *value,
    floating *dZ, Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    cdef Py_ssize_t i, j, y
    cdef floating excess
    for i in range(n):
        y = argmax(&T[i * k], k)
        value[i] = 0
        dZ[i * k + y] = 0
        for j in range(k):
            if j == y:
                continue
            excess = margin + (Z[i * k + j] - Z[i * k + y])
            # Written so that NaN counts as a violation of the margin.
            if excess <= 0:
                dZ[i * k + j] = 0
            else:
                value[i] += excess
                dZ[i * k + j] = 1
                dZ[i * k + y] -= 1


cdef void hinge_of_probabilities(
    floating margin, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *log_p, Py_ssize_t n, Py_ssize_t k
) noexcept nogil:
    cdef Py_ssize_t i, j, y, active
    cdef floating excess, q_y, p_active
    cdef floating *p
    log_softmax(Z, log_p, dZ, value, n, k)
    for i in range(n):
        p = &dZ[i * k]
        y = argmax(&T[i * k], k)
        q_y = <floating> -expm1(log_p[i * k + y])      # 1 - p_y
        value[i] = 0
        active, p_active = 0, 0
        for j in range(k):
            excess = (margin - 1) + (q_y + p[j])
            # From here on, log_p marks the active classes.
            log_p[i * k + j] = j != y and not excess <= 0
            if j != y and not excess <= 0:
                value[i] += excess
                active += 1
                p_active += p[j]
        # g = 1 for active classes, -active for y, 0 otherwise; dz = p (g - <g, p>).
        for j in range(k):
            if j == y:
                p[j] *= -(active * q_y + p_active)
            else:
                p[j] *= log_p[i * k + j] - p_active + active * (1 - q_y)


class Hinge(ClassLoss):
    """Multi-class hinge loss, Σ_{k≠y} max(0, Δ + sₖ − s_y).

    The sum is not divided by the number of classes. The loss accepts labels only, not
    rows of probabilities.

    Parameters
    ----------
    margin : float, default=5.0
        Margin Δ > 0 by which the score of the true class y should exceed each other.
    softmax : bool, default=False
        Whether s are the probabilities softmax(z), or the scores z themselves. Only
        with softmax can the classifier predict probabilities.

    References
    ----------
    Weston and Watkins, "Support vector machines for multi-class pattern recognition",
    ESANN 1999.

    Examples
    --------
    >>> from cymlp.losses import Hinge
    >>> hinge = Hinge(margin=1.0)
    >>> hinge.value_and_gradient([[2.0, 1.5, -3.0]], [[1.0, 0.0, 0.0]])
    (array([0.5]), array([[-1.,  1.,  0.]]))
    """

    name = "hinge"
    hard_labels_only = True
    _compiled = compiled(hinge[float], hinge[double])
    _parameter_constraints = {
        "margin": [Interval(Real, 0, None, closed="neither")],
        "softmax": ["boolean"],
    }

    def __init__(self, margin=5.0, softmax=False):
        self.margin = margin
        self.softmax = softmax

    def _compiled_parameters(self, n_outputs):
        self._validate_params()
        return [self.margin, self.softmax]

    @available_if(lambda self: self.softmax)
    def log_probabilities(self, Z):
        """Compute ln softmax(z) for each row z of Z.

        Available only with ``softmax=True``.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_classes)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities, in the dtype of Z.

        Raises
        ------
        AttributeError
            If `softmax` is False.
        ValueError
            If Z does not have shape (n_samples, n_classes), or is not real.
        """
        return super().log_probabilities(Z)

    @available_if(lambda self: self.softmax)
    def probabilities(self, Z):
        """Compute softmax(z) for each row z of Z.

        Available only with ``softmax=True``.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_classes)
            Scores, float32 or float64. Other types are converted to float64.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the dtype of Z.

        Raises
        ------
        AttributeError
            If `softmax` is False.
        ValueError
            If Z does not have shape (n_samples, n_classes), or is not real.
        """
        return super().probabilities(Z)


# value = -sum_k alpha_k t_k (1 - p_k)^gamma ln p_k
#
# With q = 1 - p, dq/d ln p = -p and r = -ln p / q, which tends to 1 as p does,
#     g_k = d value / d ln p_k = -alpha_k t_k q_k^gamma (1 + gamma p_k r_k),
# and through the Jacobian of log softmax dz_k = g_k - p_k sum_j g_j. No power is
# negative in this form, so nothing overflows at p = 1 and gamma = 0 is no special case.

cdef int focal(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef const double *parameters = <const double *> context
    cdef floating gamma = <floating> parameters[0]
    cdef const double *alpha = &parameters[1]
    cdef Py_ssize_t i, j
    cdef floating q, ratio, weight, total
    cdef floating *p
    cdef floating *log_p
    log_softmax(Z, scratch, dZ, value, n, k)
    for i in range(n):
        p, log_p = &dZ[i * k], &scratch[i * k]
        value[i], total = 0, 0
        for j in range(k):
            if T[i * k + j] == 0:
                log_p[j] = 0            # from here on it holds g
                continue
            q = <floating> -expm1(log_p[j])
            ratio = -log_p[j] / q if q > 0 else 1
            weight = <floating> (alpha[j] * T[i * k + j] * pow(q, gamma))
            value[i] -= weight * log_p[j]
            log_p[j] = -weight * (1 + gamma * p[j] * ratio)
            total += log_p[j]
        for j in range(k):
            # g - p (sum of all g), in a form that loses no digits for wrong classes.
            p[j] = log_p[j] * (<floating> 1 - p[j]) - p[j] * (total - log_p[j])
    return 0


class Focal(ClassLoss):
    """Focal loss, −Σₖ αₖ tₖ (1 − pₖ)^γ ln pₖ with p = softmax(z).

    This is the cross entropy, with less weight on easy samples (p near 1).

    Parameters
    ----------
    alpha : float or array-like of shape (n_classes,), default=1.0
        Weight of each class, or a single weight for all classes.
    gamma : float, default=2.0
        Focusing parameter, at least 0. Larger values give less weight to easy samples.
        With ``gamma=0`` and ``alpha=1`` the loss is the cross entropy.

    See Also
    --------
    BinaryFocal : Takes its place if samples have several labels.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection",
    ICCV 2017.

    Examples
    --------
    >>> from cymlp.losses import Focal
    >>> value, gradient = Focal().value_and_gradient([[0.0, 0.0]], [[1.0, 0.0]])
    >>> value.round(4), gradient.round(4)
    (array([0.1733]), array([[-0.2983,  0.2983]]))
    """

    name = "focal"
    _compiled = compiled(focal[float], focal[double])
    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="neither"), "array-like"],
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, alpha=1.0, gamma=2.0):
        self.alpha = alpha
        self.gamma = gamma

    def _compiled_parameters(self, n_outputs):
        return [self.gamma, *_for_each_output(
            self, "alpha", n_outputs, lambda alpha: np.all(
                (alpha >= 0) & np.isfinite(alpha)
            ) and np.any(alpha),
            "a positive float, or an array of finite floats >= 0, one for each of the "
            f"{n_outputs} classes and not all of them 0",
        )]

    def _for_targets(self, target_kind):
        if target_kind == "labels":
            return BinaryFocal(**self.get_params())
        return super()._for_targets(target_kind)


# Losses for several labels. With s(z) = ln(1 + exp z) = max(z, 0) + ln(1 + exp(-|z|)),
# ln p = -s(-z) and ln q = -s(z), where q = 1 - p.

cdef inline void logistic(
    floating z, floating small, floating *p, floating *q
) noexcept nogil:
    """p and q from small = exp(-|z|), neither of them as a difference."""
    cdef floating large = <floating> 1 / (1 + small)
    small *= large
    p[0] = small if z < 0 else large
    q[0] = large if z < 0 else small


cdef void softplus_parts(
    const floating *Z,      # IN  (n)
    floating *small,        # OUT (n): exp(-|z|)
    floating *log1p_small,  # OUT (n): ln(1 + exp(-|z|))
    Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        small[j] = -fabs(Z[j])
    kernels.exp(small, small, n)
    kernels.log1p(small, log1p_small, n)


# value = sum_k a_k u_k s(-z_k) + b_k (1 - u_k) s(z_k), u = (1 - smoothing) t +
# smoothing / 2, with weights a of presence and b of absence

cdef int binary_cross_entropy(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef double smoothing = (<const double *> context)[0]
    cdef const double *absence = <const double *> context + 1
    cdef const double *presence = absence + k
    cdef floating kept = <floating> (1 - smoothing)
    cdef floating share = <floating> (smoothing / 2)
    cdef Py_ssize_t i, j, label
    cdef floating p, q, absent, present
    softplus_parts(Z, dZ, scratch, n * k)
    for i in range(n):
        value[i] = 0
        for label in range(k):
            j = i * k + label
            logistic(Z[j], dZ[j], &p, &q)
            # 1 - present would lose digits.
            present = <floating> presence[label] * (kept * T[j] + share)
            absent = <floating> absence[label] * (kept * (1 - T[j]) + share)
            value[i] += present * ((-Z[j] if Z[j] < 0 else 0) + scratch[j])
            value[i] += absent * ((Z[j] if Z[j] > 0 else 0) + scratch[j])
            dZ[j] = absent * p - present * q
    return 0


class BinaryCrossEntropy(LabelLoss):
    """Cross entropy summed over labels, −Σₖ (tₖ ln pₖ + (1 − tₖ) ln(1 − pₖ)).

    The probability of each label is p = 1 / (1 + exp(−z)). The gradient is p − t.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Fraction s of the targets, in [0, 1], to spread evenly over the presence and the
        absence of a label: t is replaced by (1 − s) t + s / 2.

    See Also
    --------
    CrossEntropy : Its place is taken by this loss if samples have several labels.

    Examples
    --------
    >>> from cymlp.losses import BinaryCrossEntropy
    >>> loss = BinaryCrossEntropy()
    >>> value, gradient = loss.value_and_gradient([[0.0, 0.0]], [[1.0, 1.0]])
    >>> value.round(4), gradient
    (array([1.3863]), array([[-0.5, -0.5]]))
    """

    name = "binary_cross_entropy"
    _compiled = compiled(binary_cross_entropy[float], binary_cross_entropy[double])
    _parameter_constraints = {
        "label_smoothing": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    def _compiled_parameters(self, n_outputs):
        self._validate_params()
        return [self.label_smoothing, *self._weights(n_outputs)]


# value = -sum_k a_k t_k q_k^gamma ln p_k + b_k (1 - t_k) p_k^gamma ln q_k,
# with weights a of presence and b of absence. As dp/dz = p q = -dq/dz,
#     d/dz (-q^gamma ln p) = q^gamma (gamma p ln p - q),
# and the same with p and q exchanged and the sign changed. No power is negative.

cdef int binary_focal(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef const double *parameters = <const double *> context
    cdef floating gamma = <floating> parameters[0]
    cdef const double *absence = &parameters[1]
    cdef const double *presence = absence + k
    cdef Py_ssize_t i, j, label
    cdef floating p, q, minus_log_p, minus_log_q, present, absent
    softplus_parts(Z, dZ, scratch, n * k)
    for i in range(n):
        value[i] = 0
        for label in range(k):
            j = i * k + label
            logistic(Z[j], dZ[j], &p, &q)
            minus_log_p = (-Z[j] if Z[j] < 0 else 0) + scratch[j]
            minus_log_q = (Z[j] if Z[j] > 0 else 0) + scratch[j]
            present = <floating> (presence[label] * T[j] * pow(q, gamma))
            absent = <floating> (absence[label] * (1 - T[j]) * pow(p, gamma))
            value[i] += present * minus_log_p + absent * minus_log_q
            dZ[j] = absent * (p + gamma * q * minus_log_q)
            dZ[j] -= present * (q + gamma * p * minus_log_p)
    return 0


class BinaryFocal(LabelLoss):
    """Focal loss summed over labels, the original form of Lin et al.

    With p = 1 / (1 + exp(−z)), the loss of a label is −α (1 − p)^γ ln p if it is
    present, and −(1 − α) p^γ ln(1 − p) if it is absent.

    Parameters
    ----------
    alpha : float or array-like of shape (n_labels,), default=1.0
        Weight α, in (0, 1), of a label where it is present, as opposed to 1 − α where
        it is absent; one for each label, or a single one for all. With 1, both weights
        are 1. Lin et al. use 0.25.
    gamma : float, default=2.0
        Focusing parameter, at least 0. Larger values give less weight to easy samples.
        With ``gamma=0`` and ``alpha=1`` the loss is the binary cross entropy.

    See Also
    --------
    Focal : Its place is taken by this loss if samples have several labels.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection",
    ICCV 2017.

    Examples
    --------
    >>> from cymlp.losses import BinaryFocal
    >>> loss = BinaryFocal(alpha=0.25)
    >>> value, gradient = loss.value_and_gradient([[0.0, 0.0]], [[1.0, 0.0]])
    >>> value.round(4), gradient.round(4)
    (array([0.1733]), array([[-0.0746,  0.2237]]))
    """

    name = "binary_focal"
    _compiled = compiled(binary_focal[float], binary_focal[double])
    _parameter_constraints = {
        "alpha": [Interval(Real, 0, 1, closed="right"), "array-like"],
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, alpha=1.0, gamma=2.0):
        self.alpha = alpha
        self.gamma = gamma

    def _compiled_parameters(self, n_outputs):
        alpha = np.array(_for_each_output(
            self, "alpha", n_outputs, lambda alpha: np.all((alpha > 0) & (alpha <= 1)),
            f"a float in (0, 1], or an array of {n_outputs} of them, one for each label"
        ))
        balance = np.concatenate([np.where(alpha == 1, 1, 1 - alpha), alpha])
        return [self.gamma, *(balance * self._weights(n_outputs))]


# Losses for real values: means over the k outputs, with d = z - t.

# value = mean_k d_k^2 / 2

cdef int squared_error(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef Py_ssize_t i, j
    cdef floating d
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            d = Z[j] - T[j]
            value[i] += d * d / 2
            dZ[j] = d / k
        value[i] /= k
    return 0


class SquaredError(ValueLoss):
    """Half the squared error, ½ (z − t)², averaged over the outputs.

    Its minimum is at the mean of the targets.

    Examples
    --------
    >>> from cymlp.losses import SquaredError
    >>> SquaredError().value_and_gradient([[3.0, 1.0]], [[1.0, 1.0]])
    (array([1.]), array([[1., 0.]]))
    """

    name = "squared_error"
    _compiled = compiled(squared_error[float], squared_error[double])


# value = mean_k d_k^2 / 2 where |d_k| <= delta, delta (|d_k| - delta / 2) elsewhere

cdef int huber(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef floating delta = <floating> (<const double *> context)[0]
    cdef Py_ssize_t i, j
    cdef floating d, size, slope
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            d = Z[j] - T[j]
            size = fabs(d)
            # Written so that NaN stays NaN.
            slope = delta if size > delta else size
            value[i] += slope * (size - slope / 2)
            dZ[j] = (-slope if d < 0 else slope) / k
        value[i] /= k
    return 0


class Huber(ValueLoss):
    """Huber loss: squared error near the target, absolute error far from it.

    With the distance d between z and t it is ½ d² for d ≤ δ and δ (d − δ / 2)
    otherwise, averaged over the outputs, so that outliers in y have little influence.

    Parameters
    ----------
    delta : float, default=0.3
        Distance δ > 0 at which the loss becomes linear. MLPRegressor standardises the
        targets by default, so that the unit of δ is the standard deviation of y, with
        its outliers.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical
    Statistics 35, 1964.

    Examples
    --------
    >>> from cymlp.losses import Huber
    >>> Huber(delta=1.0).value_and_gradient([[0.5], [3.0]], [[0.0], [0.0]])
    (array([0.125, 2.5  ]), array([[0.5],
           [1. ]]))
    """

    name = "huber"
    _compiled = compiled(huber[float], huber[double])
    _parameter_constraints = {
        "delta": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, delta=0.3):
        self.delta = delta

    def _compiled_parameters(self, n_outputs):
        self._validate_params()
        return [self.delta]


# value = mean_k -quantile_k d_k where d_k < 0, (1 - quantile_k) d_k elsewhere

cdef int quantile_loss(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef const double *quantile = <const double *> context
    cdef Py_ssize_t i, j
    cdef floating d, slope
    for i in range(n):
        value[i] = 0
        for j in range(k):
            d = Z[i * k + j] - T[i * k + j]
            slope = <floating> (-quantile[j] if d < 0 else 1 - quantile[j])
            value[i] += slope * d
            dZ[i * k + j] = slope / k if d != 0 else <floating> 0
        value[i] /= k
    return 0


class Quantile(ValueLoss):
    """Quantile loss, q (t − z) for z < t and (1 − q) (z − t) otherwise.

    It is averaged over the outputs. Its minimum is at the quantile q of the targets.

    Parameters
    ----------
    quantile : float or array-like of shape (n_outputs,), default=0.5
        Quantile q, in (0, 1), to predict: 0.5 is the median. One for each output, or a
        single one for all.

    References
    ----------
    Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> from cymlp.losses import Quantile
    >>> value, _ = Quantile(0.9).value_and_gradient([[1.0], [3.0]], [[2.0], [2.0]])
    >>> value
    array([0.9, 0.1])
    """

    name = "quantile"
    _compiled = compiled(quantile_loss[float], quantile_loss[double])
    _parameter_constraints = {
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    def __init__(self, quantile=0.5):
        self.quantile = quantile

    def _compiled_parameters(self, n_outputs):
        return _for_each_output(
            self, "quantile", n_outputs, lambda q: np.all((q > 0) & (q < 1)),
            f"a float in (0, 1), or an array of {n_outputs} of them, one for each "
            "output"
        )


# value = mean_k exp(z_k) - t_k - t_k d_k, d = z - ln t and 0 ln 0 = 0;
# gradient = (exp(z_k) - t_k) / k

cdef int poisson(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef Py_ssize_t i, j
    cdef double d, excess, total
    for i in range(n):
        total = 0
        for j in range(i * k, (i + 1) * k):
            d = <double> Z[j] - log(<double> T[j]) if T[j] > 0 else 0
            # Next to the target, exp(z) - t would lose digits; far from it, d does.
            if T[j] > 0 and fabs(d) < 1:
                excess = T[j] * expm1(d)
            else:
                excess = exp(<double> Z[j]) - T[j]
            total += excess - T[j] * d
            dZ[j] = <floating> (excess / k)
        value[i] = <floating> (total / k)
    return 0


class Poisson(ValueLoss):
    """Half the deviance of Poisson distributions with mean exp(z).

    This is exp(z) − t + t (ln t − z), averaged over the outputs, for counts and other
    targets t ≥ 0. Its minimum is at the mean of the targets. The predictions exp(z) are
    positive. The gradient is exp(z) − t for each output, before averaging.

    References
    ----------
    McCullagh and Nelder, "Generalized linear models", 2nd edition, Chapman and Hall,
    1989.

    Examples
    --------
    >>> from cymlp.losses import Poisson
    >>> value, gradient = Poisson().value_and_gradient([[0.0], [0.0]], [[1.0], [3.0]])
    >>> value.round(4), gradient
    (array([0.    , 1.2958]), array([[ 0.],
           [-2.]]))
    """

    name = "poisson"
    log_link = True
    _compiled = compiled(poisson[float], poisson[double])


# A user-defined loss. Its method receives whole batches as NumPy arrays, copied for the
# reason given in activations.pyx.

cdef int user_loss(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef const floating[::1] values
    cdef const floating[:, ::1] gradient
    with gil:
        loss = <object> context
        scores = np.array(<floating[:n, :k]> Z)
        values, gradient = checked_loss(
            loss.value_and_gradient(scores, np.array(<floating[:n, :k]> T)),
            loss, (n, k), scores.dtype
        )
        memcpy(value, &values[0], n * sizeof(floating))
        memcpy(dZ, &gradient[0, 0], n * k * sizeof(floating))
    return 0


def has_log_link(loss):
    """Whether the scores are logarithms of the predictions of values."""
    return getattr(loss, "log_link", False) is True


cpdef BoundLoss bind(object loss, Py_ssize_t n_outputs):
    """Bind a loss to a number of outputs, for compiled code.

    Instances of classes derived from the losses of cymlp are treated as user-defined,
    because they may override methods.

    Parameters
    ----------
    loss : object
        Loss with the method ``value_and_gradient``.
    n_outputs : int
        Number of columns of the scores.

    Returns
    -------
    bound : BoundLoss
        Loss whose `kernel` compiled code can call.

    Raises
    ------
    ValueError
        If a parameter of the loss is invalid.

    Examples
    --------
    >>> from cymlp.losses import Focal, bind
    >>> type(bind(Focal(alpha=[1.0, 2.0]), n_outputs=2)).__name__
    'BoundLoss'
    """
    cdef BoundLoss bound
    holder = type(loss).__dict__.get("_compiled")
    if isinstance(holder, Compiled):
        return bind_compiled(loss, holder, n_outputs)
    bound = BoundLoss.__new__(BoundLoss)
    bound.owner = loss
    bound.log_link = has_log_link(loss)
    bound.kernel = LossKernel(<const void *> loss, user_loss[float], user_loss[double])
    return bound


cdef BoundLoss bind_compiled(object loss, Compiled holder, Py_ssize_t n_outputs):
    """Bind the parameters of a compiled function."""
    cdef BoundLoss bound = BoundLoss.__new__(BoundLoss)
    # One more value, so that the array is never empty.
    parameters = loss._compiled_parameters(n_outputs)
    bound.parameters = np.array([*parameters, 0.0], dtype=np.float64)
    bound.log_link = has_log_link(loss)
    bound.kernel = holder.kernel
    bound.kernel.context = &bound.parameters[0]
    return bound


def _value_and_gradient(
    const floating[:, ::1] Z, const floating[:, ::1] T, floating[::1] value,
    floating[:, ::1] gradient, floating[:, ::1] scratch, BoundLoss bound
):
    value_and_gradient(
        &bound.kernel, &Z[0, 0], &T[0, 0], &value[0], &gradient[0, 0], &scratch[0, 0],
        Z.shape[0], Z.shape[1]
    )


def _log_softmax(
    const floating[:, ::1] Z, floating[:, ::1] log_p, floating[:, ::1] p,
    floating[::1] log_sum
):
    log_softmax(
        &Z[0, 0], &log_p[0, 0], &p[0, 0], &log_sum[0], Z.shape[0], Z.shape[1]
    )


def _log_softmax_of(Z):
    Z = as_float(Z, "Z")
    if Z.ndim != 2 or Z.shape[1] < 1:
        raise ValueError(
            f"Z must have shape (n_samples, n_classes); got shape {Z.shape}"
        )
    log_p, p = np.empty_like(Z), np.empty_like(Z)
    _log_softmax(Z, log_p, p, np.empty(Z.shape[0], Z.dtype))
    return log_p, p


__all__ = [
    "LOSSES", "Loss", "ClassLoss", "LabelLoss", "ValueLoss", "BoundLoss", "bind",
    *(member.__name__ for member in LOSSES.values())
]
