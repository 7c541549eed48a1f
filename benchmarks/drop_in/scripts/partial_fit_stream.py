"""Learn from a stream of chunks."""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

X, y = make_classification(12000, 40, n_informative=20, n_classes=4, random_state=0)
X_test, y_test = X[10000:], y[10000:]
scaler = StandardScaler()
mlp = MLPClassifier((100, 50), learning_rate_init=0.003, random_state=0)
for _ in range(4):
    for start in range(0, 10000, 1000):
        chunk = slice(start, start + 1000)
        scaler.partial_fit(X[chunk])
        mlp.partial_fit(scaler.transform(X[chunk]), y[chunk], classes=np.arange(4))
    print("accuracy", mlp.score(scaler.transform(X_test), y_test))
