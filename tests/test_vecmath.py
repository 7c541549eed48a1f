"""The headers, compiled as they are, and the accuracy of their functions."""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

HEADERS = sorted(Path(__file__).parents[1].glob("include/cymlp/*.h"))
COMPILER = shlex.split(os.environ.get("CC", "cc"))
STRICT = [
    "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion",
    "-Werror",
]  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not shutil.which(COMPILER[0]), reason="there is no C compiler"),
    pytest.mark.skipif(not HEADERS, reason="the headers are not beside the tests"),
]

MAX_ULPS = 3

# With one rounding for a product and the sum after it, as compilers use where the
# processor has that, and with two.
CONTRACTIONS = ["-ffp-contract=off"]
if platform.machine() in {"x86_64", "aarch64"}:
    CONTRACTIONS.append("-ffp-contract=fast -march=native")


def compile_c(source, output, *options):
    command = [*COMPILER, *options, f"-I{HEADERS[0].parents[1]}", "-o", output, source]
    subprocess.run([*command, "-lm"], check=True)


@pytest.fixture(scope="module", params=CONTRACTIONS)
def library(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vecmath")
    functions = [
        f"void {name}_{real[0]}(const {real} *x, {real} *y, ptrdiff_t n) "
        f"{{ cymlp_{name}_{suffix}(x, y, n); }}"
        for name in ("exp", "expm1_negative", "tanh")
        for real, suffix in (("float", "f32"), ("double", "f64"))
    ]
    source = folder / "vecmath.c"
    source.write_text("\n".join(['#include "cymlp/vecmath.h"', *functions]))
    options = ["-O3", "-fno-math-errno", "-fno-trapping-math", *request.param.split()]
    compile_c(source, folder / "vecmath.so", "-shared", "-fPIC", *options)
    return ctypes.CDLL(str(folder / "vecmath.so"))


@pytest.fixture(params=["exp", "expm1_negative", "tanh"])
def name(request):
    return request.param


@pytest.fixture
def function(library, name):
    def evaluate(x, y=None):
        y = np.empty_like(x) if y is None else y
        compiled = getattr(library, f"{name}_{x.dtype.char}")
        pointers = (array.ctypes.data_as(ctypes.c_void_p) for array in (x, y))
        compiled(*pointers, ctypes.c_ssize_t(x.size))
        return y

    return evaluate


@pytest.fixture
def true_function(name):
    return {"exp": np.exp, "expm1_negative": np.expm1, "tanh": np.tanh}[name]


def every_251st_float():
    return np.arange(0, 2**32, 251, dtype=np.uint32).view(np.float32)


def edges(dtype=np.float32):
    """Where sign, size or method change, with a neighbour on either side."""
    info = np.finfo(dtype)
    ends = [0, info.smallest_subnormal, info.tiny, info.eps, info.max, np.inf]
    halves = np.log(2) * np.arange(-300, 300) / 2
    limits = [-104, -103.97208, -103.27893, -87.33655, -30, 15, 88.72284, 89]
    x = np.concatenate([ends, np.negative(ends), halves, limits]).astype(dtype)
    return np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(1e9))])


def ulps(computed, true):
    """Distance in units in the last place of the true value; equal infinities are 0."""
    rounded = true.astype(computed.dtype)
    unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(computed.dtype).max))
    distance = np.abs(computed.astype(np.float64) - true) / unit
    return np.where(computed == rounded, 0, distance)


@pytest.mark.parametrize("numbers", [every_251st_float, edges])
@np.errstate(over="ignore", invalid="ignore")
def test_float32_is_within_3_ulps_and_nan_stays_nan(
    name, function, true_function, numbers
):
    x = numbers()
    x = x[~(x > 0)] if name == "expm1_negative" else x
    computed = function(x)
    true = true_function(x.astype(np.float64))
    np.testing.assert_array_equal(np.isnan(computed), np.isnan(x))
    assert np.nanmax(ulps(computed, true)) <= MAX_ULPS


@np.errstate(over="ignore", invalid="ignore")
def test_float64_is_the_c_library(name, function, true_function):
    x = edges(np.float64)
    x = x[x <= 0] if name == "expm1_negative" else x
    # NumPy has its own functions, which are within 4 ulps.
    assert ulps(function(x), true_function(x)).max() <= 4
    assert np.isnan(function(np.array([np.nan])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_output_may_be_the_input(function, dtype):
    x = np.linspace(-5, 0, 1001, dtype=dtype)
    expected = function(x)
    np.testing.assert_array_equal(function(x, x), expected)


@pytest.mark.parametrize("name", ["tanh"])
def test_tanh_keeps_the_sign_of_zero(function):
    assert np.signbit(function(np.array([-0.0, 0.0], np.float32))).tolist() == [1, 0]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header.name)
def test_header_compiles_by_itself_without_a_warning(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "cymlp/{header.name}"\nextern int none;\n')
    compile_c(source, tmp_path / "alone.o", "-c", *STRICT)
