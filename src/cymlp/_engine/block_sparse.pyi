from typing import Final, NamedTuple

from numpy.typing import NDArray

from cymlp._engine.inputs import Inputs

BLOCK: Final[int]
LARGEST_SHARE: Final[float]
LARGEST_SIZE: Final[float]
LARGEST_SIZE_OF_FILE: Final[float]
ROWS_TO_JUDGE_BY: Final[int]
LARGEST_RATIO: Final[int]
LARGEST_SCALED: Final[int]
MOST_CODES: Final[int]
ROWS_AT_A_TIME: Final[int]

class TooManyCodesError(ValueError): ...

class Compact(NamedTuple):
    row_starts: NDArray
    blocks: NDArray
    table: NDArray | None
    offsets: NDArray
    taken: NDArray
    scales: NDArray | None = ...

def compacted(inputs: Inputs) -> Compact | None: ...
