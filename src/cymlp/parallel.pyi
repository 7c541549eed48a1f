from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from numpy.typing import ArrayLike

from cymlp.classifier import MLPClassifier

_Estimators = TypeVar(
    "_Estimators", bound=Sequence[MLPClassifier] | Mapping[Any, MLPClassifier]
)

def fit_many(
    estimators: _Estimators,
    X: Any,
    y: ArrayLike,
    *,
    X_val: Any = None,
    y_val: ArrayLike | None = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> _Estimators: ...
