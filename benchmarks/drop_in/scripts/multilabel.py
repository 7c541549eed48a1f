"""Several labels for each sample."""

from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score, hamming_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, Y = make_multilabel_classification(2000, 30, n_classes=8, random_state=0)
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
mlp = MLPClassifier((60,), max_iter=80, random_state=0).fit(X_train, Y_train)
predicted = mlp.predict(X_test)
print("subset accuracy", mlp.score(X_test, Y_test))
print("F1", f1_score(Y_test, predicted, average="micro"))
print("Hamming loss", hamming_loss(Y_test, predicted))
print("mean probability", mlp.predict_proba(X_test).mean())
