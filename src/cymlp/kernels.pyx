"""The kernels for this processor, chosen once, on import.

The environment variable ``CYMLP_ISA`` selects others, one of :func:`available`.
"""

from cython cimport floating

import os

__all__ = ["available", "isa"]

cdef const cymlp_kernel_set *chosen = NULL


cdef const cymlp_kernel_set *chosen_kernels() noexcept nogil:
    return chosen


def isa():
    """Return the name of the instruction set of the kernels in use.

    Returns
    -------
    isa : str
        One of :func:`available`.

    Examples
    --------
    >>> from cymlp import kernels
    >>> kernels.isa() in kernels.available()
    True
    """
    return chosen.isa.decode()


def available():
    """List the instruction sets that this processor supports and cymlp has kernels for.

    Returns
    -------
    names : list of str
        The best first. The last is always "plain".

    Examples
    --------
    >>> from cymlp import kernels
    >>> kernels.available()[-1]
    'plain'
    """
    cdef int index = 0
    names = []
    while cymlp_supported_kernels(index) != NULL:
        names.append(cymlp_supported_kernels(index).isa.decode())
        index += 1
    return names


def _use(name):
    """Choose the kernels of an instruction set; None for the best one."""
    global chosen
    names = available()
    if name is not None and name not in names:
        raise ImportError(
            f"The environment variable CYMLP_ISA must be one of {names} on this "
            f"processor. Got {name!r} instead."
        )
    chosen = cymlp_supported_kernels(0 if name is None else names.index(name))


def _element_types():
    """Map NumPy's name of each element type of X to its index."""
    return {cymlp_element_type(i).decode(): i for i in range(CYMLP_N_ELEMENT_TYPES)}


def _evaluate(name, const floating[::1] x not None, floating[::1] y not None):
    """Evaluate a function over an array: y <- f(x)."""
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"x and y must have the same length; got {x.shape[0]} and {y.shape[0]}"
        )
    if x.shape[0] == 0:
        return
    if name == "exp":
        exp(&x[0], &y[0], x.shape[0])
    elif name == "expm1":
        expm1(&x[0], &y[0], x.shape[0])
    elif name == "log":
        log(&x[0], &y[0], x.shape[0])
    elif name == "log1p":
        log1p(&x[0], &y[0], x.shape[0])
    elif name == "tanh":
        tanh(&x[0], &y[0], x.shape[0])
    elif name == "erfc":
        erfc(&x[0], &y[0], x.shape[0])
    else:
        raise ValueError(
            f"name must be exp, expm1, log, log1p, tanh or erfc; got {name!r}"
        )


_use(os.environ.get("CYMLP_ISA"))
