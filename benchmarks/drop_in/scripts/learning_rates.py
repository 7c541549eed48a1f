"""Schedules and momentum of stochastic gradient descent."""

from sklearn.datasets import load_digits, load_iris, make_circles
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler

schedules = [
    {"learning_rate": "constant", "momentum": 0, "learning_rate_init": 0.2},
    {"learning_rate": "constant", "momentum": 0.9, "nesterovs_momentum": False},
    {"learning_rate": "constant", "momentum": 0.9, "nesterovs_momentum": True},
    {"learning_rate": "invscaling", "momentum": 0, "learning_rate_init": 0.2},
    {"learning_rate": "adaptive", "momentum": 0.9, "learning_rate_init": 0.2},
]
data = [
    load_iris(return_X_y=True),
    load_digits(return_X_y=True),
    make_circles(noise=0.2, factor=0.5, random_state=1),
]
for X, y in data:
    X = MinMaxScaler().fit_transform(X)
    for schedule in schedules:
        mlp = MLPClassifier(solver="sgd", max_iter=30, random_state=0, **schedule)
        mlp.fit(X, y)
        print("score", mlp.score(X, y), "loss", mlp.loss_)
