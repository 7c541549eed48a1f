"""Penalties and the decision functions that they lead to."""

import numpy as np
from sklearn.datasets import make_circles, make_classification, make_moons
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

data = [
    make_moons(noise=0.3, random_state=0),
    make_circles(noise=0.2, factor=0.5, random_state=1),
    make_classification(n_features=2, n_redundant=0, random_state=0),
]
grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 100)] * 2), axis=-1).reshape(-1, 2)
for X, y in data:
    for alpha in np.logspace(-1, 1, 5):
        mlp = MLPClassifier((30, 30), solver="lbfgs", alpha=alpha, max_iter=200)
        model = make_pipeline(StandardScaler(), mlp.set_params(random_state=1))
        model.fit(X[:60], y[:60])
        share = (model.predict_proba(grid)[:, 1] > 0.5).mean()
        print(alpha, model.score(X[60:], y[60:]), share)
