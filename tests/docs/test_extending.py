"""A module from outside, compiled against the installed package."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from reference import cross_entropy, tanh, tanh_derivative

import cymlp
from cymlp.activations import Tanh
from cymlp.losses import CrossEntropy, Hinge

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


def compiler():
    """The command that makes a module, or None where there is none."""
    command = shlex.split(sysconfig.get_config_var("LDSHARED") or "")
    python_h = Path(sysconfig.get_path("include"), "Python.h")
    if command and shutil.which(command[0]) and python_h.exists():
        return command
    return None


@pytest.fixture(scope="module")
def output_module(tmp_path_factory):
    """The module of the page, compiled as a user would."""
    if (command := compiler()) is None:
        pytest.skip("needs a C compiler and Python.h")
    folder = tmp_path_factory.mktemp("outside")
    (code,) = re.findall(
        r"^```cython\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (folder / "output.pyx").write_text(code, "utf-8")
    # Only in an editable install does Cython not see the package by itself.
    packages = [f"-I{Path(parent).parent}" for parent in cymlp.__path__]
    run(sys.executable, "-P", "-m", "cython", *packages, "output.pyx", cwd=folder)
    library = f"output{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{cymlp.get_include()}"]
    run(*command, "-fPIC", "-O0", *includes, "output.c", "-o", library, cwd=folder)
    spec = importlib.util.spec_from_file_location("output", folder / library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command, cwd):
    process = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.fixture(params=[np.float32, np.float64])
def batch(request):
    """Weighted sums of 7 samples and 3 classes, and one-hot targets."""
    rng = np.random.RandomState(0)
    U = rng.standard_normal((7, 3)).astype(request.param)
    return U, np.eye(3, dtype=U.dtype)[rng.randint(3, size=7)]


def loss_and_gradient(module, activation, loss, U, T):
    Z, values, dU = np.empty_like(U), np.empty_like(U[:, 0]), np.empty_like(U)
    module.loss_and_gradient(activation, loss, U, T, Z, values, dU, np.empty_like(U))
    return Z, values, dU


def test_it_computes_scores_their_loss_and_its_gradient(output_module, batch):
    U, T = batch
    Z, values, dU = loss_and_gradient(output_module, Tanh(), CrossEntropy(), U, T)
    expected, dZ = cross_entropy(tanh(U), T)
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    if U.dtype == np.float64:
        tolerance = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(Z, tanh(U), **tolerance)
    np.testing.assert_allclose(values, expected, **tolerance)
    np.testing.assert_allclose(dU, dZ * tanh_derivative(U), **tolerance)


class Cube:
    def value(self, U):
        return U**3

    def derivative(self, U, A):
        return 3 * U**2


class SquaredError:
    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


@pytest.mark.parametrize("loss", [Hinge(margin=2), SquaredError()])
def test_it_accepts_loss_parameters_and_custom_objects(output_module, batch, loss):
    U, T = batch
    Z, values, dU = loss_and_gradient(output_module, Cube(), loss, U, T)
    expected, dZ = loss.value_and_gradient(Z, T)
    np.testing.assert_array_equal(Z, U**3)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_allclose(dU, dZ * 3 * U**2, rtol=1e-5, atol=1e-6)


class Failing:
    def value_and_gradient(self, Z, T):
        raise ArithmeticError("no value today")


def test_an_error_of_a_loss_in_python_is_raised(output_module, batch):
    with pytest.raises(ArithmeticError, match="no value today"):
        loss_and_gradient(output_module, Tanh(), Failing(), *batch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_reaches_the_kernels_for_the_processor(output_module, dtype):
    x = np.linspace(-3, 3, 1001, dtype=dtype)
    y = x.copy()
    output_module.tanh_in_place(y)
    np.testing.assert_allclose(y, np.tanh(x), rtol=4 * np.finfo(dtype).eps)


def test_the_headers_are_in_the_package():
    found = {path.name for path in Path(cymlp.get_include(), "cymlp").iterdir()}
    ours = Path(__file__).parents[2].glob("include/cymlp/*.h")
    assert found == {path.name for path in ours}


def test_missing_headers_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(cymlp, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        cymlp.get_include()
