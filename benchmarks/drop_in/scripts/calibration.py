"""Calibrate probabilities."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = make_classification(3000, 20, n_informative=6, flip_y=0.1, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
mlp = MLPClassifier((50,), max_iter=60, random_state=0).fit(X_train, y_train)
calibrated = CalibratedClassifierCV(mlp, method="isotonic", cv=3)
calibrated.fit(X_train, y_train)
for name, model in ("plain", mlp), ("calibrated", calibrated):
    p = model.predict_proba(X_test)[:, 1]
    print(name, model.score(X_test, y_test), brier_score_loss(y_test, p))
