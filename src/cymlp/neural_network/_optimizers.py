"""scikit-learn's optimisers, for their schedules and messages, over the engine's.

The settings remain those of the call of `fit` or `partial_fit` that made them. `slots`
and `n_steps` are the state between calls.
"""

import numpy as np

from cymlp._engine import optimizers
from cymlp._sklearn import AdamOptimizer, SGDOptimizer

# The engine's limits for a learning rate and for Adam's epsilon.
MIN_RATE = float(np.finfo(np.float64).tiny)
MIN_EPSILON = 1e-37


class SGD(SGDOptimizer):
    """Stochastic gradient descent, with a learning rate schedule."""

    slots = 0.0
    n_steps = 0

    @classmethod
    def from_parameters(cls, parameters):
        """Create the optimiser from the parameters of an estimator."""
        return cls(
            [], parameters.learning_rate_init, parameters.learning_rate,
            parameters.momentum, parameters.nesterovs_momentum, parameters.power_t,
        )  # fmt: skip

    def compiled(self, penalty):
        """The engine's optimiser, with this L2 penalty."""
        rate = max(self.learning_rate, MIN_RATE)
        sgd = optimizers.SGD(rate, self.momentum, 0, self.nesterov)
        sgd.penalty = penalty
        return sgd


class Adam(AdamOptimizer):
    """Adam."""

    slots = 0.0
    n_steps = 0

    @classmethod
    def from_parameters(cls, parameters):
        """Create the optimiser from the parameters of an estimator."""
        return cls(
            [], parameters.learning_rate_init, parameters.beta_1, parameters.beta_2,
            parameters.epsilon,
        )  # fmt: skip

    def compiled(self, penalty):
        """The engine's optimiser, with this L2 penalty."""
        adam = optimizers.Adam(
            self.learning_rate, self.beta_1, self.beta_2,
            max(self.epsilon, MIN_EPSILON), 0,
        )  # fmt: skip
        adam.is_epsilon_hat = True
        adam.penalty = penalty
        return adam


SOLVERS = {"sgd": SGD, "adam": Adam}
