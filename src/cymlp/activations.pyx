"""Activations of the hidden layers.

An activation is two compiled functions, for the value and for backpropagation, and a
class with all its other properties. Constants in the formulas are cast, because
Cython's literals are doubles: without the cast, a float32 loop would compute in double
precision.

User-defined activations are objects with the methods ``value(U)`` and
``derivative(U, A)``. The network calls them through functions of the same types,
`user_value` and `user_backward`.
"""

cimport cython
from cython cimport floating
from libc.string cimport memcpy

cimport cymlp.kernels as kernels

import numpy as np
from sklearn.base import BaseEstimator

from cymlp._engine.user_results import as_float, checked_result


# Names of the activations -> classes.
ACTIVATIONS = {}


@cython.final
cdef class Compiled:
    """The compiled functions of an activation."""

    cdef ActivationKernel kernel


cdef Compiled compiled(
    value_function_f32 value_f32, value_function_f64 value_f64,
    backward_function_f32 backward_f32, backward_function_f64 backward_f64
):
    cdef Compiled holder = Compiled.__new__(Compiled)
    holder.kernel = ActivationKernel(
        NULL, value_f32, value_f64, backward_f32, backward_f64
    )
    return holder


class Activation(BaseEstimator):
    """Base class of the activations of cymlp.

    Its methods are those of :class:`~cymlp.typing.ActivationLike`.

    Attributes
    ----------
    name : str
        Value of the parameter `activation` that selects the class.
    initializer : {"glorot_uniform", "lecun_normal"}
        Distribution of the initial weights of layers that feed the activation, with
        ``init="auto"``. User-defined activations may have this attribute, too.
    onnx_operator : tuple of str and dict
        Operator of ONNX (operator set 14) and its attributes.
    c_formula : str
        C99 expression for the value at a float ``u``.

    Examples
    --------
    >>> from cymlp.activations import Activation, Relu
    >>> isinstance(Relu(), Activation)
    True
    >>> U = [[-1.0, 2.0]]
    >>> Relu().derivative(U, Relu().value(U))
    array([[0., 1.]])
    """

    initializer = "glorot_uniform"

    def __init_subclass__(cls):
        super().__init_subclass__()
        if "_compiled" in cls.__dict__:
            ACTIVATIONS[cls.name] = cls

    def value(self, U):
        """Compute f(U).

        Parameters
        ----------
        U : array-like of any shape
            Weighted sums, float32 or float64. Other types are converted to float64.

        Returns
        -------
        A : ndarray of the shape of U
            Activations, in the dtype of U.

        Raises
        ------
        ValueError
            If U is not real.
        """
        U = as_float(U, "U")
        A = np.empty_like(U)
        _value(U.reshape(-1), A.reshape(-1), type(self)._compiled)
        return A

    def derivative(self, U, A):
        """Compute f'(U).

        Parameters
        ----------
        U : array-like of any shape
            Weighted sums, float32 or float64. Other types are converted to float64.
        A : array-like of the shape of U
            Result of ``value(U)``, which makes some derivatives cheaper to compute.

        Returns
        -------
        derivative : ndarray of the shape of U
            Derivative of each activation, in the dtype of U.

        Raises
        ------
        ValueError
            If the shapes of U and A differ, or they are not real.
        """
        U = as_float(U, "U")
        A = np.require(A, dtype=U.dtype, requirements="C")
        if A.shape != U.shape:
            raise ValueError(
                f"A must have the shape of U, {U.shape}; got shape {A.shape}"
            )
        D = np.ones_like(U)
        _backward(U.reshape(-1), A.reshape(-1), D.reshape(-1), type(self)._compiled)
        return D


# f(u) = tanh u; f' = 1 - f^2

cdef int tanh_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    kernels.tanh(U, A, n * m)
    return 0


cdef int tanh_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(n * m):
        D[i] *= <floating> 1 - A[i] * A[i]
    return 0


class Tanh(Activation):
    """Hyperbolic tangent, f(u) = tanh u.

    Finite at every finite u.

    Examples
    --------
    >>> from cymlp.activations import Tanh
    >>> Tanh().value([-1e4, 0.0, 1e4])
    array([-1.,  0.,  1.])
    """

    name = "tanh"
    onnx_operator = ("Tanh", {})
    c_formula = "tanhf(u)"
    _compiled = compiled(
        tanh_value[float], tanh_value[double],
        tanh_backward[float], tanh_backward[double]
    )


# f(u) = scale u for u > 0, scale alpha expm1(u) otherwise; f' = scale, f + scale alpha

cdef double SELU_SCALE = 1.0507009873554805
cdef double SELU_ALPHA = 1.6732632423543772


cdef int selu_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating scale = <floating> SELU_SCALE
    cdef floating scale_alpha = <floating> (SELU_SCALE * SELU_ALPHA)
    for i in range(n * m):
        # Positive values do not need expm1, which is slow in the C library. NaN takes
        # the last branch and stays NaN.
        A[i] = 0 if U[i] > 0 else U[i]
    kernels.expm1(A, A, n * m)
    for i in range(n * m):
        A[i] = scale * U[i] if U[i] > 0 else scale_alpha * A[i]
    return 0


cdef int selu_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating scale = <floating> SELU_SCALE
    cdef floating scale_alpha = <floating> (SELU_SCALE * SELU_ALPHA)
    for i in range(n * m):
        D[i] *= scale if U[i] > 0 else A[i] + scale_alpha
    return 0


class Selu(Activation):
    """Scaled exponential linear unit.

    f(u) = λu for u > 0 and λα(eᵘ − 1) otherwise, with λ = 1.0507009873554805 and
    α = 1.6732632423543772. With these values, inputs of mean 0 and variance 1 give
    outputs of mean 0 and variance 1.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks",
    NeurIPS 2017.

    Examples
    --------
    >>> from cymlp.activations import Selu
    >>> Selu().value([-1.0, 0.0, 1.0]).round(4)
    array([-1.1113,  0.    ,  1.0507])
    """

    name = "selu"
    initializer = "lecun_normal"
    onnx_operator = "Selu", {"alpha": SELU_ALPHA, "gamma": SELU_SCALE}
    c_formula = (
        f"u > 0.0f ? {SELU_SCALE:.9g}f * u : {SELU_SCALE * SELU_ALPHA:.9g}f * expm1f(u)"
    )
    _compiled = compiled(
        selu_value[float], selu_value[double],
        selu_backward[float], selu_backward[double]
    )


# f(u) = max(u, 0); f' = 0 for u <= 0, 1 for u > 0

cdef int relu_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(n * m):
        A[i] = 0 if U[i] <= 0 else U[i]
    return 0


cdef int relu_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating slope
    for i in range(n * m):
        slope = U[i]                            # keeps NaN
        slope = 0 if U[i] <= 0 else slope
        slope = 1 if U[i] > 0 else slope
        D[i] *= slope
    return 0


class Relu(Activation):
    """Rectified linear unit, f(u) = max(u, 0). Its derivative at 0 is defined as 0.

    References
    ----------
    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines",
    ICML 2010.

    Examples
    --------
    >>> from cymlp.activations import Relu
    >>> Relu().value([-1.5, 0.0, 1.5])
    array([0. , 0. , 1.5])
    """

    name = "relu"
    onnx_operator = ("Relu", {})
    c_formula = "u > 0.0f ? u : 0.0f"
    _compiled = compiled(
        relu_value[float], relu_value[double],
        relu_backward[float], relu_backward[double]
    )


# f(u) = 1 / (1 + e) for u > 0, e / (1 + e) otherwise, e = exp(-|u|); f' = f (1 - f)

cdef int logistic_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(n * m):
        A[i] = -U[i] if U[i] > 0 else U[i]
    kernels.exp(A, A, n * m)
    for i in range(n * m):
        A[i] = (<floating> 1 if U[i] > 0 else A[i]) / (<floating> 1 + A[i])
    return 0


cdef int logistic_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(n * m):
        D[i] *= A[i] * (<floating> 1 - A[i])
    return 0


class Logistic(Activation):
    """Logistic sigmoid, f(u) = 1 / (1 + exp(−u)).

    The computation neither overflows nor loses digits near 0.

    Examples
    --------
    >>> from cymlp.activations import Logistic
    >>> Logistic().value([-1e4, 0.0, 1e4])
    array([0. , 0.5, 1. ])
    """

    name = "logistic"
    onnx_operator = ("Sigmoid", {})
    c_formula = "1.0f / (1.0f + expf(-u))"
    _compiled = compiled(
        logistic_value[float], logistic_value[double],
        logistic_backward[float], logistic_backward[double]
    )


# f(u) = u; f' = 1

cdef int identity_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    memcpy(A, U, n * m * sizeof(floating))
    return 0


cdef int identity_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    return 0


class Identity(Activation):
    """Identity, f(u) = u, for linear layers.

    Examples
    --------
    >>> from cymlp.activations import Identity
    >>> Identity().value([-1.5, 0.0, 1.5])
    array([-1.5,  0. ,  1.5])
    """

    name = "identity"
    onnx_operator = ("Identity", {})
    c_formula = "u"
    _compiled = compiled(
        identity_value[float], identity_value[double],
        identity_backward[float], identity_backward[double]
    )


# f(u) = u clip(u + 3, 0, 6) / 6; f' = 0 for u <= -3, 1 for u >= 3, (2u + 3) / 6 between

cdef int hardswish_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating gate
    for i in range(n * m):
        # The gate in 0..1 first, because u (u + 3) would overflow before u.
        gate = (U[i] + <floating> 3) / <floating> 6
        gate = 0 if gate < 0 else gate
        gate = 1 if gate > 1 else gate
        A[i] = U[i] * gate
    return 0


cdef int hardswish_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating slope
    for i in range(n * m):
        slope = (<floating> 2 * U[i] + <floating> 3) / <floating> 6
        slope = 0 if U[i] <= -3 else slope
        slope = 1 if U[i] >= 3 else slope
        D[i] *= slope
    return 0


class HardSwish(Activation):
    """Hard swish, f(u) = u · clip(u + 3, 0, 6) / 6.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> from cymlp.activations import HardSwish
    >>> HardSwish().value([-3.0, 0.0, 1.5, 3.0])
    array([-0.   ,  0.   ,  1.125,  3.   ])
    """

    name = "hardswish"
    onnx_operator = ("HardSwish", {})
    c_formula = "u * fminf(fmaxf((u + 3.0f) / 6.0f, 0.0f), 1.0f)"
    _compiled = compiled(
        hardswish_value[float], hardswish_value[double],
        hardswish_backward[float], hardswish_backward[double]
    )


# A user-defined activation. Its methods receive whole batches as NumPy arrays. They may
# change and keep these copies: the network reuses its own memory for the next batch and
# frees it after the fit.

cdef int user_value(
    const void *owner, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef const floating[:, ::1] result
    with gil:
        activation = <object> owner
        scores = np.array(<floating[:n, :m]> U)
        result = checked_result(
            activation.value(scores), activation, "value", (n, m), scores.dtype
        )
        memcpy(A, &result[0, 0], n * m * sizeof(floating))
    return 0


cdef int user_backward(
    const void *owner, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef const floating[:, ::1] slope
    with gil:
        activation = <object> owner
        scores = np.array(<floating[:n, :m]> U)
        slope = checked_result(
            activation.derivative(scores, np.array(<floating[:n, :m]> A)),
            activation, "derivative", (n, m), scores.dtype
        )
        for i in range(n * m):
            D[i] *= (&slope[0, 0])[i]
    return 0


cdef ActivationKernel kernel_of(object activation) except *:
    """The compiled functions of an activation, or those that call a user's object.

    Instances of classes derived from the activations of cymlp are treated as
    user-defined, because they may override methods.
    """
    holder = type(activation).__dict__.get("_compiled")
    if isinstance(holder, Compiled):
        return (<Compiled> holder).kernel
    return ActivationKernel(
        <const void *> activation, user_value[float], user_value[double],
        user_backward[float], user_backward[double]
    )


def _value(const floating[::1] U, floating[::1] A, Compiled holder):
    activate(&holder.kernel, &U[0], &A[0], U.shape[0], 1)


def _backward(
    const floating[::1] U, const floating[::1] A, floating[::1] D, Compiled holder
):
    activate_backward(&holder.kernel, &U[0], &A[0], &D[0], U.shape[0], 1)


__all__ = [
    "ACTIVATIONS", "Activation", *(member.__name__ for member in ACTIVATIONS.values())
]
