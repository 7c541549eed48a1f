from collections.abc import Sequence
from typing import Any, Final, Self, final

from numpy.typing import NDArray

from cymlp._engine.first_layer import FirstLayer
from cymlp._engine.optimizers import Optimizer

WRONG_SHAPE: Final[str]

def n_parameters(sizes: Sequence[int]) -> int: ...
def split_parameters(
    theta: NDArray, sizes: Sequence[int]
) -> tuple[list[NDArray], list[NDArray]]: ...

@final
class Network:
    @property
    def batch_size(self) -> int: ...
    @property
    def first_width(self) -> int: ...
    @property
    def n_parameters(self) -> int: ...
    @property
    def work_size(self) -> int: ...
    def __new__(
        cls,
        sizes: Sequence[int],
        activations: Sequence[Any],
        loss: Any,
        batch_size: int,
        dropout: Sequence[float] = (),
    ) -> Self: ...
    def train_epoch(
        self,
        first: FirstLayer,
        order: NDArray,
        optimizer: Optimizer,
        state: NDArray,
        work: NDArray,
        record: NDArray,
        seed: int = 0,
    ) -> bool: ...
    def evaluate(
        self, first: FirstLayer, order: NDArray, theta: NDArray, work: NDArray
    ) -> tuple[float, float]: ...
