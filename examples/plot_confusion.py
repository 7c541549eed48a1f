"""
Confusion matrix of digits
==========================

The confusion matrix shows which digits a network confuses. Each sample is predicted by
five-fold cross-validation, with a network that was not trained on it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import cross_val_predict

from cymlp import MLPClassifier

X, y = load_digits(return_X_y=True)
clf = MLPClassifier((64,), scale=(0, 16), batch_size=20, random_state=0)
clf.set_params(max_iter=30, n_iter_no_change=np.inf)
p = cross_val_predict(clf, X, y, method="predict_proba")
predicted = p.argmax(axis=1)
print(f"{(predicted != y).sum()} of {y.size} predictions are wrong")

display = ConfusionMatrixDisplay.from_predictions(y, predicted, cmap="Blues")
display.ax_.set_title("Digits, five-fold cross-validation")

# %%
# These are the wrong predictions with the highest probabilities.

wrong = (predicted != y).nonzero()[0]
most_confident = wrong[p[wrong].max(axis=1).argsort()[::-1][:10]]

figure, axes = plt.subplots(2, 5, figsize=(8, 3.6), layout="constrained")
for axis, i in zip(axes.flat, most_confident, strict=True):
    axis.imshow(X[i].reshape(8, 8), cmap="gray_r")
    axis.set_title(f"true {y[i]}, predicted {predicted[i]}", size="small")
    axis.set_axis_off()
plt.show()
