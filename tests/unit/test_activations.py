"""Every activation of the registry against its twin in reference.py."""

import pickle

import numpy as np
import pytest
from mpmath import mp
from reference import ACTIVATIONS
from sklearn.base import clone

from cymlp import activations
from cymlp.activations import Gelu, Identity, LeakyRelu, Logistic, Relu, bind

# Units in the last place: 3 of float32's tanh and expm1 (test_vecmath.py), or of the C
# library's, and one for each of at most three products and sums after them.
ULPS = 6

# Steps of 0.01 beside every multiple of it: no activation has its kinks there.
ORDINARY = np.arange(-8, 8, 0.01) + 0.005


@pytest.fixture(params=sorted(activations.ACTIVATIONS))
def name(request):
    return request.param


@pytest.fixture
def activation(name):
    return activations.ACTIVATIONS[name]()


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


def assert_close(computed, expected):
    """Within ULPS of the true value, or of 1 where that is less than 1.

    Close to 0 most derivatives are small differences of numbers near 1.
    """
    eps = np.finfo(computed.dtype).eps
    with np.errstate(over="ignore"):
        expected = expected.astype(computed.dtype)
    np.testing.assert_allclose(computed, expected, rtol=ULPS * eps, atol=ULPS * eps)


def test_every_activation_has_a_twin():
    assert set(activations.ACTIVATIONS) == set(ACTIVATIONS), (
        "the twins are in tests/reference.py"
    )


def test_agrees_with_its_twin(name, activation, dtype):
    value, derivative = ACTIVATIONS[name]
    U = ORDINARY.astype(dtype)
    A = activation.value(U)
    assert_close(A, value(U.astype(np.float64)))
    assert_close(activation.derivative(U, A), derivative(U.astype(np.float64)))


def test_small_values_keep_their_digits(name, activation, dtype):
    U = np.array([1, -1, 1e-3, -1e-3, 1e-9, -1e-9], dtype) * dtype.type(1e-3)
    expected = ACTIVATIONS[name][0](U.astype(np.float64))
    rtol = ULPS * np.finfo(dtype).eps
    np.testing.assert_allclose(activation.value(U), expected, rtol=rtol)


@np.errstate(over="ignore")
def test_extremes_agree_with_the_twin(name, activation, dtype):
    """Where the value itself is beyond the largest number it is infinite."""
    ends = [100, 1e4, np.finfo(np.float32).max, np.finfo(dtype).max, np.inf]
    U = np.array([0.0, *ends, np.finfo(dtype).tiny], dtype)
    U = np.concatenate([U, -U])
    value, derivative = ACTIVATIONS[name]
    A = activation.value(U)
    assert_close(A, value(U.astype(np.float64)))
    assert_close(activation.derivative(U, A), derivative(U.astype(np.float64)))


def test_derivative_agrees_with_differences(activation):
    # The error of the difference is f''' h²/6, about 1e-10, and that of rounding
    # 1e-16 / h, about 1e-11.
    h = 1e-5
    difference = activation.value(ORDINARY + h) - activation.value(ORDINARY - h)
    derivative = activation.derivative(ORDINARY, activation.value(ORDINARY))
    np.testing.assert_allclose(derivative, difference / (2 * h), rtol=0, atol=1e-9)


def test_nan_stays_nan_and_alone(activation, dtype):
    U = np.linspace(-4, 4, 33, dtype=dtype)
    U[::3] = np.nan
    A = activation.value(U)
    np.testing.assert_array_equal(np.isnan(A), np.isnan(U))
    D = activation.derivative(U, A)
    # Only a derivative that is the same everywhere is known there too.
    expected = np.zeros_like(U) if isinstance(activation, Identity) else U
    np.testing.assert_array_equal(np.isnan(D), np.isnan(expected))


def test_derivative_of_relu_at_0_is_0(dtype):
    U = np.array([0.0, -0.0], dtype)
    np.testing.assert_array_equal(Relu().derivative(U, Relu().value(U)), [0, 0])


def test_logistic_keeps_its_digits_where_it_is_next_to_0(dtype):
    """Down to where exp(u) itself is subnormal."""
    U = np.linspace(np.log(np.finfo(dtype).tiny) + 1, 0, 10001).astype(dtype)
    expected = ACTIVATIONS["logistic"][0](U.astype(np.float64))
    rtol = ULPS * np.finfo(dtype).eps
    np.testing.assert_allclose(Logistic().value(U), expected, rtol=rtol)


def test_gelu_keeps_its_digits_in_its_tail(dtype):
    """The argument of erfc is rounded, which tells in proportion to its square."""
    U = np.linspace(-13, -1, 241, dtype=dtype)
    with mp.workdps(40):
        expected = [float(u * mp.ncdf(float(u))) for u in U.astype(float)]
    error = np.abs(Gelu().value(U) / expected - 1)
    assert np.all(error <= (ULPS + U**2) * np.finfo(dtype).eps)


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_derivatives_do_not_depend_on_the_length(activation, n):
    """Some are computed block by block."""
    A = activation.value(ORDINARY)
    np.testing.assert_array_equal(
        activation.derivative(ORDINARY[:n], A[:n]),
        activation.derivative(ORDINARY, A)[:n],
    )


@pytest.mark.parametrize("negative_slope", [1, 0.5, np.float32(0.25)])
def test_leaky_relu_has_its_slope(dtype, negative_slope):
    activation = LeakyRelu(negative_slope=negative_slope)
    U = np.array([-np.inf, -2, -0.0, 0, 3, np.inf], dtype)
    A = activation.value(U)
    slope = float(negative_slope)
    np.testing.assert_array_equal(A, [-np.inf, -2 * slope, 0, 0, 3, np.inf])
    np.testing.assert_array_equal(activation.derivative(U, A), [slope] * 4 + [1, 1])


@pytest.mark.parametrize("negative_slope", [0, -0.1, 1.1, np.nan, np.inf, "0.1", None])
def test_leaky_relu_refuses_other_slopes(negative_slope):
    activation = LeakyRelu(negative_slope=negative_slope)
    for use in (bind, lambda a: a.value([1.0]), lambda a: a.derivative([1.0], [1.0])):
        with pytest.raises(
            ValueError,
            match=rf"'negative_slope'.* \(0.0, 1.0\]. Got {negative_slope!r} instead",
        ):
            use(activation)


@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4), (2, 3, 4)])
def test_output_has_shape_and_dtype_of_the_input(activation, dtype, shape):
    U = np.full(shape, 0.5, dtype)
    A = activation.value(U)
    D = activation.derivative(U, A)
    assert A.shape == D.shape == shape
    assert A.dtype == D.dtype == dtype


def test_memory_order_makes_no_difference(activation):
    U = ORDINARY[:1000].reshape(25, 40)
    A = activation.value(U)
    np.testing.assert_array_equal(activation.value(U.T), A.T)
    np.testing.assert_array_equal(
        activation.derivative(U.T, A.T), activation.derivative(U, A).T
    )


@pytest.mark.parametrize("U", [[1, 2], np.array([1, 2]), np.array([1, 2], np.float16)])
def test_other_numbers_become_float64(activation, U):
    A = activation.value(U)
    assert A.dtype == np.float64
    assert activation.derivative(U, A).dtype == np.float64
    np.testing.assert_array_equal(A, activation.value(np.array([1.0, 2.0])))


def test_inputs_are_left_alone(activation):
    U = ORDINARY.copy()
    A = activation.value(U)
    kept = A.copy()
    activation.derivative(U, A)
    np.testing.assert_array_equal(U, ORDINARY)
    np.testing.assert_array_equal(A, kept)


def test_derivative_refuses_another_shape(activation):
    with pytest.raises(ValueError, match=r"shape of U, \(3,\); got shape \(2,\)"):
        activation.derivative(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize(
    "copy", [clone, lambda member: pickle.loads(pickle.dumps(member))]
)
def test_copies_compute_the_same(activation, copy):
    again = copy(activation)
    assert type(again) is type(activation)
    np.testing.assert_array_equal(again.value(ORDINARY), activation.value(ORDINARY))


def test_repr_is_how_it_is_made(activation):
    assert repr(activation) == f"{type(activation).__name__}()"
