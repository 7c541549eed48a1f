"""The cases: each measures one workload in one way."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from benchmarks.speed import measurements
from benchmarks.speed.workloads import Workload


class Case(NamedTuple):
    """A workload and a way to measure it.

    Attributes
    ----------
    title : str
    measure : callable
        A function of `measurements`, called with the processes, the workload, the
        names of peers and a number of epochs.
    workload : Workload
    epochs : int
        Default number of epochs to time.
    by_default : bool
        Whether the case is measured if no case is named.
    """

    title: str
    measure: Callable
    workload: Workload
    epochs: int = 6
    by_default: bool = True


TRAINING = measurements.training
MNIST = Workload("mnist", (28,))
NOISE = Workload("noise", (28,))
TABLE = Workload("table", (64, 64), 256)
TEXT = Workload("text", (100,), peers=("numpy", "scikit-learn", "pytorch"))
IRIS = Workload(
    "iris", (20,), 50, ("scikit-learn",), solver="adam", learning_rate=0.001
)
CASES = {
    "mnist": Case(
        "MNIST, 784-28-10",
        TRAINING,
        MNIST._replace(peers=(*MNIST.peers, "dataloader")),
    ),
    "batch-10": Case(
        "MNIST, 784-28-10, batches of 10", TRAINING, MNIST._replace(batch_size=10)
    ),
    "batch-1000": Case(
        "MNIST, 784-28-10, batches of 1000", TRAINING, MNIST._replace(batch_size=1000)
    ),
    "two-layers": Case(
        "MNIST, 784-112-28-10", TRAINING, MNIST._replace(hidden=(112, 28))
    ),
    "hidden-100": Case(
        "MNIST, 784-100-10, batches of 200",
        TRAINING,
        MNIST._replace(hidden=(100,), batch_size=200),
    ),
    "wide": Case(
        "MNIST, 784-256-128-10, batches of 200",
        TRAINING,
        MNIST._replace(hidden=(256, 128), batch_size=200),
    ),
    "wider": Case(
        "MNIST, 784-512-256-10, batches of 256",
        TRAINING,
        MNIST._replace(hidden=(512, 256), batch_size=256),
        epochs=4,
    ),
    "proba": Case(
        "MNIST, probabilities of 10000 rows",
        partial(measurements.prediction, n_rows=10_000),
        MNIST,
    ),
    "one-row": Case(
        "MNIST, label of one row, checks included",
        partial(measurements.prediction, n_rows=1, method=("predict",)),
        MNIST._replace(peers=("scikit-learn",)),
    ),
    "small-fit": Case(
        "Iris, fit of 150 rows, one epoch, checks included",
        partial(measurements.small_fits, method="fit"),
        IRIS,
    ),
    "partial-fit": Case(
        "Iris, partial_fit of one row, checks included",
        partial(measurements.small_fits, method="partial_fit"),
        IRIS,
    ),
    "parts": Case(
        "MNIST, 784-28-10, activations and losses",
        measurements.parts,
        MNIST._replace(learning_rate=0.001),
        epochs=4,
    ),
    "threads": Case(
        "MNIST, 784-28-10, two fits in two threads",
        measurements.threads,
        MNIST._replace(peers=("numpy", "scikit-learn", "pytorch")),
        epochs=3,
    ),
    "busy": Case(
        "MNIST, 784-28-10, beside a busy loop on another processor",
        measurements.busy,
        MNIST._replace(peers=("scikit-learn",)),
        epochs=2,
    ),
    "noise": Case("Gaussian noise, 784-28-10", TRAINING, NOISE),
    "noise-wide": Case(
        "Gaussian noise, 784-256-128-10, batches of 200",
        TRAINING,
        NOISE._replace(hidden=(256, 128), batch_size=200, n_rows=20_000),
    ),
    "noise-wider": Case(
        "Gaussian noise, 784-1024-1024-10, batches of 256",
        TRAINING,
        NOISE._replace(hidden=(1024, 1024), batch_size=256, n_rows=5_000),
    ),
    "table": Case("Table, 54-64-64-7, batches of 256", TRAINING, TABLE),
    "table-wide": Case(
        "Table, 54-512-512-7, batches of 256",
        TRAINING,
        TABLE._replace(hidden=(512, 512), n_rows=20_000),
    ),
    "table-adam": Case(
        "Table, 54-256-256-256-7, batches of 256, Adam",
        TRAINING,
        TABLE._replace(
            hidden=(256, 256, 256),
            n_rows=40_000,
            solver="adam",
            learning_rate=0.001,
            peers=("scikit-learn", "pytorch", "jax"),
        ),
    ),
    "text": Case("Text as sparse TF-IDF, 100 hidden units", TRAINING, TEXT),
    "text-adam": Case(
        "Text as sparse TF-IDF, 100 hidden units, Adam",
        TRAINING,
        TEXT._replace(solver="adam", learning_rate=0.001),
    ),
    "scaling": Case(
        "MNIST, rows and width",
        partial(
            measurements.scaling,
            n_rows=(7500, 15_000, 30_000, 60_000, 120_000),
            widths=(16, 32, 64, 128, 256, 512),
        ),
        MNIST,
        epochs=4,
        by_default=False,
    ),
    "report": Case(
        "The published experiment, all rows, on all processors",
        measurements.report,
        MNIST._replace(peers=("numpy",)),
        epochs=100,
        by_default=False,
    ),
    "digits": Case(
        "scikit-learn's digits, 64-28-10, for a quick look",
        TRAINING,
        Workload("digits", (28,)),
        by_default=False,
    ),
}
