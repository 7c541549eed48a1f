"""
Decision boundaries of activations
==================================

A network with one hidden layer separates two half moons. The decision boundary depends
on the activation: relu gives straight segments, the identity a line, as without a
hidden layer, and the others give curves. Titles show the accuracy on these data.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from cymlp import MLPClassifier

X, y = make_moons(300, noise=0.25, random_state=0)

figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
names = ["identity", "relu", "selu", "hardswish", "logistic", "tanh"]
for axis, name in zip(axes.flat, names, strict=True):
    clf = MLPClassifier((10,), name, solver="adam", batch_size=30, random_state=0)
    clf.set_params(learning_rate_init=0.1, max_iter=300, n_iter_no_change=np.inf)
    clf.fit(X, y)
    DecisionBoundaryDisplay.from_estimator(
        clf, X, ax=axis, response_method="predict_proba", cmap="RdBu", alpha=0.7
    )
    axis.scatter(*X.T, c=y, cmap="RdBu", s=12, edgecolors="k", linewidths=0.4)
    axis.set(title=f"{name}: {clf.score(X, y):.2f}", xticks=[], yticks=[])
plt.show()
