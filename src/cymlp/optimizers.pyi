from typing import final

from numpy.typing import NDArray

@final
class SGD:
    learning_rate: float
    momentum: float
    weight_decay: float
    def __init__(
        self, learning_rate: float, momentum: float, weight_decay: float
    ) -> None: ...
    def step(self, theta: NDArray, velocity: NDArray, gradient: NDArray) -> None: ...
