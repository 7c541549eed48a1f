"""A fast multi-layer perceptron classifier for the CPU, at home in scikit-learn."""

from importlib.metadata import version

from cymlp.classifier import MLPClassifier
from cymlp.history import History
from cymlp.parallel import fit_many

__all__ = ["History", "MLPClassifier", "fit_many"]
__version__ = version("cymlp")
