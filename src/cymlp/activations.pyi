from typing import ClassVar, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

@final
class Compiled: ...

class Activation(BaseEstimator):
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
