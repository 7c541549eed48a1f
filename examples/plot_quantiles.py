"""
Prediction intervals
====================

The noise of y grows with x. A network with three outputs is trained on three copies of
y with the quantile loss, each output for a quantile of its own. The first and the last
bound an interval that should contain 90 % of the samples; the second is the median. The
interval follows the noise.
"""

import matplotlib.pyplot as plt
import numpy as np

from cymlp import MLPRegressor
from cymlp.losses import Quantile


def sample(rng, n):
    """Draw n samples with one feature."""
    x = np.sort(rng.uniform(0, 10, n))
    return x[:, np.newaxis], np.sin(x) + 0.1 * x * rng.normal(size=n)


rng = np.random.default_rng(0)
X, y = sample(rng, 1000)
quantiles = [0.05, 0.5, 0.95]
reg = MLPRegressor((50, 50), loss=Quantile(quantiles), max_iter=100, random_state=0)
reg.fit(X, np.column_stack([y] * 3))

X_test, y_test = sample(rng, 1000)
low, _, high = reg.predict(X_test).T
inside = (low < y_test) & (y_test < high)
print(f"{inside.mean():.0%} of the test samples are inside the interval")

figure, axis = plt.subplots(layout="constrained")
grid = np.linspace(0, 10, 300)
low, median, high = reg.predict(grid[:, np.newaxis]).T
axis.plot(X_test, y_test, "k.", markersize=2, label="test samples")
axis.plot(grid, median, label="median")
axis.fill_between(grid, low, high, alpha=0.3, label="90 % interval")
axis.set(xlabel="x", ylabel="y")
axis.legend()
plt.show()
