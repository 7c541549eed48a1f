"""Which features matter to a regressor?"""

from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
model = make_pipeline(
    StandardScaler(),
    MLPRegressor(hidden_layer_sizes=(20,), max_iter=1500, alpha=1.0, random_state=0),
)
model.fit(X_train, y_train)
result = permutation_importance(model, X_test, y_test, n_repeats=5, random_state=0)
print("R2", model.score(X_test, y_test))
for importance in result.importances_mean:
    print(importance)
