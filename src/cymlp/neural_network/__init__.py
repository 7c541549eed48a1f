"""A drop-in for `sklearn.neural_network`: its networks, trained by cymlp.

The classes are those of the installed scikit-learn, with its parameters, attributes and
messages. Only the computation differs. From the same `random_state` both draw the same
weights and orders of the samples, and train the same network up to rounding.

Examples
--------
>>> import numpy as np
>>> from cymlp.neural_network import MLPRegressor
>>> from sklearn import neural_network
>>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
>>> y = X[:, 0] ** 2
>>> ours, theirs = (
...     regressor(tol=1e-2, random_state=0).fit(X, y)
...     for regressor in (MLPRegressor, neural_network.MLPRegressor)
... )
>>> np.allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
True
"""

from sklearn import neural_network

from cymlp.neural_network._base import EngineMixin

__all__ = ["MLPClassifier", "MLPRegressor"]


class MLPClassifier(EngineMixin, neural_network.MLPClassifier):
    """Multi-layer perceptron classifier of scikit-learn, trained by cymlp.

    Parameters, attributes and methods are those of
    :class:`sklearn.neural_network.MLPClassifier`. With ``solver="lbfgs"``, float32 X is
    trained on in float64. An exception in `fit` leaves the estimator unchanged.

    See Also
    --------
    cymlp.MLPClassifier : A classifier with other defaults, losses and reports.

    Examples
    --------
    >>> from cymlp.neural_network import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(solver="lbfgs", alpha=1e-3, random_state=0).fit(X, y)
    >>> clf.predict(X[::60])
    array([0, 1, 2])
    """


class MLPRegressor(EngineMixin, neural_network.MLPRegressor):
    """Multi-layer perceptron regressor of scikit-learn, trained by cymlp.

    Parameters, attributes and methods are those of
    :class:`sklearn.neural_network.MLPRegressor`. With ``solver="lbfgs"``, float32 X is
    trained on in float64. An exception in `fit` leaves the estimator unchanged.

    Examples
    --------
    >>> from cymlp.neural_network import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> regressor = MLPRegressor(hidden_layer_sizes=(10,), solver="lbfgs", tol=0.1,
    ...                          max_iter=500, random_state=0)
    >>> regressor.fit(X, y).predict(X).shape
    (442,)
    """
