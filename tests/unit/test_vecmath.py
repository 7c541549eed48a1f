"""The accuracy of functions over arrays, with every kernel; and the headers."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from accuracy import FUNCTIONS, MAX_ULPS, edges, ulps
from helpers import COMPILER
from mpmath import mp

from cymlp import kernels

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "src" / "cymlp" / "_engine" / "kernels"
HEADERS = sorted([*ROOT.glob("include/cymlp/*.h"), *KERNELS.glob("*.h")])
STRICT = [
    "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion",
    "-Werror",
]  # fmt: skip


def compile_c(source, output, *options):
    command = [*COMPILER, *options, f"-I{ROOT / 'include'}", f"-I{KERNELS}"]
    command += ["-o", output, source]
    subprocess.run(command, check=True)


@pytest.fixture(params=kernels.available())
def isa(request):
    before = kernels.isa()
    kernels._use(request.param)
    yield request.param
    kernels._use(before)


@pytest.fixture(params=FUNCTIONS)
def name(request):
    return request.param


@pytest.fixture
def function(isa, name):
    def evaluate(x, y=None):
        y = np.empty_like(x) if y is None else y
        kernels._evaluate(name, x, y)
        return y

    return evaluate


@pytest.fixture
def true_function(name):
    return FUNCTIONS[name]


def every_251st_float():
    return np.arange(0, 2**32, 251, dtype=np.uint32).view(np.float32)


@pytest.mark.parametrize("values", [every_251st_float, edges])
@np.errstate(all="ignore")
def test_float32_is_within_3_or_4_ulps_and_nan_where_it_should_be(
    name, function, true_function, values
):
    x = values()
    computed = function(x)
    true = true_function(x.astype(np.float64))
    np.testing.assert_array_equal(np.isnan(computed), np.isnan(true))
    assert np.nanmax(ulps(computed, true)) <= MAX_ULPS[name]


def random_doubles():
    """Random bits, and values near 1, where the functions bend."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, 10**6, dtype=np.uint64, endpoint=False)
    return np.append(bits.view(np.float64), rng.normal(0, 3, 10**6))


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"erfc"}))
@pytest.mark.parametrize("values", [random_doubles, edges])
@np.errstate(all="ignore")
def test_float64_is_within_4_ulps_of_numpy(function, true_function, values):
    x = np.append(edges(np.float64) if values is edges else values(), np.nan)
    computed, true = function(x), true_function(x)
    np.testing.assert_array_equal(np.isnan(computed), np.isnan(true))
    # NumPy has its own functions, which are within 4 ulps.
    assert np.nanmax(ulps(computed, true)) <= 4


@pytest.mark.parametrize("name", ["erfc"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erfc_keeps_its_digits_in_its_tails(function, dtype):
    """Also where it is subnormal; SciPy loses digits from 1 on."""
    x = np.linspace(-7, 28, 1001, dtype=dtype)
    with mp.workdps(40):
        true = np.array([float(mp.erfc(float(value))) for value in x])
    assert np.all(true[x < 26.5] > 0)
    assert ulps(function(x), true).max() <= 4


@pytest.mark.parametrize("name", ["erfc"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_limits_of_erfc(function, dtype):
    x = np.array([-np.inf, -1e30, 0, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(function(x), [2, 2, 1, 0, 0, np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_output_may_be_the_input(function, dtype):
    x = np.linspace(-5, 5, 1001, dtype=dtype)
    expected = function(x)
    np.testing.assert_array_equal(function(x, x), expected)


@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh"])
def test_odd_functions_keep_the_sign_of_zero(function):
    assert np.signbit(function(np.array([-0.0, 0.0], np.float32))).tolist() == [1, 0]


@pytest.mark.skipif(not shutil.which(COMPILER[0]), reason="needs a C compiler")
@pytest.mark.skipif(not HEADERS, reason="needs the headers beside the tests")
@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
def test_header_compiles_by_itself_without_a_warning(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\nextern int none;\n')
    compile_c(source, tmp_path / "alone.o", "-c", *STRICT)


@pytest.mark.parametrize(
    ("name", "n", "message"),
    [
        ("exp", 2, "x and y must have the same length; got 3 and 2"),
        ("sin", 3, "name must be exp, .*; got 'sin'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(name, n, message):
    with pytest.raises(ValueError, match=message):
        kernels._evaluate(name, np.zeros(3), np.zeros(n))
