"""
Probabilities as targets
========================

Two classes overlap, and their probabilities at each point x are known. One network is
trained on labels drawn with these probabilities, another on the probabilities. In
practice, such probabilities come from several annotators or from a larger network. With
100 points, the network trained on probabilities is accurate; labels are noisier.
"""

import matplotlib.pyplot as plt
import numpy as np

from cymlp import MLPClassifier


def probability(x):
    """True probability of the second class at x."""
    return 1 / (1 + np.exp(-3 * np.sin(2 * x)))


rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 100))
labels = rng.random(100) < probability(x)
rows = np.column_stack([1 - probability(x), probability(x)])
targets = {"labels": labels, "probabilities": rows}

figure, axis = plt.subplots(layout="constrained")
grid = np.linspace(-3, 3, 300)
axis.plot(grid, probability(grid), "k:", label="true probability")
axis.plot(x, labels, "k|", alpha=0.5, label="labels")
for name, target in targets.items():
    clf = MLPClassifier((50,), loss="kl_div", solver="adam", batch_size=20)
    clf.set_params(max_iter=2000, n_iter_no_change=np.inf, random_state=0)
    clf.fit(x[:, np.newaxis], target)
    p = clf.predict_proba(grid[:, np.newaxis])[:, 1]
    axis.plot(grid, p, label=f"trained on {name}")
    error = abs(p - probability(grid)).mean()
    print(f"trained on {name}: mean absolute error {error:.3f}")
axis.set(xlabel="x", ylabel="probability of the second class")
axis.legend()
plt.show()
