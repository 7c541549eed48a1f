from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

PLAIN_TYPES: set[type]

def are_plain(values: Sequence[Any]) -> bool: ...

class ParametersMixin(BaseEstimator): ...
