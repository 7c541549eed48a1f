"""Stop early, and plot the loss and the validation scores."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
mlp = MLPClassifier((64, 32), early_stopping=True, n_iter_no_change=15, random_state=0)
mlp.fit(X_train, y_train)
plt.switch_backend("agg")
figure, axes = plt.subplots()
axes.plot(mlp.loss_curve_, label="training loss")
axes.plot(mlp.validation_scores_, label="validation accuracy")
axes.legend()
print("epochs", mlp.n_iter_)
print("best validation score", mlp.best_validation_score_)
print("test", mlp.score(X_test, y_test))
