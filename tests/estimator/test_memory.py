"""The memory that training takes beside X, measured in separate processes."""

import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs /proc and the memory limits of Linux"
)

COMMON = '''
import resource
import sys
import numpy as np
from cymlp import MLPClassifier, fit_many

def memory(kind):
    lines = open("/proc/self/status").read().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(kind))

def make(**parameters):
    fixed = {"batch_size": 100, "max_iter": 1, "n_iter_no_change": np.inf}
    return MLPClassifier((16,), **fixed, **parameters)

def every_use(X, y, settings):
    """Calls, each with the number of times that it takes X."""
    mlp = make(**settings, diagnostics=True)
    yield 2, lambda: mlp.fit(X, y, X_val=X, y_val=y)
    yield 1, lambda: mlp.set_params(early_stopping=True).fit(X, y)
    yield 1, lambda: fit_many([make(**settings)], X, y)
    yield 1, lambda: mlp.predict(X)

settings = eval(sys.argv[1])
rng = np.random.default_rng(0)
'''

MEASURE = (
    COMMON
    + """
dtype, share, is_whole = sys.argv[2], float(sys.argv[3]), sys.argv[4] == "whole"
values = 255 * rng.random((2000, 784))
values[rng.random(values.shape) > share] = 0
X = np.tile((values.astype(int) if is_whole else values).astype(dtype), (15, 1))
y = np.arange(len(X)) % 3
del values
for times, use in every_use(X[:5000], y[:5000], settings):
    use()  # allocates memory that is kept
for times, use in every_use(X, y, settings):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # resets the peak to the memory in use
    before = memory("VmHWM")
    use()
    print((memory("VmHWM") - before) / (times * X.nbytes))
"""
)

LIMITED = (
    COMMON
    + """
X = np.load(sys.argv[2], mmap_mode="r")
y = np.arange(len(X)) % 3
for times, use in every_use(X[:5000], y[:5000], settings):
    use()  # allocates memory that is kept
limit = memory("VmData") + X.nbytes // 3
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    np.ones(X.nbytes // 2, np.uint8)
except MemoryError:
    print("limited")
for times, use in every_use(X, y, settings):
    use()
print("trained")
"""
)


def lines_of(program, *arguments):
    """The output of a program with one thread that returns memory at once."""
    settings = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    settings |= {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, arguments)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("settings", "dtype", "share", "values", "limit"),
    [
        ({"scale": None}, "float32", 0.1, "any", 0.5),  # block sparse
        ({"scale": "auto"}, "float32", 1, "any", 0.5),
        ({"scale": "standard"}, "float32", 1, "any", 0.5),
        ({"scale": "minmax"}, "float64", 1, "any", 0.5),
        ({"scale": (128, 255)}, "uint8", 0.1, "whole", 1),  # with a codebook
        ({"scale": None}, "uint8", 1, "whole", 1),
    ],
)
def test_x_is_not_copied(settings, dtype, share, values, limit):
    lines = lines_of(MEASURE, settings, dtype, share, values)
    used = [float(line) for line in lines]  # in units of the memory of X
    assert len(used) == 4
    assert max(used) < limit, used


@pytest.mark.parametrize(
    ("settings", "dtype"),
    [
        ({"scale": None}, "uint8"),
        ({"scale": "standard", "dtype": "float64"}, "float32"),
        ({"scale": None}, "float64"),
    ],
)
def test_a_file_larger_than_the_memory_allowed_is_trained_on(tmp_path, settings, dtype):
    X = np.random.default_rng(0).integers(0, 256, (1000, 784)).astype(dtype)
    np.save(tmp_path / "X.npy", np.tile(X, (100 // X.itemsize, 1)))
    assert lines_of(LIMITED, settings, tmp_path / "X.npy") == ["limited", "trained"]
