"""Optimisers: one loop over all parameters, which knows no layers."""

cimport cython
from cython cimport floating


@cython.final
cdef class SGD:
    """Stochastic gradient descent with momentum and weight decay.

    v ← momentum · v + (gradient + weight_decay · θ), θ ← θ − learning_rate · v, for
    weights and biases alike.

    Parameters
    ----------
    learning_rate : float
    momentum : float
    weight_decay : float

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013, for the method; the learning rate multiplies
    the velocity and not the gradient, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> from cymlp.optimizers import SGD
    >>> theta, velocity = np.array([1.0]), np.array([0.0])
    >>> sgd = SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    >>> for gradient in (1.0, 1.0):
    ...     sgd.step(theta, velocity, np.array([gradient]))
    >>> theta.round(4), velocity
    (array([0.71]), array([1.9]))
    """

    def __init__(self, double learning_rate, double momentum, double weight_decay):
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay

    def step(self, theta, velocity, gradient):
        """Change theta and velocity in place by one step.

        Parameters
        ----------
        theta, velocity, gradient : ndarray of shape (n_parameters,)
            All float32 or all float64, and contiguous.

        Raises
        ------
        ValueError
            If the lengths differ.
        """
        if not len(theta) == len(velocity) == len(gradient):
            raise ValueError(
                "theta, velocity and gradient must have the same length; got "
                f"{len(theta)}, {len(velocity)} and {len(gradient)}"
            )
        _step(theta, velocity, gradient, self)


cdef void sgd_step(
    SGD settings, floating *theta, floating *velocity, const floating *gradient,
    Py_ssize_t count
) noexcept nogil:
    cdef floating learning_rate = <floating> settings.learning_rate
    cdef floating momentum = <floating> settings.momentum
    cdef floating weight_decay = <floating> settings.weight_decay
    cdef Py_ssize_t i
    for i in range(count):
        velocity[i] = momentum * velocity[i] + (gradient[i] + weight_decay * theta[i])
        theta[i] -= learning_rate * velocity[i]


def _step(
    floating[::1] theta, floating[::1] velocity, const floating[::1] gradient,
    SGD settings
):
    sgd_step(settings, &theta[0], &velocity[0], &gradient[0], theta.shape[0])
