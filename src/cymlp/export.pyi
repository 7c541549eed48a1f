import os
from typing import Final

from cymlp.classifier import MLPClassifier

C_ACTIVATIONS: Final[dict[str, str]]
C_ACTIVATION: Final[str]
C_DENSE: Final[str]
C_PROBABILITIES: Final[str]
C_CLASS: Final[str]

def to_c(
    classifier: MLPClassifier, file: str | os.PathLike[str], prefix: str = ""
) -> None: ...
