from dataclasses import dataclass
from os import PathLike

@dataclass(frozen=True)
class Checkpoint:
    file: str | PathLike[str]
    every: int
    def __init__(self, file: str | PathLike[str], *, every: int = 1) -> None: ...
    def __post_init__(self) -> None: ...
