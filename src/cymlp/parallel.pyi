from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from numpy.typing import ArrayLike

from cymlp._fit.estimator import BaseMLP

_Estimators = TypeVar("_Estimators", bound=Sequence[BaseMLP] | Mapping[Any, BaseMLP])

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
