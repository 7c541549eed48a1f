"""Predict each sample by a network that has not seen it."""

from sklearn.datasets import make_friedman1
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import scale

X, y = make_friedman1(1000, noise=1.0, random_state=0)
mlp = MLPRegressor(hidden_layer_sizes=(50, 25), max_iter=150, random_state=0)
folds = KFold(5, shuffle=True, random_state=0)
predicted = cross_val_predict(mlp, scale(X), y, cv=folds)
print("R2", r2_score(y, predicted))
print("error", mean_absolute_error(y, predicted))
