"""Errors that name arguments, and the place of warnings."""

import re
import sys
import warnings
from contextlib import contextmanager


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


def warn(message, category):
    """Warn about the line that called cymlp."""
    frame, stacklevel = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("cymlp."):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)
