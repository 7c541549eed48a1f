from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from numpy.typing import NDArray

_Columns: TypeAlias = Mapping[str, Any]
_Runs: TypeAlias = _Columns | Sequence[_Columns]

COLORS: Final[tuple[str, ...]]
LINES: Final[tuple[str, ...]]
MARKERS: Final[tuple[str, ...]]
HELD_OUT: Final[dict[str, str]]
STYLES: Final[dict[str, dict[str, str]]]
N_MARKERS: Final = 8
QUANTITIES: Final[tuple[str, ...]]

def plot_history(
    history: _Runs, axes: Sequence[Any] | None = None, *, burn_in: float = 0.0
) -> NDArray: ...
def plot_comparison(
    histories: Mapping[str, _Runs],
    quantity: str = "val_accuracy",
    axis: Any = None,
    *,
    burn_in: float = 0.0,
) -> Any: ...
def plot_grid(
    histories: Mapping[str, _Runs],
    quantity: str = "loss",
    *,
    n_columns: int = 3,
    share: Literal["all", "row"] = "all",
    figure: Any = None,
    burn_in: float = 0.0,
) -> NDArray: ...
def new_axes() -> NDArray: ...
