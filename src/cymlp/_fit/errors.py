"""The name of an argument in errors about it."""

import re
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
