"""The regressors that are compared."""

from functools import partial

from sklearn import neural_network
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.defaults.methods import CYMLP, Method
from cymlp import MLPRegressor


def defaults(seed, **parameters):
    """cymlp as a first-time user calls it, or with some parameters changed."""
    return MLPRegressor(random_state=seed, **parameters)


def sklearn_mlp(seed):
    """scikit-learn's network on raw features."""
    return neural_network.MLPRegressor(random_state=seed)


def sklearn_mlp_scaled(seed):
    """scikit-learn's network on standardised features."""
    return make_pipeline(StandardScaler(), sklearn_mlp(seed))


def sklearn_mlp_both_scaled(seed):
    """scikit-learn's network on standardised features and targets."""
    return TransformedTargetRegressor(
        sklearn_mlp_scaled(seed), transformer=StandardScaler()
    )


class Boosting(RegressorMixin, BaseEstimator):
    """scikit-learn's gradient boosting, one for each output."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit the regressor."""
        one = HistGradientBoostingRegressor(random_state=self.random_state)
        self.fitted_ = (one if y.ndim == 1 else MultiOutputRegressor(one)).fit(X, y)
        return self

    def predict(self, X):
        """Predict targets."""
        return self.fitted_.predict(X)


def ridge(seed):
    """scikit-learn's linear regression with a penalty, on standardised features."""
    return make_pipeline(StandardScaler(), Ridge(random_state=seed))


REGRESSORS = {
    CYMLP: Method("cymlp, defaults", defaults),
    "sklearn-both": Method(
        "scikit-learn's MLP, X and y standardised", sklearn_mlp_both_scaled
    ),
    "boosting": Method("HistGradientBoosting", Boosting),
    "ridge": Method("Ridge, StandardScaler", ridge),
    "sklearn": Method("scikit-learn's MLP, raw features", sklearn_mlp),
    "sklearn-scaled": Method("scikit-learn's MLP, StandardScaler", sklearn_mlp_scaled),
}

# Parameters that differ from the defaults.
CHANGES = {
    "rate 0.001": {"learning_rate_init": 0.001},
    "rate 0.01": {"learning_rate_init": 0.01},
    "weight decay 0": {"weight_decay": 0.0},
    "weight decay 1e-3": {"weight_decay": 1e-3},
    "weight decay 5e-3": {"weight_decay": 5e-3},
    "weight decay 1e-2": {"weight_decay": 1e-2},
    "weight decay 3e-2": {"weight_decay": 3e-2},
    "dropout 0.1": {"dropout": 0.1},
    "30 epochs": {"max_iter": 30},
    "100 epochs": {"max_iter": 100},
    "batch size 64": {"batch_size": 64},
    "100 units": {"hidden_layer_sizes": (100,)},
    "two layers of 128": {"hidden_layer_sizes": (128, 128)},
    "tanh": {"activation": "tanh"},
    "silu": {"activation": "silu"},
    "Huber loss": {"loss": "huber"},
    "standardised, not clipped": {"scale": "standard"},
    "target not scaled": {"target_scale": None},
    "early stopping": {"early_stopping": True},
}
WITH_CHANGES = {CYMLP: REGRESSORS[CYMLP]} | {
    title: Method(title, partial(defaults, **parameters))
    for title, parameters in CHANGES.items()
}
