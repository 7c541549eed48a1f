"""The classifiers that are compared."""

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from sklearn import neural_network
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cymlp import MLPClassifier
from cymlp.activations import Relu
from cymlp.losses import CrossEntropy


class Method(NamedTuple):
    """A classifier.

    Attributes
    ----------
    title : str
    make : callable
        Takes a seed and returns an unfitted estimator.
    """

    title: str
    make: Callable[[int], ClassifierMixin]


def defaults(seed):
    """cymlp as a first-time user calls it."""
    return MLPClassifier(random_state=seed)


def sklearn_mlp(seed):
    """scikit-learn's network on raw features."""
    return neural_network.MLPClassifier(random_state=seed)


def sklearn_mlp_scaled(seed):
    """scikit-learn's network on standardised features."""
    return make_pipeline(StandardScaler(), sklearn_mlp(seed))


def gradient_boosting(seed):
    """scikit-learn's gradient boosting."""
    return HistGradientBoostingClassifier(random_state=seed)


def logistic_regression(seed):
    """scikit-learn's logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))


def realmlp(seed):
    """RealMLP-TD of pytabkit: one network, stopped by a fifth of the rows."""
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(
        random_state=seed, n_cv=1, n_refit=0, device="cpu", n_threads=1, verbosity=0
    )


CYMLP, REALMLP = "cymlp", "realmlp"
METHODS = {
    CYMLP: Method("cymlp, defaults", defaults),
    "sklearn-scaled": Method("scikit-learn's MLP, StandardScaler", sklearn_mlp_scaled),
    "boosting": Method("HistGradientBoosting", gradient_boosting),
    "logistic": Method("LogisticRegression, StandardScaler", logistic_regression),
    "sklearn": Method("scikit-learn's MLP, raw features", sklearn_mlp),
}
WITH_REALMLP = {
    name: METHODS[name] for name in (CYMLP, "sklearn-scaled", "boosting")
} | {REALMLP: Method("RealMLP-TD", realmlp)}


def logistic_regression_of_labels(seed):
    """scikit-learn's logistic regressions, one for each label."""
    return OneVsRestClassifier(logistic_regression(seed))


LABEL_METHODS = {name: METHODS[name] for name in (CYMLP, "sklearn-scaled")} | {
    "logistic": Method(
        "LogisticRegression for each label, StandardScaler",
        logistic_regression_of_labels,
    ),
    "sklearn": METHODS["sklearn"],
}


def has_realmlp():
    """Tell whether pytabkit is installed."""
    return importlib.util.find_spec("pytabkit") is not None


class LecunRelu(Relu):
    """relu whose layers start like those of selu."""

    initializer = "lecun_normal"


# Parameters that differ from the defaults.
CHANGES = {
    "rate 0.001": {"learning_rate_init": 0.001},
    "rate 0.01": {"learning_rate_init": 0.01},
    "constant rate": {"learning_rate": "constant"},
    "constant rate 0.001": {"learning_rate": "constant", "learning_rate_init": 0.001},
    "sgd, rate 0.02": {"solver": "sgd", "learning_rate_init": 0.02},
    "beta_2 0.999": {"beta_2": 0.999},
    "batch size 32": {"batch_size": 32},
    "batch size 200": {"batch_size": 200},
    "weight decay 0": {"weight_decay": 0.0},
    "weight decay 1e-4": {"weight_decay": 1e-4},
    "weight decay 1e-3": {"weight_decay": 1e-3},
    "weight decay 1e-2": {"weight_decay": 1e-2},
    "weight decay 3e-2": {"weight_decay": 3e-2},
    "tanh": {"activation": "tanh"},
    "selu": {"activation": "selu"},
    "hardswish": {"activation": "hardswish"},
    "LeCun's first weights": {"activation": LecunRelu()},
    "standardised, not clipped": {"scale": "standard"},
    "not scaled": {"scale": None},
    "dropout 0.1": {"dropout": 0.1},
    "dropout 0.2": {"dropout": 0.2},
    "label smoothing 0.02": {"loss": CrossEntropy(label_smoothing=0.02)},
    "100 units": {"hidden_layer_sizes": (100,)},
    "512 units": {"hidden_layer_sizes": (512,)},
    "two layers of 128": {"hidden_layer_sizes": (128, 128)},
    "30 epochs": {"max_iter": 30},
    "100 epochs": {"max_iter": 100},
    "early stopping by loss": {"early_stopping": True, "monitor": "loss"},
    "early stopping by accuracy": {"early_stopping": True, "monitor": "accuracy"},
}


def changed(seed, parameters):
    """cymlp with some parameters changed."""
    return MLPClassifier(random_state=seed, **parameters)


def mean_of_five(seed):
    """The mean probabilities of five networks."""
    networks = [(str(i), defaults(5 * seed + i)) for i in range(5)]
    return VotingClassifier(networks, voting="soft")


FEW_EPOCHS = {"max_iter": 10}
ON_LARGE_SETS = {
    CYMLP: METHODS[CYMLP],
    "few-epochs": Method("cymlp, max_iter=10", partial(changed, parameters=FEW_EPOCHS)),
    "sklearn": METHODS["sklearn"],
}
INGREDIENTS = (
    {CYMLP: METHODS[CYMLP]}
    | {
        title: Method(title, partial(changed, parameters=parameters))
        for title, parameters in CHANGES.items()
    }
    | {"mean of five": Method("mean of five networks", mean_of_five)}
)
