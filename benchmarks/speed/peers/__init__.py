"""The implementations whose speed is compared.

Every peer module is imported in a process of its own, so that its libraries are loaded
with the threads and the processor that the process was started with.
"""

from typing import NamedTuple


class Peer(NamedTuple):
    """An implementation that takes part in the comparison.

    Attributes
    ----------
    title : str
    package : str
        Name of the package that must be installed.
    target : str
        Module and class, as "module:Class".
    """

    title: str
    package: str
    target: str


PEERS = {
    "cymlp": Peer("cymlp", "cymlp", f"{__name__}.estimators:CymlpPeer"),
    "numpy": Peer("NumPy", "numpy", f"{__name__}.numpy_loop:NumpyPeer"),
    "scikit-learn": Peer(
        "scikit-learn", "sklearn", f"{__name__}.estimators:SklearnPeer"
    ),
    "pytorch": Peer("PyTorch", "torch", f"{__name__}.torch_loop:TorchPeer"),
    "dataloader": Peer(
        "PyTorch, DataLoader", "torch", f"{__name__}.torch_loop:DataLoaderPeer"
    ),
    "jax": Peer("JAX", "jax", f"{__name__}.jax_loop:JaxPeer"),
}
