from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray

STYLES: Final[dict[str, dict[str, str]]]

def plot_history(
    history: Mapping[str, Any], axes: Sequence[Any] | None = None
) -> NDArray: ...
def new_axes() -> NDArray: ...
