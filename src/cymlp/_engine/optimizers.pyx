"""Optimisers: their settings, and every form of their steps.

An optimiser holds settings only. The caller owns the parameters, the slots (the
optimiser state, arrays of the length of the parameters) and the number of steps. A step
has up to three forms:

- over an array of parameters: `step_f32` and `step_f64`;
- in registers, as part of the product that computes the gradient: `set_step` gives the
  coefficients that the kernels use;
- lazy, for the weights of features that a sparse batch lacks: without gradient, n steps
  multiply (velocity, weight) by the n-th power of `matrix`.

Only linear steps have the last two. The formulas over arrays are free functions,
because Cython methods of fused types cannot be overridden. They cast constants before
the loop, because with Cython's literals, which are doubles, a float32 loop would
compute in double precision.
"""

cimport cython
from cython cimport floating
from libc.math cimport pow, sqrt

from cymlp.kernels cimport cymlp_adam, kernels_for

import math

import numpy as np


cdef double checked(str name, double value, bint valid, str allowed) except? -1:
    if not valid:
        raise ValueError(f"{name} must be {allowed}; got {value}")
    return value


cdef class Optimizer:
    """Base class of the optimisers.

    `weight_decay` times the parameters is added to the gradient: a coupled L2 penalty,
    unlike that of AdamW. It applies to biases, too, if `decays_biases`.
    """

    def __init__(
        self, double learning_rate, double weight_decay, bint decays_biases=True
    ):
        self.learning_rate = learning_rate
        self.decays_biases = decays_biases
        self.weight_decay = checked(
            "weight_decay", weight_decay, 0 <= weight_decay < math.inf,
            "a finite number >= 0"
        )

    @property
    def penalty(self):
        """Strength a >= 0 of an L2 penalty, a / (2 n) times the squared weights.

        The loss of a batch of n samples, or of sample weights of sum n, then includes
        the penalty, and a / n is the weight decay. Biases are exempt.
        """
        return self._penalty

    @penalty.setter
    def penalty(self, double value):
        self._penalty = checked(
            "penalty", value, 0 <= value < math.inf, "a finite number >= 0"
        )
        if value > 0:
            self.decays_biases = False

    @property
    def learning_rate(self):
        """Positive and finite; may change between epochs."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, double value):
        self._learning_rate = checked(
            "learning_rate", value, 0 < value < math.inf, "a positive finite number"
        )

    def step(self, state, gradient, Py_ssize_t t):
        """Update `state` (1 + n_slots, n_parameters) in place: step t, counted from 1.

        Its first row holds the parameters, the others the slots, which start at 0.
        `gradient` (n_parameters,) has the same dtype; both are C-contiguous.
        """
        if state.shape != (1 + self.n_slots, *gradient.shape):
            raise ValueError(
                f"state must have shape (1 + {self.n_slots}, n_parameters) and "
                f"gradient (n_parameters,); got {state.shape} and {gradient.shape}"
            )
        if t < 1:
            raise ValueError(f"t must be an integer >= 1; got {t}")
        _step(state, gradient, self, t)

    cdef void set_step(self, cymlp_step *step) noexcept nogil:
        pass

    cdef Power matrix(self) noexcept nogil:
        return Power(1, 0, 0, 0)

    cdef double gradient_rate(self) noexcept nogil:
        return 0

    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        with gil:
            raise NotImplementedError(f"{type(self).__name__} has no step")

    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        with gil:
            raise NotImplementedError(f"{type(self).__name__} has no step")


# v <- momentum v + d with d = gradient + weight_decay theta
# theta <- theta - learning_rate v, with Nesterov's momentum (d + momentum v) for v

cdef void sgd_step(
    SGD sgd,
    floating *theta,            # IN-OUT (count)
    floating *velocity,         # IN-OUT (count)
    const floating *gradient,   # IN     (count)
    Py_ssize_t count,
    bint decays
) noexcept nogil:
    cdef floating learning_rate = <floating> sgd._learning_rate
    cdef floating momentum = <floating> sgd.momentum
    cdef floating weight_decay = <floating> (sgd.weight_decay if decays else 0)
    cdef bint nesterov = sgd.nesterov
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
    """Stochastic gradient descent with classical or Nesterov's momentum.

    Both are described by Sutskever, Martens, Dahl and Hinton, "On the importance of
    initialization and momentum in deep learning", ICML 2013. Here the learning rate
    multiplies the velocity and not the gradient, as in PyTorch.
    """

    cdef readonly double momentum
    cdef readonly bint nesterov

    def __cinit__(self):
        self.n_slots = 1
        self.is_linear = True

    def __init__(
        self, double learning_rate, double momentum, double weight_decay,
        bint nesterov=False, bint decays_biases=True
    ):
        super().__init__(learning_rate, weight_decay, decays_biases)
        self.momentum = checked("momentum", momentum, 0 <= momentum <= 1, "in [0, 1]")
        self.nesterov = nesterov

    @classmethod
    def from_parameters(cls, parameters, weight_decay):
        """Create the optimiser from the parameters of an estimator."""
        return cls(
            parameters.learning_rate_init, parameters.momentum,
            weight_decay, parameters.nesterovs_momentum
        )

    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        sgd_step(self, theta, slots, gradient, count, decays)
        return 0

    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        sgd_step(self, theta, slots, gradient, count, decays)
        return 0

    cdef void set_step(self, cymlp_step *step) noexcept nogil:
        cdef double rate = self._learning_rate
        step.momentum, step.weight_decay = self.momentum, self.weight_decay
        step.velocity_rate = rate * self.momentum if self.nesterov else rate
        step.direction_rate = rate if self.nesterov else 0

    cdef Power matrix(self) noexcept nogil:
        cdef double rate = self._learning_rate
        cdef double m = self.momentum
        cdef double decay = self.weight_decay
        if self.nesterov:
            return Power(m, decay, -rate * m * m, -rate * decay * (1 + m))
        return Power(m, decay, -rate * m, -rate * decay)

    cdef double gradient_rate(self) noexcept nogil:
        cdef double rate = self._learning_rate
        return rate * (1 + self.momentum) if self.nesterov else rate


cdef inline Power product(Power a, Power b) noexcept nogil:
    return Power(
        a.vv * b.vv + a.vw * b.wv,
        a.vv * b.vw + a.vw * b.ww + a.vw,
        a.wv * b.vv + a.ww * b.wv + b.wv,
        a.wv * b.vw + a.ww * b.ww + a.ww + b.ww
    )


cdef void tabulate_powers(Power matrix, Power *table) noexcept nogil:
    """Set table[digit, i] to matrix^(i POWER_BASE^digit)."""
    cdef Py_ssize_t _digit, i
    for _digit in range(POWER_DIGITS):
        table[0] = Power(1, 0, 0, 0)
        for i in range(1, POWER_BASE):
            table[i] = product(matrix, table[i - 1])
        matrix = product(matrix, table[POWER_BASE - 1])
        table += POWER_BASE


cdef Power look_up_power(const Power *table, Py_ssize_t n) noexcept nogil:
    cdef Power result = table[n % POWER_BASE]
    while n >= POWER_BASE:
        n //= POWER_BASE
        table += POWER_BASE
        result = product(table[n % POWER_BASE], result)
    return result


def power(Optimizer optimizer not None, Py_ssize_t n):
    """Return the matrix (2, 2) by which n steps without gradient multiply (v, w).

    The step of the optimiser must be linear, and n in 0..2**32 - 1.
    """
    cdef Power table[POWER_DIGITS * POWER_BASE]
    cdef Power result
    if not 0 <= n < 2**32:
        raise ValueError(f"n must be in 0..2**32 - 1; got {n}")
    tabulate_powers(optimizer.matrix(), table)
    result = look_up_power(table, n)
    return np.array([[result.vv, result.vw], [result.wv, 1 + result.ww]])


# m <- beta_1 m + (1 - beta_1) d, v <- beta_2 v + (1 - beta_2) d^2
# with d = gradient + weight_decay theta
# theta <- theta - learning_rate m' / (sqrt(v') + epsilon)
# with m' = m / (1 - beta_1^t), v' = v / (1 - beta_2^t), which correct the start at 0.
# The kernel has the loop; square roots and quotients are slow without wide vectors.

cdef void adam_step(
    Adam adam,
    Py_ssize_t t,
    floating *theta,            # IN-OUT (count)
    floating *m,                # IN-OUT (count)
    floating *v,                # IN-OUT (count)
    const floating *gradient,   # IN     (count)
    Py_ssize_t count,
    bint decays
) noexcept nogil:
    cdef double correction = 1 / sqrt(1 - pow(adam.beta_2, <double> t))
    cdef cymlp_adam step
    step.beta_1, step.rest_1 = adam.beta_1, 1 - adam.beta_1
    step.beta_2, step.rest_2 = adam.beta_2, 1 - adam.beta_2
    step.weight_decay = adam.weight_decay if decays else 0
    step.step_size = adam._learning_rate / (1 - pow(adam.beta_1, <double> t))
    step.root_factor = correction
    step.epsilon = adam.epsilon * (correction if adam.is_epsilon_hat else 1)
    kernels_for(theta).adam_step(&step, theta, m, v, gradient, count)


@cython.final
cdef class Adam(Optimizer):
    """Adam: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    An epsilon below 1e-37 could be 0 in float32, and the step 0 / 0 where a gradient
    is 0. With `is_epsilon_hat` it is added to sqrt(v) before the start is corrected:
    the paper's ε̂, as in scikit-learn.
    """

    cdef readonly double beta_1
    cdef readonly double beta_2
    cdef readonly double epsilon
    cdef public bint is_epsilon_hat

    def __cinit__(self):
        self.n_slots = 2

    def __init__(
        self, double learning_rate, double beta_1, double beta_2, double epsilon,
        double weight_decay, bint decays_biases=True
    ):
        super().__init__(learning_rate, weight_decay, decays_biases)
        self.beta_1 = checked("beta_1", beta_1, 0 <= beta_1 < 1, "in [0, 1)")
        self.beta_2 = checked("beta_2", beta_2, 0 <= beta_2 < 1, "in [0, 1)")
        self.epsilon = checked(
            "epsilon", epsilon, 1e-37 <= epsilon < math.inf, "a finite number >= 1e-37"
        )

    @classmethod
    def from_parameters(cls, parameters, weight_decay):
        """Create the optimiser from the parameters of an estimator."""
        return cls(
            parameters.learning_rate_init, parameters.beta_1, parameters.beta_2,
            parameters.epsilon, weight_decay
        )

    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        adam_step(self, t, theta, slots, slots + stride, gradient, count, decays)
        return 0

    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        adam_step(self, t, theta, slots, slots + stride, gradient, count, decays)
        return 0


cdef void add(
    const floating *gradient,   # IN     (count)
    floating *total,            # IN-OUT (count)
    Py_ssize_t count
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(count):
        total[i] += gradient[i]


@cython.final
cdef class GradientSum(Optimizer):
    """Adds up the gradients of all batches in its slot, and moves no parameter."""

    def __cinit__(self):
        self.n_slots = 1

    def __init__(self):
        super().__init__(learning_rate=1, weight_decay=0)

    cdef int step_f32(
        self, Py_ssize_t t, float *theta, float *slots, Py_ssize_t stride,
        const float *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        add(gradient, slots, count)
        return 0

    cdef int step_f64(
        self, Py_ssize_t t, double *theta, double *slots, Py_ssize_t stride,
        const double *gradient, Py_ssize_t count, bint decays
    ) except -1 nogil:
        add(gradient, slots, count)
        return 0


def _step(
    floating[:, ::1] state, const floating[::1] gradient, Optimizer optimizer,
    Py_ssize_t t
):
    cdef Py_ssize_t count = gradient.shape[0]
    cdef floating *theta = &state[0, 0]
    take_step(optimizer, t, theta, theta + count, count, &gradient[0], count, True)


# The values of an estimator's `solver`.
SOLVERS = {"sgd": SGD, "adam": Adam}
