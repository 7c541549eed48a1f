"""Save a model, load it and train it further."""

import pickle

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
mlp = MLPClassifier((50,), solver="sgd", learning_rate_init=0.05, max_iter=30)
mlp.set_params(random_state=0).fit(X_train, y_train)
saved = pickle.dumps(mlp)
loaded = pickle.loads(saved)
print("same", (loaded.predict(X_test) == mlp.predict(X_test)).all() * 1)
for _ in range(20):
    loaded.partial_fit(X_train, y_train)
print("before", mlp.score(X_test, y_test))
print("after", loaded.score(X_test, y_test))
