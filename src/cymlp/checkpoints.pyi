from dataclasses import KW_ONLY, dataclass
from os import PathLike

@dataclass(frozen=True)
class Checkpoint:
    file: str | PathLike[str]
    _: KW_ONLY
    every: int = 1
    def __post_init__(self) -> None: ...
