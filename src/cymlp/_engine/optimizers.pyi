from typing import final

from numpy.typing import NDArray
from typing_extensions import disjoint_base

@disjoint_base
class Optimizer:
    learning_rate: float
    n_steps: int
    @property
    def n_slots(self) -> int: ...
    @property
    def weight_decay(self) -> float: ...
    def __init__(self, learning_rate: float, weight_decay: float) -> None: ...
    def step(self, state: NDArray, gradient: NDArray) -> None: ...

@final
class SGD(Optimizer):
    @property
    def momentum(self) -> float: ...
    @property
    def nesterov(self) -> bool: ...
    def __init__(
        self,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
        nesterov: bool = False,
    ) -> None: ...

@final
class Adam(Optimizer):
    @property
    def beta_1(self) -> float: ...
    @property
    def beta_2(self) -> float: ...
    @property
    def epsilon(self) -> float: ...
    def __init__(
        self,
        learning_rate: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
        weight_decay: float,
    ) -> None: ...
