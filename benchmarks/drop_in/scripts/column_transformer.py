"""Columns of several types."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.RandomState(0)
frame = pd.DataFrame(
    {
        "age": rng.randint(18, 80, 2000),
        "income": rng.lognormal(10, 1, 2000),
        "city": rng.choice(["Bonn", "Oslo", "Rome", "Turin"], 2000),
        "member": rng.choice(["yes", "no"], 2000),
    }
)
score = frame.age / 20 + np.log(frame.income) + 2 * (frame.city == "Oslo")
bought = np.where(score + rng.normal(size=2000) > 13.2, "bought", "left")
columns = make_column_transformer(
    (StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["city", "member"])
)
model = make_pipeline(columns, MLPClassifier((32,), max_iter=100, random_state=0))
X_train, X_test, y_train, y_test = train_test_split(frame, bought, random_state=0)
model.fit(X_train, y_train)
print("accuracy", model.score(X_test, y_test))
