"""A target of another scale, with a grid over the network."""

from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
mlp = MLPRegressor(solver="sgd", learning_rate_init=0.005, random_state=0)
model = TransformedTargetRegressor(mlp, transformer=StandardScaler())
grid = {
    "regressor__alpha": [0.01, 0.1, 1.0],
    "regressor__hidden_layer_sizes": [(10,), (30,)],
    "regressor__learning_rate": ["constant", "adaptive"],
}
search = GridSearchCV(model, grid, cv=3).fit(X_train, y_train)
print("cross-validated", search.best_score_)
print("test", search.score(X_test, y_test))
