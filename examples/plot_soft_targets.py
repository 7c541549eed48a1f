"""
Targets that are probabilities
==============================

Two classes overlap, and how probable each is at a point x is known. A network learns
from labels that are drawn, or from the probabilities themselves, as they may come from
several annotators or from a larger network. From 100 points the probabilities are
learned well; labels are a noisy picture of them.
"""

import matplotlib.pyplot as plt
import numpy as np

from cymlp import MLPClassifier


def probability(x):
    """What there is to learn: how probable the second class is at x."""
    return 1 / (1 + np.exp(-3 * np.sin(2 * x)))


rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 100))
labels = rng.random(100) < probability(x)
rows = np.column_stack([1 - probability(x), probability(x)])
targets = {"labels": labels, "probabilities": rows}

figure, axis = plt.subplots(layout="constrained")
grid = np.linspace(-3, 3, 300)
axis.plot(grid, probability(grid), "k:", label="what is right")
axis.plot(x, labels, "k|", alpha=0.5, label="the labels")
for name, target in targets.items():
    clf = MLPClassifier((50,), loss="kl_div", solver="adam", batch_size=20)
    clf.set_params(max_iter=2000, n_iter_no_change=np.inf, random_state=0)
    clf.fit(x[:, np.newaxis], target)
    p = clf.predict_proba(grid[:, np.newaxis])[:, 1]
    axis.plot(grid, p, label=f"learned from {name}")
    print(f"{name}: {abs(p - probability(grid)).mean():.3f} away on average")
axis.set(xlabel="x", ylabel="probability of the second class")
axis.legend()
plt.show()
