from typing import Any, Self, final

from numpy.typing import NDArray

from cymlp._engine.inputs import Inputs

@final
class Samples:
    @property
    def n_samples(self) -> int: ...
    @property
    def n_features(self) -> int: ...
    @property
    def n_classes(self) -> int: ...
    @property
    def inputs(self) -> Inputs: ...
    @property
    def dtype(self) -> str: ...
    @property
    def is_sparse(self) -> bool: ...
    @property
    def n_places(self) -> int: ...
    def __new__(
        cls,
        X: Any,
        y: NDArray,
        n_classes: int,
        T: NDArray | None = None,
        weights: NDArray | None = None,
    ) -> Self: ...
