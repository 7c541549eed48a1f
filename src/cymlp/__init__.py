"""A fast multi-layer perceptron classifier for the CPU, at home in scikit-learn."""

from importlib.metadata import version

from cymlp.classifier import MLPClassifier
from cymlp.history import History

__all__ = ["History", "MLPClassifier"]
__version__ = version("cymlp")
