from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray

_Columns: TypeAlias = Mapping[str, Any]
_Runs: TypeAlias = _Columns | Sequence[_Columns]

__all__ = ["plot_comparison", "plot_grid", "plot_history"]

COLORS: Final[tuple[str, ...]]
LINES: Final[tuple[str, ...]]
MARKERS: Final[tuple[str, ...]]
HELD_OUT: Final[dict[str, str]]
STYLES: Final[dict[str, dict[str, str]]]
N_MARKERS: Final = 8
QUANTITIES: Final[tuple[str, ...]]

def plot_history(
    history: _Runs,
    axes: Sequence[Axes] | NDArray | None = None,
    *,
    burn_in: float = 0.0,
) -> NDArray: ...
def plot_comparison(
    histories: Mapping[str, _Runs],
    quantity: str = "val_accuracy",
    axis: Axes | None = None,
    *,
    burn_in: float = 0.0,
) -> Axes: ...
def plot_grid(
    histories: Mapping[str, _Runs],
    quantity: str = "loss",
    *,
    n_columns: int = 3,
    share: Literal["all", "row"] = "all",
    figure: Figure | SubFigure | None = None,
    burn_in: float = 0.0,
) -> NDArray: ...
def new_axes() -> NDArray: ...
