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
from reference import cross_entropy

import cymlp
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
def softmax_module(tmp_path_factory):
    """What the page has, compiled as a user would."""
    if (command := compiler()) is None:
        pytest.skip("needs a C compiler and Python.h")
    folder = tmp_path_factory.mktemp("outside")
    (code,) = re.findall(
        r"^```cython\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    (folder / "softmax.pyx").write_text(code, "utf-8")
    # Only in an editable install does Cython not see the package by itself.
    packages = [f"-I{Path(parent).parent}" for parent in cymlp.__path__]
    run(sys.executable, "-P", "-m", "cython", *packages, "softmax.pyx", cwd=folder)
    library = f"softmax{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{cymlp.get_include()}"]
    run(*command, "-fPIC", "-O0", *includes, "softmax.c", "-o", library, cwd=folder)
    spec = importlib.util.spec_from_file_location("softmax", folder / library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command, cwd):
    process = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.fixture(params=[np.float32, np.float64])
def layer(request):
    """Inputs, one-hot targets, weights and biases of a layer with 3 classes."""
    rng = np.random.RandomState(0)
    drawn = [rng.standard_normal(shape) for shape in [(7, 4), (4, 3), 3]]
    A, W, b = (array.astype(request.param) for array in drawn)
    return A, np.eye(3, dtype=A.dtype)[rng.randint(3, size=7)], W, b


def gradients(module, loss, A, T, W, b):
    values, Z, dW, db = (np.empty_like(a) for a in (A[:, 0], T, W, b))
    module.gradients(
        loss, A, T, W, b, values, Z, np.empty_like(Z), np.empty_like(Z), dW, db
    )
    return values, Z, dW, db


def test_it_computes_a_layer_its_loss_and_their_gradients(softmax_module, layer):
    A, T, W, b = layer
    values, Z, dW, db = gradients(softmax_module, CrossEntropy(), A, T, W, b)
    expected, expected_dZ = cross_entropy(A @ W + b, T)
    tolerance = {"rtol": 1e-5, "atol": 1e-6}
    if A.dtype == np.float64:
        tolerance = {"rtol": 1e-12, "atol": 1e-14}
    np.testing.assert_allclose(Z, A @ W + b, **tolerance)
    np.testing.assert_allclose(values, expected, **tolerance)
    np.testing.assert_allclose(dW, A.T @ expected_dZ, **tolerance)
    np.testing.assert_allclose(db, expected_dZ.sum(axis=0), **tolerance)


class SquaredError:
    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


@pytest.mark.parametrize("loss", [Hinge(margin=2), SquaredError()])
def test_it_takes_parameters_of_a_loss_and_losses_in_python(
    softmax_module, layer, loss
):
    A, T, W, b = layer
    values, Z, dW, _ = gradients(softmax_module, loss, A, T, W, b)
    expected, dZ = loss.value_and_gradient(Z, T)
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_allclose(dW, A.T @ dZ, rtol=1e-5, atol=1e-6)


class Failing:
    def value_and_gradient(self, Z, T):
        raise ArithmeticError("no value today")


def test_an_error_of_a_loss_in_python_comes_through(softmax_module, layer):
    with pytest.raises(ArithmeticError, match="no value today"):
        gradients(softmax_module, Failing(), *layer)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_reaches_the_kernels_for_the_processor(softmax_module, dtype):
    x = np.linspace(-3, 3, 1001, dtype=dtype)
    y = x.copy()
    softmax_module.tanh_in_place(y)
    np.testing.assert_allclose(y, np.tanh(x), rtol=4 * np.finfo(dtype).eps)


def test_the_headers_are_in_the_package():
    found = {path.name for path in Path(cymlp.get_include(), "cymlp").iterdir()}
    ours = Path(__file__).parents[2].glob("include/cymlp/*.h")
    assert found == {path.name for path in ours}


def test_missing_headers_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(cymlp, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path))):
        cymlp.get_include()
