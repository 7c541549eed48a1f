import os
from typing import Any

from onnx import ModelProto

from cymlp.classifier import MLPClassifier
from cymlp.regressor import MLPRegressor

__all__ = ["load", "register_with_skl2onnx", "save", "to_c", "to_onnx"]

def to_c(
    estimator: MLPClassifier | MLPRegressor,
    file: str | os.PathLike[str],
    prefix: str = "",
) -> None: ...
def save(
    estimator: MLPClassifier | MLPRegressor, file: str | os.PathLike[str]
) -> None: ...

# Not a union, which callers would have to narrow.
def load(file: str | os.PathLike[str]) -> Any: ...
def to_onnx(estimator: MLPClassifier | MLPRegressor) -> ModelProto: ...
def register_with_skl2onnx() -> None: ...
