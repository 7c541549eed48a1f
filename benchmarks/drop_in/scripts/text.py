"""Classify short texts by their words."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

rng = np.random.RandomState(0)
words = np.array([f"word{i}" for i in range(3000)])
topics = rng.dirichlet(np.full(3000, 0.05), 4)
y = rng.randint(4, size=1200)
mixed = 0.2 * topics[y] + 0.8 * topics.mean(axis=0)
texts = [" ".join(rng.choice(words, 40, p=p)) for p in mixed]
model = make_pipeline(
    TfidfVectorizer(sublinear_tf=True),
    MLPClassifier((50,), max_iter=15, random_state=0),
)
model.fit(texts[:900], y[:900])
print("accuracy", accuracy_score(y[900:], model.predict(texts[900:])))
