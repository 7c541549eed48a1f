"""Look at the weights of the first layer."""

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X = X / 16
mlp = MLPClassifier(
    hidden_layer_sizes=(40,),
    max_iter=40,
    alpha=1e-4,
    solver="sgd",
    random_state=1,
    learning_rate_init=0.2,
)
mlp.fit(X[:1200], y[:1200])
print("training", mlp.score(X[:1200], y[:1200]), "test", mlp.score(X[1200:], y[1200:]))
vmin, vmax = mlp.coefs_[0].min(), mlp.coefs_[0].max()
print("range", vmin, vmax)
for coefficients in mlp.coefs_[0].T[:8]:
    print(coefficients.reshape(8, 8).std())
