"""Let a network vote with other classifiers."""

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
members = [
    ("logistic", LogisticRegression()),
    ("bayes", GaussianNB()),
    ("network", MLPClassifier((30, 30), max_iter=200, random_state=0)),
]
voting = VotingClassifier(members, voting="soft", weights=[1, 1, 2])
model = make_pipeline(StandardScaler(), voting)
scores = cross_val_score(model, X, y, cv=5)
print("accuracy", scores.mean(), scores.std())
