"""Draw parameters at random."""

from scipy.stats import loguniform, randint
from sklearn.datasets import make_classification
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier

X, y = make_classification(1500, 20, n_informative=8, n_classes=3, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
distributions = {
    "alpha": loguniform(1e-6, 1e-1),
    "learning_rate_init": loguniform(1e-4, 1e-1),
    "hidden_layer_sizes": randint(5, 60),
    "batch_size": [32, 64, 200],
}
mlp = MLPClassifier(max_iter=50, early_stopping=True, random_state=0)
search = RandomizedSearchCV(mlp, distributions, n_iter=10, cv=3, random_state=0)
search.fit(X_train, y_train)
print("cross-validated", search.best_score_)
print("test", search.score(X_test, y_test))
