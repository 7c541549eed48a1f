from typing import Self, final

from numpy.typing import NDArray

from cymlp.optimizers import SGD, Optimizer
from cymlp.samples import Samples
from cymlp.workspace import Workspace

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
