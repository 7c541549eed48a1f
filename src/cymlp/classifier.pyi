from collections.abc import Sequence
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from cymlp.history import History

ROWS_AT_A_TIME: Final[int]

class MLPClassifier(ClassifierMixin, BaseEstimator):
    classes_: NDArray
    coefs_: list[NDArray]
    intercepts_: list[NDArray]
    history_: History
    loss_: float
    loss_curve_: list[float]
    n_iter_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    n_features_in_: int
    feature_names_in_: NDArray
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | NDArray = (100,),
        activation: Any = "tanh",
        loss: Any = "cross_entropy",
        *,
        learning_rate_init: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        batch_size: int = 100,
        max_iter: int = 100,
        init: Literal["auto"] | float = "auto",
        dtype: Literal["float32", "float64"]
        | type[np.float32 | np.float64] = "float32",
        shuffle: bool = True,
        random_state: int | RandomState | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        verbose: bool | int = False,
        record_batches: bool = False,
        diagnostics: bool = False,
    ) -> None: ...
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
    ) -> Self: ...
    def decision_function(self, X: ArrayLike) -> NDArray: ...
    def predict(self, X: ArrayLike) -> NDArray: ...
    def predict_proba(self, X: ArrayLike) -> NDArray: ...
    def predict_log_proba(self, X: ArrayLike) -> NDArray: ...
    def set_fit_request(
        self,
        *,
        sample_weight: bool | str | None = ...,
        X_val: bool | str | None = ...,
        y_val: bool | str | None = ...,
    ) -> Self: ...
    def set_score_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
