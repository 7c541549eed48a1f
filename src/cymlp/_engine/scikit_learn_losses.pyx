"""The losses of scikit-learn's networks.

They differ from those of `cymlp.losses` in the reported value: probabilities are kept
away from 0 and 1 by the machine epsilon, and squared errors are averaged over the
outputs, while their gradients are not.
"""

from cython cimport floating
from libc.float cimport DBL_EPSILON, FLT_EPSILON
from libc.math cimport log, log1p

cimport cymlp.kernels as kernels
from cymlp.losses cimport compiled, log_softmax


cdef inline floating clipped(floating value, double lowest, double highest) \
        noexcept nogil:
    """Clip a value; NaN remains."""
    if value < lowest:
        return <floating> lowest
    return <floating> highest if value > highest else value


# value = -ln p_y with p = softmax(z); gradient = p - t

cdef int log_loss(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef double eps = FLT_EPSILON if floating is float else DBL_EPSILON
    cdef Py_ssize_t i, j
    log_softmax(Z, scratch, dZ, value, n, k)
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            value[i] -= T[j] * scratch[j] if T[j] != 0 else <floating> 0
            dZ[j] -= T[j]
        value[i] = clipped(value[i], -log1p(-eps), -log(eps))
    return 0


# value = sum_j -ln p_j, or -ln(1 - p_j) where t_j = 0, with p = 1 / (1 + exp(-z));
# gradient = p - t

cdef int binary_log_loss(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef double eps = FLT_EPSILON if floating is float else DBL_EPSILON
    cdef floating one = 1
    cdef floating p
    cdef Py_ssize_t i, j
    for j in range(n * k):
        scratch[j] = -Z[j] if Z[j] > 0 else Z[j]
    kernels.exp(scratch, dZ, n * k)
    for j in range(n * k):
        p = (one if Z[j] > 0 else dZ[j]) / (one + dZ[j])
        # Rounding 1 - p loses digits, which scikit-learn's value lacks, too.
        scratch[j] = clipped(p if T[j] != 0 else one - p, eps, 1 - eps)
        dZ[j] = p - T[j]
    kernels.log(scratch, scratch, n * k)
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            value[i] -= scratch[j]
    return 0


# value = 1/2 mean_j (z_j - t_j)^2; gradient = z - t

cdef int squared_error(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef Py_ssize_t i, j
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            dZ[j] = Z[j] - T[j]
            value[i] += dZ[j] * dZ[j]
        value[i] /= 2 * k
    return 0


# value = sum_j t_j (ln t_j - z_j) - t_j + exp(z_j), 0 ln 0 = 0; gradient = exp(z) - t

cdef int poisson(
    const void *context, const floating *Z, const floating *T, floating *value,
    floating *dZ, floating *scratch, Py_ssize_t n, Py_ssize_t k
) except -1 nogil:
    cdef Py_ssize_t i, j
    for j in range(n * k):
        scratch[j] = T[j] if T[j] != 0 else 1
    kernels.log(scratch, scratch, n * k)
    kernels.exp(Z, dZ, n * k)
    for i in range(n):
        value[i] = 0
        for j in range(i * k, (i + 1) * k):
            dZ[j] -= T[j]
            value[i] += T[j] * (scratch[j] - Z[j]) + dZ[j]
    return 0


class ScikitLearnLoss:
    """Base class of the losses of scikit-learn's networks."""

    def _compiled_parameters(self, n_outputs):
        return []


class LogLoss(ScikitLearnLoss):
    """Log loss of classes, of which each sample has one."""

    _compiled = compiled(log_loss[float], log_loss[double])


class BinaryLogLoss(ScikitLearnLoss):
    """Sum of the log losses of labels that each sample has or not."""

    _compiled = compiled(binary_log_loss[float], binary_log_loss[double])


class SquaredError(ScikitLearnLoss):
    """Half the squared error."""

    _compiled = compiled(squared_error[float], squared_error[double])


class Poisson(ScikitLearnLoss):
    """Half the Poisson deviance, of the logarithm of the mean."""

    _compiled = compiled(poisson[float], poisson[double])


# The loss that belongs to each value of `out_activation_`.
LOSSES = {
    "softmax": LogLoss(),
    "logistic": BinaryLogLoss(),
    "identity": SquaredError(),
    "exp": Poisson(),
}
