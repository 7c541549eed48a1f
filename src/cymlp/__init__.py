"""A fast multi-layer perceptron classifier for the CPU, at home in scikit-learn."""

from importlib.metadata import version
from pathlib import Path

from cymlp.classifier import MLPClassifier
from cymlp.history import History
from cymlp.parallel import fit_many

__all__ = ["History", "MLPClassifier", "fit_many", "get_include"]
__version__ = version("cymlp")


def get_include() -> str:
    """Find the C headers, for Cython code that is compiled against this package.

    Returns
    -------
    folder : str
        What a compiler needs as ``-I``, for `cymlp/kernels.h` to be found.

    Raises
    ------
    FileNotFoundError
        If the package was installed without its headers.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cymlp
    >>> Path(cymlp.get_include(), "cymlp", "kernels.h").exists()
    True
    """
    # An editable install has more than one folder.
    for folder in __path__:
        include = Path(folder, "include")
        if include.joinpath("cymlp", "kernels.h").exists():
            return str(include)
    raise FileNotFoundError(f"no headers of cymlp in {list(__path__)}")
