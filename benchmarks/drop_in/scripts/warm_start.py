"""Follow the test score over the epochs by warm starts."""

import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
mlp = MLPClassifier((100,), max_iter=1, warm_start=True, random_state=0)
scores = []
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for _ in range(40):
        mlp.fit(X_train, y_train)
        scores.append(mlp.score(X_test, y_test))
print("first", scores[0], "best", max(scores), "last", scores[-1])
