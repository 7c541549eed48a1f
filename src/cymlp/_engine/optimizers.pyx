"""Optimisers: each one loop over all parameters, which knows no layers.

An optimiser has the settings; the numbers it changes are the caller's: the parameters
and, in as many arrays of their length as `n_slots` says, what it remembers of earlier
steps. Each is a class with its formula in a free function beside it, in both precisions
from one text. (Not in a method: a method of fused types that a subclass overrides would
silently run that of the base.) A number in a formula is cast once, ahead of the loop,
because Cython has doubles only, and a loop in float32 would then compute in float64.
"""

cimport cython
from cython cimport floating
from libc.math cimport pow, sqrt, sqrtf

import math


cdef double checked(str name, double value, bint allowed, str what) except? -1:
    """The value of a setting, where it is allowed."""
    if not allowed:
        raise ValueError(f"{name} must be {what}; got {value}")
    return value


cdef class Optimizer:
    """Base of the optimisers.

    Attributes
    ----------
    n_slots : int
        How many arrays of the length of the parameters are kept beside these.
    weight_decay : float
        Factor of the parameters that is added to their gradient.
    """

    def __init__(self, double learning_rate, double weight_decay):
        self.learning_rate = learning_rate
        self.weight_decay = checked(
            "weight_decay", weight_decay, 0 <= weight_decay < math.inf,
            "a finite number >= 0"
        )

    @property
    def learning_rate(self):
        """Step size, a positive finite number; may be changed between steps."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, double value):
        self._learning_rate = checked(
            "learning_rate", value, 0 < value < math.inf, "a positive finite number"
        )

    @property
    def n_steps(self):
        """Number of steps taken. Who puts older arrays back puts it back too."""
        return self._n_steps

    @n_steps.setter
    def n_steps(self, Py_ssize_t value):
        if value < 0:
            raise ValueError(f"n_steps must be a whole number >= 0; got {value}")
        self._n_steps = value

    def step(self, state, gradient):
        """Take one step.

        Parameters
        ----------
        state : ndarray of shape (1 + n_slots, n_parameters)
            The parameters, and below them what the optimiser remembers, zeros at first;
            changed in place. As float32 or float64, and C-contiguous.
        gradient : ndarray of shape (n_parameters,)
            Of the dtype of state, and contiguous.

        Raises
        ------
        ValueError
            If the shapes do not fit, or the dtypes differ.
        """
        if state.shape != (1 + self.n_slots, *gradient.shape):
            raise ValueError(
                f"state must have shape (1 + {self.n_slots}, n_parameters) and "
                f"gradient (n_parameters,); got {state.shape} and {gradient.shape}"
            )
        _step(state, gradient, self)

    cdef int step_f32(
        self, float *theta, float *slots, Py_ssize_t apart, const float *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        with gil:
            raise NotImplementedError(f"{type(self).__name__} is no optimiser of cymlp")

    cdef int step_f64(
        self, double *theta, double *slots, Py_ssize_t apart, const double *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        with gil:
            raise NotImplementedError(f"{type(self).__name__} is no optimiser of cymlp")


# v <- momentum v + d, d = gradient + weight_decay theta
# theta <- theta - learning_rate v, with Nesterov (d + momentum v) in place of v

cdef void sgd_step(
    SGD settings,
    floating *theta,            # IN-OUT (count)
    floating *velocity,         # IN-OUT (count)
    const floating *gradient,   # IN     (count)
    Py_ssize_t count
) noexcept nogil:
    cdef floating learning_rate = <floating> settings._learning_rate
    cdef floating momentum = <floating> settings.momentum
    cdef floating weight_decay = <floating> settings.weight_decay
    cdef bint nesterov = settings.nesterov
    cdef floating direction
    cdef Py_ssize_t i
    for i in range(count):
        direction = gradient[i] + weight_decay * theta[i]
        velocity[i] = momentum * velocity[i] + direction
        theta[i] -= learning_rate * (
            direction + momentum * velocity[i] if nesterov else velocity[i]
        )


@cython.final
cdef class SGD(Optimizer):
    """Stochastic gradient descent with momentum and weight decay.

    v ← momentum · v + d with d = gradient + weight_decay · θ, then
    θ ← θ − learning_rate · v or, with Nesterov's momentum,
    θ ← θ − learning_rate · (d + momentum · v); for weights and biases alike.

    Parameters
    ----------
    learning_rate : float
        Positive.
    momentum : float
        In [0, 1).
    weight_decay : float
        Not negative. A coupled L2 penalty: it is added to the gradient, and so goes
        through the momentum.
    nesterov : bool, default=False

    Raises
    ------
    ValueError
        If a number is not as described.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013, for both methods; the learning rate
    multiplies the velocity and not the gradient, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.optimizers import SGD
    >>> state = np.array([[1.0], [0.0]])  # a parameter and its velocity
    >>> sgd = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    >>> for gradient in (1.0, 1.0):
    ...     sgd.step(state, np.array([gradient]))
    >>> state.round(4)
    array([[0.71],
           [1.9 ]])
    """

    def __cinit__(self):
        self.n_slots = 1

    def __init__(
        self, double learning_rate, double momentum, double weight_decay,
        bint nesterov=False
    ):
        super().__init__(learning_rate, weight_decay)
        self.momentum = checked("momentum", momentum, 0 <= momentum < 1, "in [0, 1)")
        self.nesterov = nesterov

    def __reduce__(self):
        settings = self.learning_rate, self.momentum, self.weight_decay, self.nesterov
        return SGD, settings, (None, {"n_steps": self.n_steps})

    cdef int step_f32(
        self, float *theta, float *slots, Py_ssize_t apart, const float *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        sgd_step(self, theta, slots, gradient, count)
        return 0

    cdef int step_f64(
        self, double *theta, double *slots, Py_ssize_t apart, const double *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        sgd_step(self, theta, slots, gradient, count)
        return 0


cdef inline floating square_root(floating x) noexcept nogil:
    if floating is float:
        return sqrtf(x)
    else:
        return sqrt(x)


# m <- beta_1 m + (1 - beta_1) d, v <- beta_2 v + (1 - beta_2) d^2,
# d = gradient + weight_decay theta
# theta <- theta - learning_rate m' / (sqrt(v') + epsilon), t the number of this step,
# m' = m / (1 - beta_1^t), v' = v / (1 - beta_2^t)

cdef void adam_step(
    Adam settings,
    floating *theta,            # IN-OUT (count)
    floating *m,                # IN-OUT (count)
    floating *v,                # IN-OUT (count)
    const floating *gradient,   # IN     (count)
    Py_ssize_t count
) noexcept nogil:
    cdef double t = <double> settings._n_steps
    cdef floating beta_1 = <floating> settings.beta_1
    cdef floating beta_2 = <floating> settings.beta_2
    cdef floating rest_1 = <floating> (1 - settings.beta_1)
    cdef floating rest_2 = <floating> (1 - settings.beta_2)
    cdef floating weight_decay = <floating> settings.weight_decay
    cdef floating epsilon = <floating> settings.epsilon
    # Both corrections are the same for all parameters.
    cdef floating step_size = <floating> (
        settings._learning_rate / (1 - pow(settings.beta_1, t))
    )
    cdef floating root_factor = <floating> (1 / sqrt(1 - pow(settings.beta_2, t)))
    cdef floating direction
    cdef Py_ssize_t i
    for i in range(count):
        direction = gradient[i] + weight_decay * theta[i]
        m[i] = beta_1 * m[i] + rest_1 * direction
        v[i] = beta_2 * v[i] + rest_2 * (direction * direction)
        theta[i] -= step_size * m[i] / (root_factor * square_root(v[i]) + epsilon)


@cython.final
cdef class Adam(Optimizer):
    """Adam: steps divided by the root of the gradient's running mean square.

    m ← β₁ m + (1 − β₁) d and v ← β₂ v + (1 − β₂) d² with d = gradient +
    weight_decay · θ, then θ ← θ − learning_rate · m′ / (√v′ + ε), where
    m′ = m / (1 − β₁ᵗ) and v′ = v / (1 − β₂ᵗ) in step t undo that m and v began at 0;
    for weights and biases alike.

    Parameters
    ----------
    learning_rate : float
        Positive.
    beta_1, beta_2 : float
        In [0, 1).
    epsilon : float
        At least 1e-37: what is smaller would be 0 in float32, and 0 / 0 where a
        gradient is 0.
    weight_decay : float
        Not negative. A coupled L2 penalty: it is added to the gradient, and so goes
        through both means, unlike that of AdamW.

    Raises
    ------
    ValueError
        If a number is not as described.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.optimizers import Adam
    >>> state = np.array([[1.0], [0.0], [0.0]])  # a parameter and its two means
    >>> adam = Adam(0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.0)
    >>> for gradient in (5.0, 5.0):
    ...     adam.step(state, np.array([gradient]))
    >>> state[0].round(4), adam.n_steps
    (array([0.8]), 2)
    """

    cdef readonly double beta_1
    cdef readonly double beta_2
    cdef readonly double epsilon

    def __cinit__(self):
        self.n_slots = 2

    def __init__(
        self, double learning_rate, double beta_1, double beta_2, double epsilon,
        double weight_decay
    ):
        super().__init__(learning_rate, weight_decay)
        self.beta_1 = checked("beta_1", beta_1, 0 <= beta_1 < 1, "in [0, 1)")
        self.beta_2 = checked("beta_2", beta_2, 0 <= beta_2 < 1, "in [0, 1)")
        self.epsilon = checked(
            "epsilon", epsilon, 1e-37 <= epsilon < math.inf, "a finite number >= 1e-37"
        )

    def __reduce__(self):
        settings = (
            self.learning_rate, self.beta_1, self.beta_2, self.epsilon,
            self.weight_decay
        )
        return Adam, settings, (None, {"n_steps": self.n_steps})

    cdef int step_f32(
        self, float *theta, float *slots, Py_ssize_t apart, const float *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        adam_step(self, theta, slots, slots + apart, gradient, count)
        return 0

    cdef int step_f64(
        self, double *theta, double *slots, Py_ssize_t apart, const double *gradient,
        Py_ssize_t count
    ) except -1 nogil:
        adam_step(self, theta, slots, slots + apart, gradient, count)
        return 0


def _step(floating[:, ::1] state, const floating[::1] gradient, Optimizer optimizer):
    cdef Py_ssize_t count = gradient.shape[0]
    cdef floating *theta = &state[0, 0]
    optimizer._n_steps += 1
    take_step(optimizer, theta, theta + count, count, &gradient[0], count)
