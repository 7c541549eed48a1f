from typing import Final

from numpy.typing import NDArray

BLOCK: Final[int]
LARGEST_SHARE: Final[float]
ROWS_TO_JUDGE_BY: Final[int]

def compacted(X: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray] | None: ...
