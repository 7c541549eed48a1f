from typing import Any, Final, NamedTuple, Self, final

from numpy.typing import NDArray

from cymlp.inputs import Inputs

BLOCK: Final[int]
LARGEST_SHARE: Final[float]
LARGEST_SIZE: Final[float]
LARGEST_SIZE_OF_FILE: Final[float]
ROWS_TO_JUDGE_BY: Final[int]
LARGEST_RATIO: Final[int]
MOST_CODES: Final[int]
ROWS_AT_A_TIME: Final[int]
TOO_MANY_CODES: Final[object]

@final
class Codes:
    @property
    def table(self) -> NDArray: ...
    def __new__(cls, dtype: Any) -> Self: ...

class Compact(NamedTuple):
    row_starts: NDArray
    blocks: NDArray
    table: NDArray | None
    offsets: NDArray

def compacted(inputs: Inputs) -> Compact | None: ...
