"""The kernels for the processor at hand, chosen once, at import.

The environment variable ``CYMLP_ISA`` chooses others: "avx512", "avx2" or "plain".
"""

from cython cimport floating

import os

cdef const cymlp_kernel_set *chosen = NULL


cdef const cymlp_kernel_set *chosen_kernels() noexcept nogil:
    return chosen


def isa():
    """Name the instruction set of the kernels.

    Returns
    -------
    isa : {"avx512", "avx2", "plain"}

    Examples
    --------
    >>> from cymlp import kernels
    >>> kernels.isa() in ("avx512", "avx2", "plain")
    True
    """
    return chosen.isa.decode()


def available():
    """Name the instruction sets that this processor has kernels for.

    Returns
    -------
    names : list of str
        The best first; "plain" is always there.

    Examples
    --------
    >>> from cymlp import kernels
    >>> kernels.available()[-1]
    'plain'
    """
    return [
        name for name in ("avx512", "avx2", "plain")
        if cymlp_find_kernels(name.encode()) != NULL
    ]


def use(name):
    """Choose the kernels of an instruction set; called once, at import.

    Parameters
    ----------
    name : str or None
        One of `available`; the first of them for None.

    Raises
    ------
    ImportError
        If this processor has no such kernels.
    """
    global chosen
    name = available()[0] if name is None else name
    cdef const cymlp_kernel_set *found = cymlp_find_kernels(name.encode())
    if found == NULL:
        raise ImportError(
            f"CYMLP_ISA={name!r} names no kernels that this processor has; "
            f"it may be one of {available()}"
        )
    chosen = found


def evaluate(name, const floating[::1] x not None, floating[::1] y not None):
    """Evaluate a function over an array, as the layers do.

    Parameters
    ----------
    name : {"exp", "expm1", "log", "log1p", "tanh"}
    x : ndarray of shape (count,)
        float32 or float64.
    y : ndarray of shape (count,)
        Takes the values; may be x.

    Raises
    ------
    ValueError
        If there is no such function, or the arrays differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp import kernels
    >>> x = np.array([0.0, 1.0])
    >>> kernels.evaluate("exp", x, x)
    >>> x.round(4)
    array([1.    , 2.7183])
    """
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"x has {x.shape[0]} numbers and y {y.shape[0]}")
    if x.shape[0] == 0:
        return
    if name == "exp":
        kernels_for(&x[0]).exp(&x[0], &y[0], x.shape[0])
    elif name == "expm1":
        kernels_for(&x[0]).expm1(&x[0], &y[0], x.shape[0])
    elif name == "log":
        kernels_for(&x[0]).log(&x[0], &y[0], x.shape[0])
    elif name == "log1p":
        kernels_for(&x[0]).log1p(&x[0], &y[0], x.shape[0])
    elif name == "tanh":
        kernels_for(&x[0]).tanh(&x[0], &y[0], x.shape[0])
    else:
        raise ValueError(
            f"name must be exp, expm1, log, log1p or tanh; got {name!r}"
        )


use(os.environ.get("CYMLP_ISA"))
