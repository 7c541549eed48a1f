"""Small fits and predictions of every storage form, for Valgrind.

`make sanitize` runs them and looks for reads of memory that nobody has written.
"""

import warnings

import numpy as np
from scipy.sparse import csr_array

from cymlp import MLPClassifier, MLPRegressor, kernels

SETTINGS = {
    "hidden_layer_sizes": (9, 5), "max_iter": 2, "batch_size": 16, "dropout": 0.1,
    "scale": (0, 2), "random_state": 0,
}  # fmt: skip


def main():
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(40, 19))
    y = np.arange(40) % 3
    forms = {
        "dense": X,
        "CSR": csr_array(np.where(X > 1, X, 0)),
        "block sparse": np.where(X > 1.5, X, 0).repeat(20, axis=1),
        "bytes": (10 * X).astype(np.int8),
    }
    for name, form in forms.items():
        for dtype in ("float32", "float64"):
            for solver in ("sgd", "adam"):
                settings = SETTINGS | {"dtype": dtype, "solver": solver}
                MLPClassifier(**settings).fit(form, y).predict_proba(form)
            MLPRegressor(**settings).fit(form, X[:, :2]).predict(form)
        print(kernels.isa(), name)


if __name__ == "__main__":
    main()
