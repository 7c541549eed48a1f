"""Choose the penalty and the width by a grid search."""

from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=300, random_state=1))
grid = {
    "mlpclassifier__alpha": [1e-5, 1e-3, 1e-1],
    "mlpclassifier__hidden_layer_sizes": [(20,), (50,), (20, 20)],
}
search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
print("cross-validated", search.best_score_)
print("test", search.score(X_test, y_test))
