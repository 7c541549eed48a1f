"""Activations of the hidden layers.

An activation is two compiled functions, for the value and for backpropagation, and a
class with all its other properties. Constants in the formulas are cast, because
Cython's literals are doubles: without the cast, a float32 loop would compute in double
precision.

User-defined activations are objects with the methods ``value(U)`` and
``derivative(U, A)``. The network calls them through functions of the same types,
`user_value` and `user_backward`.

Several activations have the form f(u) = u g(u), with a gate g that rises from 0 to 1.
"""

cimport cython
from cython cimport floating
from libc.string cimport memcpy

cimport cymlp.kernels as kernels

from math import sqrt
from numbers import Real

import numpy as np

from cymlp._engine.user_results import as_float, checked_result
from cymlp._parameters import ParametersMixin
from cymlp._sklearn import InvalidParameterError


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


class Activation(ParametersMixin):
    """Base class of the activations of cymlp.

    Its methods are those of :class:`~cymlp.typing.ActivationLike`.

    Attributes
    ----------
    name : str
        Value of the parameter `activation` that selects the class.
    initializer : {"glorot_uniform", "lecun_normal"}
        Distribution of the initial weights of layers that feed the activation, with
        ``init="auto"``. User-defined activations may have this attribute, too.
    onnx_nodes : list of tuple
        Nodes of ONNX (operator set 14) from "u" to "a", each with its operator, inputs,
        output and attributes. Inputs may be floats.
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

    def _compiled_parameters(self):
        """The checked parameters, in the order of the compiled functions."""
        return []

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
            If U is not real, or a parameter of the activation is invalid.
        """
        U = as_float(U, "U")
        A = np.empty_like(U)
        bound = bind_compiled(self, type(self)._compiled)
        _value(U.reshape(-1), A.reshape(-1), bound)
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
            If the shapes of U and A differ, they are not real, or a parameter of the
            activation is invalid.
        """
        U = as_float(U, "U")
        A = np.require(A, dtype=U.dtype, requirements="C")
        if A.shape != U.shape:
            raise ValueError(
                f"A must have the shape of U, {U.shape}; got shape {A.shape}"
            )
        D = np.ones_like(U)
        bound = bind_compiled(self, type(self)._compiled)
        _backward(U.reshape(-1), A.reshape(-1), D.reshape(-1), bound)
        return D


# Backward functions that need memory beside U, A and D take blocks of this size.
cdef enum:
    BLOCK = 256


cdef void exp_minus_abs(
    const floating *U, floating *e, Py_ssize_t count
) noexcept nogil:
    """e <- exp(-|u|), which does not overflow."""
    cdef Py_ssize_t i
    for i in range(count):
        e[i] = -U[i] if U[i] > 0 else U[i]
    kernels.exp(e, e, count)


cdef inline floating gated(floating u, floating gate) noexcept nogil:
    """u times a gate; 0 if the gate is 0, also for infinite u."""
    return <floating> 0 if gate == 0 else u * gate


# f(u) = tanh u; f' = 1 - f^2

cdef int tanh_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    kernels.tanh(U, A, n * m)
    return 0


cdef int tanh_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    onnx_nodes = [("Tanh", ["u"], "a", {})]
    c_formula = "tanhf(u)"
    _compiled = compiled(
        tanh_value[float], tanh_value[double],
        tanh_backward[float], tanh_backward[double]
    )


# f(u) = scale u for u > 0, scale alpha expm1(u) otherwise; f' = scale, f + scale alpha

cdef double SELU_SCALE = 1.0507009873554805
cdef double SELU_ALPHA = 1.6732632423543772


cdef int selu_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating scale = <floating> SELU_SCALE
    cdef floating scale_alpha = <floating> (SELU_SCALE * SELU_ALPHA)
    for i in range(n * m):
        # Positive values do not need expm1, which overflows. NaN takes the last branch
        # and stays NaN.
        A[i] = 0 if U[i] > 0 else U[i]
    kernels.expm1(A, A, n * m)
    for i in range(n * m):
        A[i] = scale * U[i] if U[i] > 0 else scale_alpha * A[i]
    return 0


cdef int selu_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    onnx_nodes = [("Selu", ["u"], "a", {"alpha": SELU_ALPHA, "gamma": SELU_SCALE})]
    c_formula = (
        f"u > 0.0f ? {SELU_SCALE:.9g}f * u : {SELU_SCALE * SELU_ALPHA:.9g}f * expm1f(u)"
    )
    _compiled = compiled(
        selu_value[float], selu_value[double],
        selu_backward[float], selu_backward[double]
    )


# f(u) = max(u, 0); f' = 0 for u <= 0, 1 for u > 0

cdef int relu_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    for i in range(n * m):
        A[i] = 0 if U[i] <= 0 else U[i]
    return 0


cdef int relu_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    onnx_nodes = [("Relu", ["u"], "a", {})]
    c_formula = "u > 0.0f ? u : 0.0f"
    _compiled = compiled(
        relu_value[float], relu_value[double],
        relu_backward[float], relu_backward[double]
    )


# f(u) = 1 / (1 + e) for u > 0, e / (1 + e) otherwise, e = exp(-|u|); f' = f (1 - f)

cdef int logistic_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    exp_minus_abs(U, A, n * m)
    for i in range(n * m):
        A[i] = (<floating> 1 if U[i] > 0 else A[i]) / (<floating> 1 + A[i])
    return 0


cdef int logistic_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    onnx_nodes = [("Sigmoid", ["u"], "a", {})]
    c_formula = "1.0f / (1.0f + expf(-u))"
    _compiled = compiled(
        logistic_value[float], logistic_value[double],
        logistic_backward[float], logistic_backward[double]
    )


# f(u) = u; f' = 1

cdef int identity_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    memcpy(A, U, n * m * sizeof(floating))
    return 0


cdef int identity_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    onnx_nodes = [("Identity", ["u"], "a", {})]
    c_formula = "u"
    _compiled = compiled(
        identity_value[float], identity_value[double],
        identity_backward[float], identity_backward[double]
    )


# f(u) = u clip(u + 3, 0, 6) / 6; f' = 0 for u <= -3, 1 for u >= 3, (2u + 3) / 6 between

cdef int hardswish_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating gate
    for i in range(n * m):
        # The gate in 0..1 first, because u (u + 3) would overflow before u.
        gate = (U[i] + <floating> 3) / <floating> 6
        gate = 0 if gate < 0 else gate
        gate = 1 if gate > 1 else gate
        A[i] = gated(U[i], gate)
    return 0


cdef int hardswish_backward(
    const void *context, const floating *U, const floating *A, floating *D,
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
    array([0.   , 0.   , 1.125, 3.   ])
    """

    name = "hardswish"
    onnx_nodes = [("HardSwish", ["u"], "a", {})]
    c_formula = "u <= -3.0f ? 0.0f : u * fminf((u + 3.0f) / 6.0f, 1.0f)"
    _compiled = compiled(
        hardswish_value[float], hardswish_value[double],
        hardswish_backward[float], hardswish_backward[double]
    )


# f(u) = u g(u), g(u) = erfc(-u / sqrt 2) / 2; f' = g + u exp(-u^2 / 2) / sqrt(2 pi)

cdef double SQRT_1_2 = sqrt(0.5)
cdef double NORMAL_DENSITY_AT_0 = 0.3989422804014327


cdef int gelu_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef floating factor = <floating> -SQRT_1_2
    for i in range(n * m):
        A[i] = factor * U[i]
    kernels.erfc(A, A, n * m)
    for i in range(n * m):
        A[i] = gated(U[i], <floating> 0.5 * A[i])
    return 0


cdef int gelu_backward(
    const void *context, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating[BLOCK] e
    cdef floating density_at_0 = <floating> NORMAL_DENSITY_AT_0
    cdef floating tiny = <floating> 1e-20
    cdef floating u, gate
    cdef Py_ssize_t index, start, count, i
    for index in range((n * m - 1) // BLOCK + 1):
        start = index * BLOCK
        count = min(BLOCK, n * m - start)
        for i in range(count):
            e[i] = <floating> -0.5 * U[start + i] * U[start + i]
        kernels.exp(e, e, count)
        for i in range(count):
            # f / u is NaN at 0 and at infinity, and inexact where f is subnormal.
            u = U[start + i]
            gate = A[start + i] / u
            gate = <floating> 0.5 if -tiny < u < tiny else gate
            gate = 1 if u > 40 else gate
            D[start + i] *= gate + gated(u, density_at_0 * e[i])
    return 0


class Gelu(Activation):
    """Gaussian error linear unit, f(u) = u Φ(u).

    Φ is the distribution function of the standard normal distribution. It is computed
    exactly, as erfc(−u / √2) / 2, not approximated by tanh.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.

    Examples
    --------
    >>> from cymlp.activations import Gelu
    >>> Gelu().value([-1.0, 0.0, 1.0]).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """

    name = "gelu"
    onnx_nodes = [
        ("Mul", ["u", SQRT_1_2], "scaled", {}),
        ("Erf", ["scaled"], "erf", {}),
        ("Add", ["erf", 1.0], "twice_gate", {}),
        ("Mul", ["u", 0.5], "half", {}),
        ("Mul", ["half", "twice_gate"], "a", {}),
    ]
    c_formula = f"u < -20.0f ? 0.0f : 0.5f * u * erfcf({-SQRT_1_2:.9g}f * u)"
    _compiled = compiled(
        gelu_value[float], gelu_value[double],
        gelu_backward[float], gelu_backward[double]
    )


# f(u) = u g(u), g(u) = 1 / (1 + exp(-u)); f' = g + u e / (1 + e)^2, e = exp(-|u|)

cdef int silu_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    logistic_value(context, U, A, n, m)
    for i in range(n * m):
        A[i] = gated(U[i], A[i])
    return 0


cdef int silu_backward(
    const void *context, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating[BLOCK] e
    cdef floating u, inverse, gate
    cdef Py_ssize_t index, start, count, i
    for index in range((n * m - 1) // BLOCK + 1):
        start = index * BLOCK
        count = min(BLOCK, n * m - start)
        exp_minus_abs(&U[start], e, count)
        for i in range(count):
            u, inverse = U[start + i], <floating> 1 / (<floating> 1 + e[i])
            gate = (<floating> 1 if u > 0 else e[i]) * inverse
            D[start + i] *= gate + gated(u, e[i] * inverse * inverse)
    return 0


class Silu(Activation):
    """Sigmoid linear unit, f(u) = u / (1 + exp(−u)), also called swish.

    References
    ----------
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107, 2018. Ramachandran,
    Zoph and Le, "Searching for activation functions", arXiv:1710.05941, 2017.

    Examples
    --------
    >>> from cymlp.activations import Silu
    >>> Silu().value([-1.0, 0.0, 1.0]).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """

    name = "silu"
    onnx_nodes = [
        ("Sigmoid", ["u"], "gate", {}),
        ("Mul", ["u", "gate"], "a", {}),
    ]
    c_formula = "u < -110.0f ? 0.0f : u / (1.0f + expf(-u))"
    _compiled = compiled(
        silu_value[float], silu_value[double],
        silu_backward[float], silu_backward[double]
    )


# f(u) = u g(u), g(u) = tanh(ln(1 + exp u)) = s / t; f' = g + u g'. With e = exp(-|u|),
#     s = 2e + 1,    t = s + 2e^2,  g' = 4 (1 + e) e^2 / t^2  for u > 0,
#     s = 2e + e^2,  t = s + 2,     g' = 4 (1 + e) e / t^2    otherwise.

cdef int mish_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating one = 1, two = 2
    cdef floating e, s, t
    cdef Py_ssize_t i
    exp_minus_abs(U, A, n * m)
    for i in range(n * m):
        e = A[i]
        s = two * e + (one if U[i] > 0 else e * e)
        t = s + two * (e * e if U[i] > 0 else one)
        A[i] = gated(U[i], s / t)
    return 0


cdef int mish_backward(
    const void *context, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating[BLOCK] block
    cdef floating one = 1, two = 2, four = 4
    cdef floating u, e, s, inverse, slope
    cdef Py_ssize_t index, start, count, i
    for index in range((n * m - 1) // BLOCK + 1):
        start = index * BLOCK
        count = min(BLOCK, n * m - start)
        exp_minus_abs(&U[start], block, count)
        for i in range(count):
            u, e = U[start + i], block[i]
            s = two * e + (one if u > 0 else e * e)
            inverse = one / (s + two * (e * e if u > 0 else one))
            slope = four * (one + e) * (e * e if u > 0 else e) * inverse * inverse
            D[start + i] *= s * inverse + gated(u, slope)
    return 0


class Mish(Activation):
    """Mish, f(u) = u tanh(ln(1 + exp u)).

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic activation function",
    arXiv:1908.08681, 2019.

    Examples
    --------
    >>> from cymlp.activations import Mish
    >>> Mish().value([-1.0, 0.0, 1.0]).round(4)
    array([-0.3034,  0.    ,  0.8651])
    """

    name = "mish"
    onnx_nodes = [
        ("Softplus", ["u"], "softplus", {}),
        ("Tanh", ["softplus"], "gate", {}),
        ("Mul", ["u", "gate"], "a", {}),
    ]
    c_formula = "u < -110.0f ? 0.0f : u * tanhf(log1pf(expf(u)))"
    _compiled = compiled(
        mish_value[float], mish_value[double],
        mish_backward[float], mish_backward[double]
    )


# f(u) = u for u > 0, slope u otherwise; f' = 1, slope

cdef int leaky_relu_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating negative_slope = <floating> (<const double *> context)[0]
    cdef Py_ssize_t i
    for i in range(n * m):
        A[i] = U[i] if U[i] > 0 else negative_slope * U[i]
    return 0


cdef int leaky_relu_backward(
    const void *context, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef floating negative_slope = <floating> (<const double *> context)[0]
    cdef floating slope
    cdef Py_ssize_t i
    for i in range(n * m):
        slope = U[i]                            # keeps NaN
        slope = negative_slope if U[i] <= 0 else slope
        slope = 1 if U[i] > 0 else slope
        D[i] *= slope
    return 0


class LeakyRelu(Activation):
    """Leaky rectified linear unit, f(u) = u for u > 0 and αu otherwise.

    Its derivative at 0 is defined as α.

    Parameters
    ----------
    negative_slope : float, default=0.01
        Slope α for u ≤ 0, in (0, 1].

    References
    ----------
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic
    models", ICML Workshop on Deep Learning for Audio, Speech and Language Processing,
    2013.

    Examples
    --------
    >>> from cymlp.activations import LeakyRelu
    >>> LeakyRelu(negative_slope=0.1).value([-1.5, 0.0, 1.5])
    array([-0.15,  0.  ,  1.5 ])
    """

    name = "leaky_relu"
    _compiled = compiled(
        leaky_relu_value[float], leaky_relu_value[double],
        leaky_relu_backward[float], leaky_relu_backward[double]
    )

    def __init__(self, negative_slope=0.01):
        self.negative_slope = negative_slope

    @property
    def onnx_nodes(self):
        """Nodes of ONNX with this slope."""
        return [("LeakyRelu", ["u"], "a", {"alpha": float(self.negative_slope)})]

    @property
    def c_formula(self):
        """C99 expression with this slope."""
        return f"u > 0.0f ? u : {float(self.negative_slope)!r}f * u"

    def _compiled_parameters(self):
        slope = self.negative_slope
        # scikit-learn's check takes as long as the prediction of a row.
        if not isinstance(slope, Real) or not 0 < slope <= 1:
            raise InvalidParameterError(
                "The 'negative_slope' parameter of LeakyRelu must be a float in the "
                f"range (0.0, 1.0]. Got {slope!r} instead."
            )
        return [slope]


# A user-defined activation. Its methods receive whole batches as NumPy arrays. They may
# change and keep these copies: the network reuses its own memory for the next batch and
# frees it after the fit.

cdef int user_value(
    const void *context, const floating *U, floating *A, Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef const floating[:, ::1] result
    with gil:
        activation = <object> context
        scores = np.array(<floating[:n, :m]> U)
        result = checked_result(
            activation.value(scores), activation, "value", (n, m), scores.dtype
        )
        memcpy(A, &result[0, 0], n * m * sizeof(floating))
    return 0


cdef int user_backward(
    const void *context, const floating *U, const floating *A, floating *D,
    Py_ssize_t n, Py_ssize_t m
) except -1 nogil:
    cdef Py_ssize_t i
    cdef const floating[:, ::1] slope
    with gil:
        activation = <object> context
        scores = np.array(<floating[:n, :m]> U)
        slope = checked_result(
            activation.derivative(scores, np.array(<floating[:n, :m]> A)),
            activation, "derivative", (n, m), scores.dtype
        )
        for i in range(n * m):
            D[i] *= (&slope[0, 0])[i]
    return 0


cpdef BoundActivation bind(object activation):
    """Bind an activation to its parameters, for compiled code.

    Instances of classes derived from the activations of cymlp are treated as
    user-defined, because they may override methods.

    Parameters
    ----------
    activation : object
        Activation with the methods ``value`` and ``derivative``.

    Returns
    -------
    bound : BoundActivation
        Activation whose `kernel` compiled code can call.

    Raises
    ------
    ValueError
        If a parameter of the activation is invalid.

    Examples
    --------
    >>> from cymlp.activations import LeakyRelu, bind
    >>> type(bind(LeakyRelu(negative_slope=0.1))).__name__
    'BoundActivation'
    """
    cdef BoundActivation bound
    holder = type(activation).__dict__.get("_compiled")
    if isinstance(holder, Compiled):
        return bind_compiled(activation, holder)
    bound = BoundActivation.__new__(BoundActivation)
    bound.owner = activation
    bound.kernel = ActivationKernel(
        <const void *> activation, user_value[float], user_value[double],
        user_backward[float], user_backward[double]
    )
    return bound


cdef BoundActivation bind_compiled(object activation, Compiled holder):
    """Bind the parameters of compiled functions."""
    cdef BoundActivation bound = BoundActivation.__new__(BoundActivation)
    parameters = activation._compiled_parameters()
    bound.kernel = holder.kernel
    if parameters:
        bound.parameters = np.array(parameters, dtype=np.float64)
        bound.kernel.context = &bound.parameters[0]
    return bound


def _value(const floating[::1] U, floating[::1] A, BoundActivation bound):
    activate(&bound.kernel, &U[0], &A[0], U.shape[0], 1)


def _backward(
    const floating[::1] U, const floating[::1] A, floating[::1] D, BoundActivation bound
):
    activate_backward(&bound.kernel, &U[0], &A[0], &D[0], U.shape[0], 1)


__all__ = [
    "ACTIVATIONS", "Activation", "BoundActivation", "bind",
    *(member.__name__ for member in ACTIVATIONS.values())
]
