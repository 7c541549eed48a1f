"""Average networks of other samples."""

from sklearn.datasets import make_friedman2
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import scale

X, y = make_friedman2(600, noise=20.0, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(scale(X), scale(y), random_state=0)
mlp = MLPRegressor(hidden_layer_sizes=(30,), max_iter=300, random_state=0)
single = mlp.fit(X_train, y_train)
print("one network", single.score(X_test, y_test))
bagged = BaggingRegressor(mlp, n_estimators=8, random_state=0).fit(X_train, y_train)
print("bagged", bagged.score(X_test, y_test))
