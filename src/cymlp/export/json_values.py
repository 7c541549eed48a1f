"""Parameters and other values as JSON."""

from collections.abc import Mapping

import numpy as np

from cymlp.activations import ACTIVATIONS
from cymlp.losses import LOSSES

MEMBERS = ACTIVATIONS | LOSSES


def encoded(parameter, value):
    """A parameter as JSON: other types become a dict with the type as its key.

    Arrays become lists, and NumPy scalars become Python scalars.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value in (np.float32, np.float64):
        return np.dtype(value).name
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"float": str(value)}
    if isinstance(value, list):
        return [encoded(parameter, member) for member in value]
    if isinstance(value, tuple):
        return {"tuple": encoded(parameter, list(value))}
    if isinstance(value, Mapping):
        return {"dict": encoded(parameter, list(value.items()))}
    if type(value) in MEMBERS.values():
        members = value.get_params(deep=False)
        return {
            "object": value.name,
            "parameters": {
                name: encoded(f"{parameter}__{name}", member)
                for name, member in members.items()
            },
        }
    raise ValueError(
        f"{parameter}={value!r} cannot be saved: it must be a number, string, boolean, "
        "None, a list, tuple or dict of these, or an activation or loss of cymlp. If "
        "predictions do not depend on it, replace it with set_params before saving"
    )


def decoded(value):
    """The inverse of `encoded`."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [decoded(member) for member in value]
        case {"float": "inf" | "-inf" | "nan" as name, **rest} if not rest:
            return float(name)
        case {"tuple": list(members), **rest} if not rest:
            return tuple(decoded(members))
        case {"dict": list(items), **rest} if not rest:
            return dict(decoded(items))
        case {"object": name, "parameters": dict(members), **rest} if not rest:
            return MEMBERS[name](**{key: decoded(members[key]) for key in members})
    raise ValueError(f"it has a value of unknown type, {value!r:.200}")
