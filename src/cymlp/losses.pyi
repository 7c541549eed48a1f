from typing import Any, ClassVar, Final, Self, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from cymlp.typing import LossLike

__all__ = [
    "LOSSES",
    "BoundLoss",
    "CrossEntropy",
    "Focal",
    "Hinge",
    "KLDiv",
    "Loss",
    "bind",
]

LOSSES: Final[dict[str, type[Loss]]]
TOLERANCE: Final[dict[Any, float]]

@final
class Compiled: ...

@final
class BoundLoss: ...

class Loss(BaseEstimator):
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    name: ClassVar[str]
    hard_labels_only: ClassVar[bool]
    has_softmax: ClassVar[bool]
    def __init_subclass__(cls) -> None: ...
    def value_and_gradient(
        self, Z: ArrayLike, T: ArrayLike
    ) -> tuple[NDArray, NDArray]: ...
    def log_probabilities(self, Z: ArrayLike) -> NDArray: ...
    def probabilities(self, Z: ArrayLike) -> NDArray: ...

class CrossEntropy(Loss):
    label_smoothing: float
    def __init__(self, label_smoothing: float = 0.0) -> None: ...

class KLDiv(Loss): ...

class Hinge(Loss):
    margin: float
    softmax: bool
    def __init__(self, margin: float = 5.0, softmax: bool = False) -> None: ...

class Focal(Loss):
    alpha: float | ArrayLike
    gamma: float
    def __init__(self, alpha: float | ArrayLike = 1.0, gamma: float = 2.0) -> None: ...

def bind(loss: LossLike, n_outputs: int) -> BoundLoss: ...
