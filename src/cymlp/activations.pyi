from typing import Any, ClassVar, Self, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

@final
class Compiled: ...

class Activation(BaseEstimator):
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    def value(self, U: ArrayLike) -> NDArray: ...
    def derivative(self, U: ArrayLike, A: ArrayLike) -> NDArray: ...

class Tanh(Activation):
    name: ClassVar[str]

class Selu(Activation):
    name: ClassVar[str]

class Relu(Activation):
    name: ClassVar[str]

class Logistic(Activation):
    name: ClassVar[str]

class Identity(Activation):
    name: ClassVar[str]

class HardSwish(Activation):
    name: ClassVar[str]

def known() -> dict[str, type[Activation]]: ...
