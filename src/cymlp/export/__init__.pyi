import os
from typing import Final

from onnx import ModelProto

from cymlp.classifier import MLPClassifier

FORMAT: Final[int]
MODEL_KEYS: Final[set[str]]
CLASS_DTYPES: Final[tuple[str, ...]]
ONNX_OPERATORS: Final[dict[str, tuple[str, dict[str, float]]]]
C_ACTIVATIONS: Final[dict[str, str]]
C_ACTIVATION: Final[str]
C_DENSE: Final[str]
C_PROBABILITIES: Final[str]
C_CLASS: Final[str]

def to_c(
    classifier: MLPClassifier, file: str | os.PathLike[str], prefix: str = ""
) -> None: ...
def save(classifier: MLPClassifier, file: str | os.PathLike[str]) -> None: ...
def load(file: str | os.PathLike[str]) -> MLPClassifier: ...
def to_onnx(classifier: MLPClassifier) -> ModelProto: ...
def register_with_skl2onnx() -> None: ...
