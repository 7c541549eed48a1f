from typing import Any, ClassVar, Self, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from cymlp.typing import LossLike

@final
class Compiled: ...

@final
class BoundLoss: ...

class Loss(BaseEstimator):
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    hard_labels_only: ClassVar[bool]
    def value_and_gradient(
        self, Z: ArrayLike, T: ArrayLike
    ) -> tuple[NDArray, NDArray]: ...
    def log_probabilities(self, Z: ArrayLike) -> NDArray: ...
    def probabilities(self, Z: ArrayLike) -> NDArray: ...

class CrossEntropy(Loss):
    name: ClassVar[str]
    label_smoothing: float
    def __init__(self, label_smoothing: float = 0.0) -> None: ...

class KLDiv(Loss):
    name: ClassVar[str]

class Hinge(Loss):
    name: ClassVar[str]
    margin: float
    softmax: bool
    def __init__(self, margin: float = 5.0, softmax: bool = False) -> None: ...

class Focal(Loss):
    name: ClassVar[str]
    alpha: float | ArrayLike
    gamma: float
    def __init__(self, alpha: float | ArrayLike = 1.0, gamma: float = 2.0) -> None: ...

def bind(loss: LossLike, n_classes: int) -> BoundLoss: ...
def known() -> dict[str, type[Loss]]: ...
