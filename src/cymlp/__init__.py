"""A fast multi-layer perceptron for the CPU, with scikit-learn's interface."""

from importlib.metadata import version
from pathlib import Path

from cymlp import activations, export, kernels, losses, plots, typing
from cymlp.classifier import MLPClassifier
from cymlp.history import History
from cymlp.parallel import fit_many

# The public interface: these names, and those in the `__all__` of these modules.
__all__ = [
    "History",
    "MLPClassifier",
    "activations",
    "export",
    "fit_many",
    "get_include",
    "kernels",
    "losses",
    "plots",
    "typing",
]
__version__ = version("cymlp")


def get_include() -> str:
    """Find the C header, for code that is compiled against this package.

    Returns
    -------
    folder : str
        The compiler's option ``-I``, with which it finds `cymlp/kernels.h`.

    Raises
    ------
    FileNotFoundError
        If the package was installed without the header.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cymlp
    >>> Path(cymlp.get_include(), "cymlp", "kernels.h").exists()
    True
    """
    # An editable installation has more than one folder.
    for folder in __path__:
        include = Path(folder, "include")
        if include.joinpath("cymlp", "kernels.h").exists():
            return str(include)
    raise FileNotFoundError(f"cymlp/kernels.h is not in {list(__path__)}")
