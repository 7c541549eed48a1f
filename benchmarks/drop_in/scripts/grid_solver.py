"""Compare solvers and activations in one grid."""

from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier

X, y = load_iris(return_X_y=True)
grid = {
    "solver": ["lbfgs", "sgd", "adam"],
    "activation": ["identity", "logistic", "tanh", "relu"],
    "hidden_layer_sizes": [(10,), (10, 10)],
}
classifier = MLPClassifier(max_iter=150, learning_rate_init=0.01, random_state=0)
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(classifier, grid, cv=folds).fit(X, y)
print("best", search.best_score_)
for score in search.cv_results_["mean_test_score"]:
    print(score)
