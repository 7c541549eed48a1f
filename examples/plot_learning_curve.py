"""
Learning curve
==============

Each of three classes has three clusters. A linear model cannot separate them, and does
not improve beyond a few hundred samples. A network improves with all available samples.
Bands show the standard deviation over three splits.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LearningCurveDisplay, ShuffleSplit

from cymlp import MLPClassifier

X, y = make_classification(
    5000, 10, n_informative=6, n_classes=3, n_clusters_per_class=3, random_state=0
)
network = MLPClassifier((64,), "relu", batch_size=20, random_state=0)
network.set_params(max_iter=30, n_iter_no_change=np.inf)

figure, axis = plt.subplots(layout="constrained")
for name, model in {"network": network, "linear": LogisticRegression()}.items():
    display = LearningCurveDisplay.from_estimator(
        model,
        X,
        y,
        train_sizes=np.geomspace(0.01, 1, 6),
        cv=ShuffleSplit(3, test_size=0.2, random_state=0),
        score_type="test",
        score_name="accuracy",
        ax=axis,
        line_kw={"marker": "o"},
    )
    display.lines_[0].set_label(name)
axis.set(xscale="log")
axis.legend()
plt.show()
