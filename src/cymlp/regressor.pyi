from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from cymlp._fit.estimator import BaseMLP
from cymlp.checkpoints import Checkpoint
from cymlp.typing import ActivationLike, LossLike

class MLPRegressor(RegressorMixin, BaseMLP):
    target_shift_: NDArray | None
    target_divisor_: NDArray | None
    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | NDArray = (256,),
        # `str`, not a Literal, so that names from a loop over strings are accepted.
        activation: str | ActivationLike | Sequence[str | ActivationLike] = "relu",
        loss: str | LossLike = "squared_error",
        *,
        solver: Literal["sgd", "adam"] = "adam",
        learning_rate_init: float = 0.003,
        learning_rate: Literal["constant", "cosine", "invscaling", "adaptive"]
        | Callable[[int], float] = "cosine",
        power_t: float = 0.5,
        momentum: float = 0.9,
        nesterovs_momentum: bool = False,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-6,
        weight_decay: Literal["auto"] | float = "auto",
        dropout: float | Sequence[float] = 0.0,
        batch_size: Literal["auto"] | int = "auto",
        max_iter: int = 60,
        init: Literal["auto"] | float = "auto",
        dtype: Literal["float32", "float64"]
        | type[np.float32 | np.float64] = "float32",
        scale: Literal["auto", "standard", "minmax"]
        | tuple[ArrayLike, ArrayLike]
        | None = "auto",
        target_scale: Literal["standard"]
        | tuple[ArrayLike, ArrayLike]
        | None = "standard",
        n_threads: int | None = None,
        shuffle: bool = True,
        random_state: int | RandomState | None = None,
        tol: float = 1e-4,
        n_iter_no_change: float = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        monitor: Literal["loss", "r2"] = "loss",
        warm_start: bool = False,
        verbose: bool | int = False,
        record_batches: bool = False,
        diagnostics: bool = False,
    ) -> None: ...
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> Self: ...
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self: ...
    def score(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float: ...
    def predict(self, X: Any) -> NDArray: ...
    def set_partial_fit_request(
        self,
        *,
        sample_weight: bool | str | None = ...,
    ) -> Self: ...
    def set_fit_request(
        self,
        *,
        sample_weight: bool | str | None = ...,
        X_val: bool | str | None = ...,
        y_val: bool | str | None = ...,
        sample_weight_val: bool | str | None = ...,
        checkpoint: bool | str | None = ...,
    ) -> Self: ...
    def set_score_request(self, *, sample_weight: bool | str | None = ...) -> Self: ...
