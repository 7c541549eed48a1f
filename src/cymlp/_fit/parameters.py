"""Parameters of a network in training, with their optimiser state."""

import numpy as np

from cymlp._engine.network import n_parameters, split_parameters


class Parameters:
    """Parameters, optimiser slots and the number of steps taken.

    The rows of `values`, of shape (1 + n_slots, n_parameters), are the parameters and
    the slots. `coefs` and `intercepts` are views of the first row.
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
        """Copy the values and the number of steps of other parameters."""
        np.copyto(self.values, other.values)
        self.n_steps = other.n_steps
