from typing import Any, ClassVar, Final, Literal, Self, TypeAlias, final

from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from cymlp.typing import ActivationLike

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BoundActivation",
    "Gelu",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Logistic",
    "Mish",
    "Relu",
    "Selu",
    "Silu",
    "Tanh",
    "bind",
]

ACTIVATIONS: Final[dict[str, type[Activation]]]

# Operator, inputs, output, attributes.
_Node: TypeAlias = tuple[str, list[str | float], str, dict[str, float]]

@final
class Compiled: ...

@final
class BoundActivation: ...

class Activation(BaseEstimator):
    def __init_subclass__(cls) -> None: ...
    def get_params(self, deep: bool = True) -> dict[str, Any]: ...
    def set_params(self, **params: Any) -> Self: ...
    name: ClassVar[str]
    initializer: ClassVar[Literal["glorot_uniform", "lecun_normal"]]
    onnx_nodes: ClassVar[list[_Node]]
    c_formula: ClassVar[str]
    def value(self, U: ArrayLike) -> NDArray: ...
    def derivative(self, U: ArrayLike, A: ArrayLike) -> NDArray: ...

class Tanh(Activation): ...
class Selu(Activation): ...
class Relu(Activation): ...
class Logistic(Activation): ...
class Identity(Activation): ...
class HardSwish(Activation): ...
class Gelu(Activation): ...
class Silu(Activation): ...
class Mish(Activation): ...

class LeakyRelu(Activation):
    negative_slope: float
    def __init__(self, negative_slope: float = 0.01) -> None: ...
    @property
    def onnx_nodes(self) -> list[_Node]: ...  # type: ignore[override]
    @property
    def c_formula(self) -> str: ...  # type: ignore[override]

def bind(activation: ActivationLike) -> BoundActivation: ...
