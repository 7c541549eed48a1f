"""The defaults, on features that are not scaled."""

from sklearn.datasets import load_breast_cancer
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
for seed in range(5):
    mlp = MLPClassifier(random_state=seed).fit(X_train, y_train)
    print("loss", mlp.loss_, "accuracy", mlp.score(X_test, y_test))
report = classification_report(y_test, mlp.predict(X_test), output_dict=True)
print(report["macro avg"]["f1-score"])
