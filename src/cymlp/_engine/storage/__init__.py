"""Storage of X: dense, block sparse or CSR.

A form is a file with two classes, a `Stored` and a `FirstLayer` (see `base`). `FORMS`
lists the forms in the order in which they are tried.
"""

from cymlp._engine.storage.base import NotFiniteError, Stored
from cymlp._engine.storage.block_sparse import BlockSparse
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense

__all__ = ["FORMS", "NotFiniteError", "Stored", "store"]

FORMS = (CSR, BlockSparse, Dense)


def store(inputs):
    """Return X in the first form that suits it, a Stored that many fits can share.

    Raise NotFiniteError if a value is NaN, infinite, or too large for the precision.
    """
    if inputs.indices is not None or min(inputs.shape) < 1:
        raise ValueError(
            "inputs must have at least one sample and one feature, and no selection "
            f"of samples; got shape {inputs.shape}"
            + ("" if inputs.indices is None else " and a selection")
        )
    for form in FORMS:
        if (stored := form.store(inputs)) is not None:
            return stored
    raise AssertionError("the last form, Dense, stores every X")
