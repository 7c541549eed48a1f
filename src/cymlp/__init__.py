"""A fast multi-layer perceptron for the CPU, with the interface of scikit-learn."""

from importlib.metadata import version
from pathlib import Path

from cymlp import activations, export, kernels, losses, neural_network, plots, typing
from cymlp.checkpoints import Checkpoint
from cymlp.classifier import MLPClassifier
from cymlp.history import History
from cymlp.parallel import fit_many
from cymlp.regressor import MLPRegressor

# The public interface: these names, and the `__all__` of these modules.
__all__ = [
    "Checkpoint",
    "History",
    "MLPClassifier",
    "MLPRegressor",
    "activations",
    "export",
    "fit_many",
    "get_include",
    "kernels",
    "losses",
    "neural_network",
    "plots",
    "typing",
]
__version__ = version("cymlp")


def get_include() -> str:
    """Return the include directory of the C header `cymlp/kernels.h`.

    Returns
    -------
    folder : str
        Directory for the compiler option ``-I``.

    Raises
    ------
    FileNotFoundError
        If the header is not installed.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cymlp
    >>> Path(cymlp.get_include(), "cymlp", "kernels.h").exists()
    True
    """
    # An editable installation has several folders.
    for folder in __path__:
        include = Path(folder, "include")
        if include.joinpath("cymlp", "kernels.h").exists():
            return str(include)
    raise FileNotFoundError(f"include/cymlp/kernels.h is not in {list(__path__)}")
