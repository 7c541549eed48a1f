"""First weights of a network."""

import math


def draw_weights(coefs, activations, init, random_state):
    """Fill weight matrices with random values, in place.

    Parameters
    ----------
    coefs : list of ndarray of shape (n_in, n_out)
        One per layer.
    activations : list of objects
        One per hidden layer. The last serves the output layer, too.
    init : "auto" or float
        "auto" goes by the `initializer` of the activation that a layer feeds. A float
        is the standard deviation of a normal distribution.
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
    followed_by = [*activations, *activations[-1:]] or [None]
    for W, activation in zip(coefs, followed_by, strict=True):
        n_in, n_out = W.shape
        if init != "auto":
            W[...] = random_state.normal(0, init, W.shape)
        elif getattr(activation, "initializer", None) == "lecun_normal":
            W[...] = random_state.normal(0, 1 / math.sqrt(n_in), W.shape)
        else:
            bound = math.sqrt(6 / (n_in + n_out))
            W[...] = random_state.uniform(-bound, bound, W.shape)
