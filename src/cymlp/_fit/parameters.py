"""The parameters of a network in training, with the state of their optimiser."""

import numpy as np

from cymlp._engine.network import n_parameters, split_parameters


class Parameters:
    """Parameters, optimiser slots and the number of steps.

    Parameters
    ----------
    sizes : sequence of int
        Widths of all layers, from input to output.
    n_slots : int
        Number of arrays that the optimiser keeps beside the parameters.
    dtype : dtype

    Attributes
    ----------
    values : ndarray of shape (1 + n_slots, n_parameters)
        The parameters, and below them the slots.
    n_steps : int
        Number of steps that the optimiser has taken.
    coefs : list of ndarray of shape (n_in, n_out)
    intercepts : list of ndarray of shape (n_out,)
        Views of the parameters.

    Examples
    --------
    >>> from cymlp._fit.parameters import Parameters
    >>> parameters = Parameters([784, 28, 10], n_slots=1, dtype="float32")
    >>> parameters.values.shape
    (2, 22270)
    """

    def __init__(self, sizes, n_slots, dtype):
        self._sizes = sizes
        self.values = np.zeros((1 + n_slots, n_parameters(sizes)), dtype)
        self.n_steps = 0
        self.coefs, self.intercepts = split_parameters(self.values[0], sizes)

    def copy(self):
        """Copy everything into new memory."""
        copied = Parameters(self._sizes, len(self.values) - 1, self.values.dtype)
        copied.assign(self)
        return copied

    def assign(self, other):
        """Take over the values and the number of steps of other parameters."""
        np.copyto(self.values, other.values)
        self.n_steps = other.n_steps
