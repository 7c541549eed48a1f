from typing import Any, Self

from numpy.typing import DTypeLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from cymlp.history import History

PREDICTION_BATCH_SIZE: int

def converted(array: Any, dtype: DTypeLike) -> Any: ...

class BaseMLP(BaseEstimator):
    coefs_: list[NDArray]
    intercepts_: list[NDArray]
    history_: History
    loss_: float
    n_iter_: int
    best_epoch_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    shift_: float | NDArray | None
    divisor_: float | NDArray | None
    bounds_: NDArray | None
    n_features_in_: int
    feature_names_in_: NDArray
    @property
    def loss_curve_(self) -> list[float]: ...
    def __repr__(self, N_CHAR_MAX: int = 700) -> str: ...
    def __sklearn_tags__(self) -> Tags: ...
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    # With scikit-learn 1.9 and later.
    def set_callbacks(self, *callbacks: Any) -> Self: ...
