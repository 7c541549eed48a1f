"""Accuracy by the number of training samples."""

from sklearn.datasets import load_digits
from sklearn.model_selection import learning_curve
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
sizes, train_scores, test_scores = learning_curve(
    MLPClassifier((50,), max_iter=40, random_state=0),
    X / 16,
    y,
    train_sizes=[0.1, 0.3, 0.6, 1.0],
    cv=3,
)
for train, test in zip(train_scores, test_scores, strict=True):
    print(train.mean(), test.mean())
