from typing import Self, final

from numpy.typing import NDArray

from cymlp._engine.buffers import Workspace
from cymlp._engine.optimizers import SGD, Optimizer
from cymlp._engine.samples import Samples

def power(optimizer: SGD, n: int) -> NDArray: ...

@final
class SparseLayer(Workspace):
    @property
    def samples(self) -> Samples: ...
    @property
    def n_out(self) -> int: ...
    def __new__(
        cls,
        samples: Samples,
        n_out: int,
        batch_size: int,
        optimizer: Optimizer | None = None,
    ) -> Self: ...
