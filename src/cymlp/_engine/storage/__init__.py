"""Storage of X: the form in which a fit reads it.

A form is a file with two classes, a `Stored` and a `FirstLayer` (see `base`). `FORMS`
lists them in the order in which they are tried.
"""

from cymlp._engine.storage.base import NotFiniteError, Stored
from cymlp._engine.storage.block_sparse import BlockSparse
from cymlp._engine.storage.csr import CSR
from cymlp._engine.storage.dense import Dense

__all__ = ["FORMS", "NotFiniteError", "Stored", "store"]

FORMS = (CSR, BlockSparse, Dense)


def store(inputs):
    """Store X in the form that suits it, and check its values on the way.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    stored : Stored
        Can be shared by many fits.

    Raises
    ------
    ValueError
        If X has no samples, no features, or a selection of samples.
    NotFiniteError
        If a value is NaN, infinite, or too large for the precision.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp._engine.inputs import Inputs
    >>> from cymlp._engine.storage import store
    >>> type(store(Inputs(np.eye(64)))).__name__
    'BlockSparse'
    >>> type(store(Inputs(np.random.default_rng(0).normal(size=(9, 9))))).__name__
    'Dense'
    """
    if inputs.indices is not None or min(inputs.shape) < 1:
        raise ValueError(
            "inputs must have at least one sample and one feature, and no selection "
            f"of samples; got shape {inputs.shape}"
        )
    for form in FORMS:
        if (stored := form.store(inputs)) is not None:
            return stored
    raise AssertionError("the last form takes every X")
