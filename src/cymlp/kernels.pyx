"""The kernels for the processor at hand, chosen once, at import.

The environment variable ``CYMLP_ISA`` chooses others: "avx512", "avx2" or "plain".
"""

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


use(os.environ.get("CYMLP_ISA"))
