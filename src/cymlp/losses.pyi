from typing import Any, ClassVar, Final, Literal, Self, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from cymlp.typing import LossLike

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "BoundLoss",
    "ClassLoss",
    "CrossEntropy",
    "Focal",
    "Hinge",
    "Huber",
    "KLDiv",
    "LabelLoss",
    "Loss",
    "Poisson",
    "Quantile",
    "SquaredError",
    "ValueLoss",
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
    target_kind: ClassVar[Literal["classes", "labels", "values"]]
    def __init_subclass__(cls) -> None: ...
    def value_and_gradient(
        self, Z: ArrayLike, T: ArrayLike
    ) -> tuple[NDArray, NDArray]: ...

class ClassLoss(Loss):
    hard_labels_only: ClassVar[bool]
    has_softmax: ClassVar[bool]
    def log_probabilities(self, Z: ArrayLike) -> NDArray: ...
    def probabilities(self, Z: ArrayLike) -> NDArray: ...

class LabelLoss(Loss):
    def log_probabilities(self, Z: ArrayLike) -> NDArray: ...
    def probabilities(self, Z: ArrayLike) -> NDArray: ...

class ValueLoss(Loss):
    log_link: ClassVar[bool]

class CrossEntropy(ClassLoss):
    label_smoothing: float
    def __init__(self, label_smoothing: float = 0.0) -> None: ...

class KLDiv(ClassLoss): ...

class Hinge(ClassLoss):
    margin: float
    softmax: bool
    def __init__(self, margin: float = 5.0, softmax: bool = False) -> None: ...

class Focal(ClassLoss):
    alpha: float | ArrayLike
    gamma: float
    def __init__(self, alpha: float | ArrayLike = 1.0, gamma: float = 2.0) -> None: ...

class BinaryCrossEntropy(LabelLoss):
    label_smoothing: float
    def __init__(self, label_smoothing: float = 0.0) -> None: ...

class BinaryFocal(LabelLoss):
    alpha: float | ArrayLike
    gamma: float
    def __init__(self, alpha: float | ArrayLike = 1.0, gamma: float = 2.0) -> None: ...

class SquaredError(ValueLoss): ...

class Huber(ValueLoss):
    delta: float
    def __init__(self, delta: float = 0.3) -> None: ...

class Quantile(ValueLoss):
    quantile: float | ArrayLike
    def __init__(self, quantile: float | ArrayLike = 0.5) -> None: ...

class Poisson(ValueLoss): ...

def bind(loss: LossLike, n_outputs: int) -> BoundLoss: ...
