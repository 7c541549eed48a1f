"""Initial weights of a network."""

import math

import numpy as np


def draw_weights(coefs, activations, init, random_state):
    """Fill weight matrices of shape (n_in, n_out) with random values, in place.

    With `init` "auto", the `initializer` of the activation that a layer feeds selects
    the distribution; the output layer follows the last hidden layer. The variance is
    1 / n_in for LeCun normal and 2 / (n_in + n_out) for Glorot uniform. A float is the
    standard deviation of a normal distribution.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998. Glorot and Bengio,
    "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.

    Raises
    ------
    ValueError
        If a weight is too large for the precision.
    """
    followed_by = [*activations, *activations[-1:]] or [None]
    for W, activation in zip(coefs, followed_by, strict=True):
        n_in, n_out = W.shape
        if init != "auto":
            with np.errstate(over="ignore"):
                W[...] = random_state.normal(0, init, W.shape)
            if not np.isfinite(W).all():
                raise ValueError(f"init={init!r} gives weights too large for {W.dtype}")
        elif getattr(activation, "initializer", None) == "lecun_normal":
            W[...] = random_state.normal(0, 1 / math.sqrt(n_in), W.shape)
        else:
            bound = math.sqrt(6 / (n_in + n_out))
            W[...] = random_state.uniform(-bound, bound, W.shape)
