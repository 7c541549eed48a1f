"""Fits, predictions and exports that run out of memory, by a limit on the process.

    python tests/faults.py [number of limits]

Each call runs in a process of its own, which may take so many bytes more than it has.
It must end with the bits of a call without a limit, or raise MemoryError and leave the
estimator as it was. Any other end, such as a crash, fails. Model files are not tried:
safetensors ends the process when it runs out of memory.
"""

import os
import pickle
import resource
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from helpers import make_mlp
from scipy.sparse import csr_array

from cymlp import export

FINISHED, OUT_OF_MEMORY = 0, 3
LARGEST = 8 * 2**20

rng = np.random.default_rng(0)
X = np.where(rng.random((3000, 200)) < 0.5, rng.normal(size=(3000, 200)), 0)
y = np.arange(3000) % 3
SETTINGS = {"max_iter": 1, "hidden_layer_sizes": (64,), "scale": "standard"}


def model(**settings):
    return make_mlp(**SETTINGS | settings)


def fit(mlp, folder):
    return mlp.fit(X, y).coefs_


def fit_sparse(mlp, folder):
    return mlp.fit(csr_array(X), y).coefs_


def partial_fit(mlp, folder):
    return mlp.partial_fit(X, y, np.unique(y)).coefs_


def predict(mlp, folder):
    return [mlp.predict_proba(X)]


def predict_lists(mlp, folder):
    return [mlp.predict_proba(X[:1000].tolist())]


def to_c(mlp, folder):
    export.to_c(mlp, folder / "model.c")
    return [np.frombuffer((folder / "model.c").read_bytes(), np.uint8)]


def calls():
    """Functions to call, with the estimator that each gets."""
    fitted = model(warm_start=True).fit(X, y)
    large = model(hidden_layer_sizes=(1500, 300)).partial_fit(X[:99], y[:99], [0, 1, 2])
    yield fit, model()
    yield fit, model(solver="adam", early_stopping=True, dtype="float64")
    yield fit, fitted
    yield fit_sparse, model(scale=None)
    yield partial_fit, fitted
    yield predict, fitted
    yield predict_lists, fitted
    yield to_c, large


def result_of(call, mlp, folder):
    return b"".join(array.tobytes() for array in call(mlp, folder))


def run_limited(call, mlp, folder, limit, expected):
    """Run in a new process; return its exit code, negative for a signal."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    code = 1
    try:
        before = pickle.dumps(vars(mlp))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + limit
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))
        try:
            result = result_of(call, mlp, folder)
        except MemoryError:
            result = None
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        if result is None:
            code = OUT_OF_MEMORY if pickle.dumps(vars(mlp)) == before else 2
        elif result == expected:
            code = FINISHED
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def main(n_limits):
    warnings.simplefilter("ignore")
    n_ends = {FINISHED: 0, OUT_OF_MEMORY: 0}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for call, mlp in calls():
            mlp = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(mlp))))
            copied = pickle.loads(pickle.dumps(mlp))
            expected = result_of(call, copied, folder)
            for limit in np.linspace(0, LARGEST, n_limits, dtype=int).tolist():
                for file in folder.iterdir():
                    file.unlink()
                code = run_limited(call, mlp, folder, limit, expected)
                if code not in n_ends:
                    sys.exit(f"{call.__name__} with {limit} bytes: code {code}")
                n_ends[code] += 1
    print(
        f"{n_ends[FINISHED]} calls finished, {n_ends[OUT_OF_MEMORY]} ran out of memory"
    )


if __name__ == "__main__":
    # So that memory that calls free does not stay with the process.
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
