"""The plain kernels with other compilers, for other processors, without vectors."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from accuracy import FUNCTIONS, MAX_ULPS, edges, ulps
from helpers import COMPILER

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "unit" / "kernels_alone.c"
FOLDER = ROOT / "src" / "cymlp" / "_engine" / "kernels"
KERNELS = FOLDER / "kernel_set.c"
# The same as in CMakeLists.txt.
OPTIONS = ["-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
STRICT = ["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror"]
DEFINITIONS = ["-DCYMLP_ISA=plain", f"-I{ROOT / 'include'}", f"-I{FOLDER}"]

ARM = "aarch64-linux-gnu-gcc"
WINDOWS = "x86_64-w64-mingw32-gcc"
# Compiler, further options, and the command that runs the program. The kernels that
# this machine's compiler makes with vectors are installed, and tested everywhere else.
PROGRAMS = {
    "cc_without_vectors": (COMPILER, ["-DWITHOUT_VECTORS"], []),
    "clang": (["clang"], [], []),
    "arm": ([ARM], ["-static"], ["qemu-aarch64"]),
}

pytestmark = [
    pytest.mark.skipif(not KERNELS.exists(), reason="needs the sources"),
    pytest.mark.skipif(sys.platform == "win32", reason="standard input is text"),
]


def require(command):
    if command and not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")


def compile_c(compiler, *arguments):
    """Compile, with warnings as errors."""
    require(compiler)
    subprocess.run([*compiler, *OPTIONS, *STRICT, *DEFINITIONS, *arguments], check=True)


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request, tmp_path_factory):
    """A function that gives arrays to the compiled program and returns its result."""
    compiler, options, runner = PROGRAMS[request.param]
    require(runner)
    path = tmp_path_factory.mktemp("kernels") / "kernels_alone"
    compile_c(compiler, *options, PROGRAM, "-o", path, "-lm")

    def run(name, sizes, *arrays):
        dtype = arrays[0].dtype
        command = [f"f{8 * dtype.itemsize}", name, *map(str, sizes)]
        given = b"".join(array.tobytes() for array in arrays)
        done = subprocess.run(
            [*runner, path, *command], input=given, stdout=subprocess.PIPE, check=True
        )
        return np.frombuffer(done.stdout, dtype)

    return run


@pytest.mark.parametrize("name", FUNCTIONS)
@np.errstate(all="ignore")
def test_functions_are_as_accurate_elsewhere(program, name):
    x = np.append(edges(), np.float32(np.nan))
    computed, true = program(name, [x.size], x), FUNCTIONS[name](x.astype(np.float64))
    np.testing.assert_array_equal(np.isnan(computed), np.isnan(true))
    assert np.nanmax(ulps(computed, true)) <= MAX_ULPS[name]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)]
)
def test_products_and_steps_agree_with_numpy_elsewhere(program, dtype, tolerance):
    n, n_in, stride = 33, 37, 24  # tiles of every height, and of one and two vectors
    random = np.random.default_rng(0).normal
    shapes = [(n, n_in), (n_in, stride), (n_in, stride), (stride,), (n, stride)]
    arrays = A, W, velocity, base, D = [random(size=s).astype(dtype) for s in shapes]
    computed = program("dense", [n, n_in, stride], *arrays)
    moved = 0.9 * velocity + A.T @ D + 0.01 * W
    expected = np.concatenate([base + A @ W, W - 0.1 * moved, moved])
    np.testing.assert_allclose(
        computed, expected.ravel(), rtol=tolerance, atol=tolerance
    )


def test_compiles_for_windows(tmp_path):
    compile_c([WINDOWS], "-O0", PROGRAM, "-o", tmp_path / "kernels_alone.exe")


def test_arm_gets_vector_code(tmp_path):
    compile_c([ARM], "-S", KERNELS, "-o", tmp_path / "kernels.s")
    assembly = (tmp_path / "kernels.s").read_text()
    for name in (*FUNCTIONS, "dense_forward"):
        (body,) = re.findall(rf"^{name}_f32:$(.*?)\.size", assembly, re.M | re.S)
        assert re.search(r"\tfmla\tv\d+\.4s", body), name
