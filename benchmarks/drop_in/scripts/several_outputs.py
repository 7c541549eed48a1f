"""Predict several values at once, and stack the network with a linear model."""

import numpy as np
from sklearn.datasets import make_regression
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor

X, Y = make_regression(800, 15, n_targets=3, noise=5.0, random_state=0)
Y = np.tanh(Y / Y.std(axis=0))
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
mlp = MLPRegressor(hidden_layer_sizes=(40,), solver="lbfgs", alpha=0.1, random_state=0)
mlp.set_params(max_iter=100).fit(X_train, Y_train)
print("R2", mlp.score(X_test, Y_test))
stacked = StackingRegressor([("network", mlp), ("ridge", RidgeCV())])
stacked.fit(X_train, Y_train[:, 0])
print("stacked", stacked.score(X_test, Y_test[:, 0]))
