"""First weights of a network."""

import math

from cymlp.activations import Selu


def draw_weights(coefs, activations, init, random_state):
    """Fill weight matrices with random numbers, in place.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_in, n_out)
        One per layer.
    activations : list of objects
        One per hidden layer. The output layer takes its rule from the last.
    init : "auto" or float
        LeCun normal for layers that feed selu and Glorot uniform for others; or the
        standard deviation of a normal distribution.
    random_state : RandomState

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, for the normal
    distribution of variance 1 / n_in. Glorot and Bengio, "Understanding the difficulty
    of training deep feedforward neural networks", AISTATS 2010, for the uniform one of
    variance 2 / (n_in + n_out).

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp.activations import Tanh
    >>> from cymlp._fit.initialization import draw_weights
    >>> W = np.zeros((3, 2))
    >>> draw_weights([W], [], "auto", np.random.RandomState(0))
    >>> bool(np.all(abs(W) <= np.sqrt(6 / 5)))
    True
    """
    # An output layer without a hidden one before it has no activation to go by.
    rules = [*activations, activations[-1]] if activations else [None]
    for W, activation in zip(coefs, rules, strict=True):
        n_in, n_out = W.shape
        if init != "auto":
            W[...] = random_state.normal(0, init, W.shape)
        elif isinstance(activation, Selu):
            W[...] = random_state.normal(0, 1 / math.sqrt(n_in), W.shape)
        else:
            bound = math.sqrt(6 / (n_in + n_out))
            W[...] = random_state.uniform(-bound, bound, W.shape)
