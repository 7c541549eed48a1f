"""Errors that name arguments and columns, and the place of warnings."""

import re
import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

_collected = ContextVar("_collected", default=None)


@contextmanager
def naming(argument):
    """Put the name of an argument before errors that do not contain it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if re.search(rf"\b{argument}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{argument}: {error}") from error


@contextmanager
def naming_text(X):
    """Explain errors about text in X, and name the columns of a data frame."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if not re.search("could not (convert string|be promoted)", str(error)):
            raise
        columns = [name for name in getattr(X, "columns", ()) if _has_text(X[name])]
        found = f"Columns without numbers: {columns}. " if columns else ""
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{error}. {found}Turn categories into numbers first, for example with "
            "sklearn.preprocessing.OneHotEncoder, and texts with "
            "sklearn.feature_extraction.text.TfidfVectorizer."
        ) from error


def _has_text(column):
    values = np.asarray(column)
    try:
        values.astype(np.float64)
    except (TypeError, ValueError):
        return True
    return values.dtype.kind in "mM"


def warn(message, category):
    """Warn about the line that called cymlp, or leave that to `collected_warnings`."""
    if (collected := _collected.get()) is not None:
        collected.append((message, category))
        return
    frame, stacklevel = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("cymlp."):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)


@contextmanager
def collected_warnings(collected):
    """Context in which `warn` appends (message, category) to a list, in this thread."""
    token = _collected.set(collected)
    try:
        yield
    finally:
        _collected.reset(token)
