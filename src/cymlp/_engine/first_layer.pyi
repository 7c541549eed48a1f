from typing import Final, Self, final

from cymlp._engine.buffers import Workspace
from cymlp._engine.optimizers import Optimizer
from cymlp._engine.samples import Samples

MOST_AT_ONCE: Final[int]

@final
class FirstLayer(Workspace):
    @property
    def samples(self) -> Samples: ...
    @property
    def n_out(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    def __new__(
        cls,
        samples: Samples,
        n_out: int,
        batch_size: int,
        optimizer: Optimizer | None = None,
    ) -> Self: ...
