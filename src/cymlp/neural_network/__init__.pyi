from abc import ABCMeta

from sklearn import neural_network

# Parameters and methods depend on the installed scikit-learn, which has no types.
class MLPClassifier(neural_network.MLPClassifier, metaclass=ABCMeta): ...
class MLPRegressor(neural_network.MLPRegressor, metaclass=ABCMeta): ...

__all__ = ["MLPClassifier", "MLPRegressor"]
