"""Matrix products over SciPy's BLAS, reached through the layers that use them."""

import ctypes
import functools
import subprocess
import sys

import numpy as np
import pytest
from reference import ACTIVATIONS, LOSSES, sgd, train_epoch
from scipy.linalg import cython_blas

from cymlp._engine import blas, dense
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD
from cymlp._engine.storage import store
from cymlp._engine.targets import Targets
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy


@pytest.mark.parametrize(
    ("signature", "bits"),
    [
        ("void (char *, char *, int *, int *, int *, s *)", 32),
        ("void (char *, char *, int64_t *, int64_t *)", 64),
        ("void (char*,char*,int*,int*)", 32),
        ("void (char*,char*,int64_t*,int64_t*)", 64),
    ],
)
def test_width_of_integers_is_read_from_the_signature(signature, bits):
    assert blas.integer_bits(signature) == bits


UNKNOWN = [
    "void (char *, char *, long *, long *)",
    "void (char *, char *, uint64_t *)",
    "void (char *, char *)",
    "void (int, int, s *)",
    "int",
    "",
]


@pytest.mark.parametrize("signature", UNKNOWN)
def test_unknown_signature_is_an_import_error(signature):
    with pytest.raises(ImportError, match="int or int64_t") as error:
        blas.integer_bits(signature)
    assert repr(signature) in str(error.value)


def test_capsule_of_unknown_signature_is_refused_and_changes_nothing():
    new_capsule = ctypes.pythonapi.PyCapsule_New
    new_capsule.restype = ctypes.py_object
    name = ctypes.c_char_p(UNKNOWN[0].encode())
    capsule = new_capsule(ctypes.c_void_p(1), name, None)
    with pytest.raises(ImportError, match="long"):
        blas.use({"sgemm": capsule, "dgemm": capsule})
    np.testing.assert_array_equal(dense.forward([[2.0]], [[3.0]], [1.0]), [[7.0]])


def test_largest_dimension_is_that_of_scipy():
    wide = "int64_t" in str(cython_blas.__pyx_capi__["sgemm"])
    assert blas.largest_dimension() == 2 ** (63 if wide else 31) - 1


# A product is cut into blocks of at least 12 rows with at most a million
# multiplications each: 45 rows of 784 x 28, 12 of 288 x 289, none of 300 x 300.
BLOCKED = [
    *((n, 784, 28) for n in (1, 44, 45, 46, 89, 90, 91, 200)),
    *((n, 288, 289) for n in (11, 12, 13, 25)),
    *((n, 300, 300) for n in (11, 24)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", BLOCKED)
def test_product_agrees_with_numpy_cut_into_blocks_or_not(shape, dtype):
    n, n_in, n_out = shape
    rng = np.random.default_rng(0)
    A, W = rng.normal(size=(n, n_in)), rng.normal(size=(n_in, n_out))
    A, W, b = A.astype(dtype), W.astype(dtype), np.arange(n_out, dtype=dtype)
    # A sum of up to 784 values of about 1, and of a bias below 300: its rounding
    # errors are a walk of 28 steps on the way to about 300.
    atol = 1000 * np.finfo(dtype).eps
    expected = A.astype(float) @ W + b
    np.testing.assert_allclose(dense.forward(A, W, b), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_step_agrees_with_numpy_where_products_are_cut(dtype):
    # Into blocks of 60 rows of A W and dU W^T, and of 69 and 51 rows of A^T dU.
    sizes, n = [150, 110, 150, 3], 130
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, 150)), rng.integers(3, size=n, dtype=np.intp)
    indices = np.arange(n, dtype=np.intp)
    network = Network(sizes, [Tanh(), Tanh()], CrossEntropy())
    settings = {"learning_rate": 1.0, "momentum": 0.0, "weight_decay": 0.0}
    theta = rng.normal(scale=0.1, size=network.n_parameters)

    state = np.array([theta, np.zeros_like(theta)], dtype)
    optimizer = SGD(**settings)
    network.train_epoch(
        store(Inputs(X.astype(dtype))).first_layer(sizes[1], n, optimizer),
        Targets(y, 3),
        indices,
        optimizer,
        state,
        0,
        network.memory(n, dtype),
        np.empty((3, 1)),
    )
    expected, _ = train_epoch(
        np.array([theta, 0 * theta]),
        sizes,
        [ACTIVATIONS["tanh"]] * 2,
        LOSSES["cross_entropy"],
        X,
        np.eye(3)[y],
        np.ones(n),
        indices,
        n,
        functools.partial(sgd, **settings),
    )
    # Gradients are about 0.01; their terms have been through sums of 150 values.
    atol = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(state[1], expected[1], rtol=0, atol=atol)


def test_blas_of_64_bit_integers():
    # In another process, because it replaces the BLAS.
    subprocess.run([sys.executable, "-c", WIDE_BLAS], check=True)


WIDE_BLAS = """
import ctypes
import numpy as np
from cymlp._engine import blas, dense
from cymlp._engine.inputs import Inputs
from cymlp._engine.network import Network
from cymlp._engine.optimizers import SGD
from cymlp._engine.storage import store
from cymlp._engine.targets import Targets
from cymlp.losses import CrossEntropy

def wide_gemm(real):
    def gemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc):
        def matrix(pointer, leading, rows, columns):  # stored by columns
            array = np.ctypeslib.as_array(pointer, (columns, leading[0]))
            return array[:, :rows].T

        m, n, k = m[0], n[0], k[0]
        A = matrix(a, lda, m, k) if trans_a[0] == b"N" else matrix(a, lda, k, m).T
        B = matrix(b, ldb, k, n) if trans_b[0] == b"N" else matrix(b, ldb, n, k).T
        C = matrix(c, ldc, m, n)
        C[:] = alpha[0] * (A @ B) + (beta[0] * C if beta[0] else 0)
        calls.append((m, n, k))

    char = ctypes.POINTER(ctypes.c_char)
    value = ctypes.POINTER(real)
    return ctypes.CFUNCTYPE(
        None, char, char, integer, integer, integer, value, value, integer, value,
        integer, value, value, integer,
    )(gemm)

def wide_dot(real):
    def dot(n, x, incx, y, incy):
        assert incx[0] == incy[0] == 1
        calls.append(n[0])
        x, y = (np.ctypeslib.as_array(pointer, (n[0],)) for pointer in (x, y))
        return float(x @ y)

    value = ctypes.POINTER(real)
    return ctypes.CFUNCTYPE(real, integer, value, integer, value, integer)(dot)

def capsule(function):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.cast(function, ctypes.c_void_p), name, None)

calls = []
integer = ctypes.POINTER(ctypes.c_int64)
name = b"void (char *, char *, int64_t *, int64_t *, int64_t *, ...)"
reals = ctypes.c_float, ctypes.c_double
functions = [wide(real) for wide in (wide_gemm, wide_dot) for real in reals]
blas.use(dict(zip(["sgemm", "dgemm", "sdot", "ddot"], map(capsule, functions))))
assert blas.largest_dimension() == 2**63 - 1

rng = np.random.default_rng(0)
for n, n_in, n_out in [(5, 4, 3), (100, 784, 28)]:
    A, W = rng.normal(size=(n, n_in)), rng.normal(size=(n_in, n_out))
    b = rng.normal(size=n_out)
    for dtype, atol in ("float32", 1e-3), ("float64", 1e-12):
        U = dense.forward(A.astype(dtype), W, b)
        np.testing.assert_allclose(U, A @ W + b, rtol=0, atol=atol)
assert len(calls) >= 4, calls

calls.clear()
X, y = np.float32([[3, 0], [0, 4]]), np.arange(2, dtype=np.intp)
for dtype in "float32", "float64":
    network, record = Network([2, 2], [], CrossEntropy()), np.empty((3, 1))
    state = np.zeros((2, 6), dtype)
    optimizer = SGD(0.1, 0.0, 0.0)
    first = store(Inputs(X.astype(dtype))).first_layer(2, 2, optimizer)
    memory = network.memory(2, dtype)
    network.train_epoch(first, Targets(y, 2), y, optimizer, state, 0, memory, record)
    # All scores are 0, so that the gradient in a weight is a quarter of an input.
    np.testing.assert_allclose(record[2], [np.sqrt(2 * (3**2 + 4**2)) / 4])
assert calls.count(2) == 2, calls  # the norm of the biases' gradient
"""
