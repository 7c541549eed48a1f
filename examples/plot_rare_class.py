"""
Class weights and thresholds for a rare class
=============================================

The rare class has 3 % of the samples and overlaps with the other class. With class
weights, a network finds more of the rare samples. A lower threshold for the probability
has the same effect without a new fit: at a threshold of 0.03, the network without
weights has about the same balanced accuracy as the network with weights at 0.5.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

from cymlp import MLPClassifier

X, y = make_classification(
    20000, 10, n_informative=4, n_redundant=0, weights=[0.97], flip_y=0, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=6000, stratify=y, random_state=0
)

figure, axis = plt.subplots(layout="constrained")
thresholds = np.geomspace(0.003, 0.9, 60)
marked = {"without weights": (None, 0.03, "o"), "balanced": ("balanced", 0.5, "s")}
for name, (class_weight, threshold, marker) in marked.items():
    clf = MLPClassifier((64,), solver="adam", max_iter=30, n_iter_no_change=np.inf)
    clf.set_params(class_weight=class_weight, random_state=0)
    p = clf.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    figures = [balanced_accuracy_score(y_test, p > t) for t in thresholds]
    (line,) = axis.plot(thresholds, figures, label=name)
    at = balanced_accuracy_score(y_test, p > threshold)
    axis.plot(threshold, at, marker, color=line.get_color())
    print(f"{name}, p > {threshold}: {at:.3f}")
axis.set(xscale="log", xlabel="threshold", ylabel="balanced accuracy")
axis.legend()
plt.show()
