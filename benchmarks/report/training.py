"""The reference experiment: its rows, and the runs that reproduce them.

The rows and their published figures are in published.json. Every run follows the
protocol of the publication: x = (pixel - 128) / 255, weights from a normal distribution
of standard deviation 0.01, biases 0, samples reshuffled every epoch, no stopping. Its
training figures are means over the last complete block of 50 mini-batches, each
measured before its update; its test figures are those after the last of the epochs 1,
6, 11, ...
"""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from benchmarks.report import cluster
from cymlp import MLPClassifier, fit_many, losses

BLOCK = 50  # mini-batches per point of the published training curve
TEST_EVERY = 5  # epochs between two points of the published test curve
FIGURES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
DIAGNOSTICS = ("dead_units", "saturation", "zero_gradients")
PACKAGES = ("cymlp", "numpy", "scipy", "scikit-learn")


class SwappedHardSwish:
    """The HardSwish that the published figures come from: two branches exchanged.

    f(u) = u for -3 < u < 3, u (u + 3) / 6 for u >= 3, and 0 for u <= -3.
    """

    def value(self, U):
        """Compute f(U)."""
        return np.where(U <= -3, 0, np.where(U < 3, U, U * (U + 3) / 6))

    def derivative(self, U, A):
        """Compute f'(U)."""
        return np.where(U <= -3, 0, np.where(U < 3, 1, (2 * U + 3) / 6))


class Run(NamedTuple):
    """What to train.

    Attributes
    ----------
    figure : int
        Number of the row in the publication.
    variant : {"named", "as published", "probe"}
        Whether the settings are those that the row names, those that the published
        figures look like, or others that tell why the row is as it is.
    settings : dict
        Of published.json.
    seed : int
    diagnostics : bool
        Whether to measure where gradients vanish, and how large numbers become.
    """

    figure: int
    variant: str
    settings: dict
    seed: int
    diagnostics: bool = False

    def classifier(self, epochs):
        """Make the classifier of the run.

        Parameters
        ----------
        epochs : int

        Returns
        -------
        classifier : MLPClassifier
        """
        settings = dict(self.settings)
        make_loss = losses.known()[settings["loss"]]
        settings["loss"] = make_loss(**settings.pop("loss_parameters", {}))
        if settings["activation"] == "swapped_hardswish":
            settings["activation"] = SwappedHardSwish()
        return MLPClassifier(
            **settings,
            init=0.01,
            max_iter=epochs,
            n_iter_no_change=np.inf,
            random_state=self.seed,
            record_batches=True,
            diagnostics=self.diagnostics,
        )

    def cost(self):
        """Order of magnitude of the time it takes, to begin with the longest."""
        return (
            sum(self.settings["hidden_layer_sizes"]) + 500 / self.settings["batch_size"]
        )


def reference():
    """Read the rows of the reference and the remarks on them.

    Returns
    -------
    reference : dict
        "rows" is a list of dict, "notes" a dict of str to str. Beside its settings and
        published figures, a row may have "as_published" and "probes", lists of changes
        of its settings that are trained, too; "diagnostics", whether to measure where
        gradients vanish; "also_in", other sections that show it beside their rows; and
        "note", the key of a note.
    """
    path = Path(__file__).with_name("published.json")
    return json.loads(path.read_text(encoding="utf-8"))


def plan(rows, seeds):
    """List the runs of some rows: each as it is named, some as published, and probes.

    Parameters
    ----------
    rows : list of dict
        Of published.json.
    seeds : iterable of int

    Returns
    -------
    runs : list of Run
    """
    return [
        Run(
            row["figure"],
            variant,
            row["settings"] | changes,
            seed,
            diagnostics=row.get("diagnostics", False),
        )
        for row in rows
        for variant, changes in [
            ("named", {}),
            *(("as published", changes) for changes in row.get("as_published", [])),
            *(("probe", changes) for changes in row.get("probes", [])),
        ]
        for seed in seeds
    ]


def result_of(run, network, X_test, y_test):
    """Describe a finished run.

    Parameters
    ----------
    run : Run
    network : MLPClassifier
        Fitted.
    X_test : ndarray of shape (n, d)
    y_test : ndarray of shape (n,)

    Returns
    -------
    result : dict
        The settings, the four figures, their sampling errors, the four curves and,
        where the run asks for them, the diagnostics.
    """
    curves = published_curves(network.history_)
    result = {
        "figure": run.figure,
        "variant": run.variant,
        "seed": run.seed,
        **{name: round(float(curves[name][1][-1]), 6) for name in FIGURES},
        "sampling_errors": sampling_errors(network, X_test, y_test),
        "seconds": round(float(network.history_["seconds"].sum()), 2),
        "settings": run.settings,
        "versions": {package: version(package) for package in PACKAGES},
        "curves": {
            name: {"epochs": rounded(epochs), "values": rounded(values)}
            for name, (epochs, values) in curves.items()
        },
    }
    if run.diagnostics:
        result["diagnostics"] = diagnostics(network.history_)
        result["extremes"] = extremes(network, X_test)
    return result


def sampling_errors(network, X_test, y_test):
    """Standard errors of the figures, as means over a sample of images.

    Those of the training figures come from the 50 mini-batches that they are means of,
    those of the test figures from the images of the test set.

    Parameters
    ----------
    network : MLPClassifier
        Fitted.
    X_test : ndarray of shape (n, d)
    y_test : ndarray of shape (n,)

    Returns
    -------
    errors : dict of str to float
    """
    errors = {}
    for quantity, batches in network.history_.batches.items():
        window = in_blocks(batches)[-1, -1]
        # A single mini-batch tells nothing about its spread.
        errors[f"train_{quantity}"] = (
            window.std(ddof=1) / np.sqrt(window.size) if window.size > 1 else 0.0
        )
    Z = network.decision_function(X_test)
    targets = np.eye(Z.shape[1], dtype=Z.dtype)[y_test]
    values, _ = network.loss.value_and_gradient(Z, targets)
    right = Z.argmax(axis=1) == y_test
    errors["test_loss"] = values.std() / np.sqrt(values.size)
    errors["test_accuracy"] = right.std() / np.sqrt(right.size)
    return {name: round(float(errors[name]), 6) for name in FIGURES}


def in_blocks(batches):
    """Cut figures of mini-batches into blocks: (n_epochs, n_blocks, batches in each).

    An epoch's last, incomplete block is left out; a shorter epoch is one block.
    """
    n_epochs, n_batches = batches.shape
    block = min(BLOCK, n_batches)
    n_blocks = n_batches // block
    return batches[:, : n_blocks * block].reshape(n_epochs, n_blocks, block)


def published_curves(history):
    """Reduce a history to the points that the publication shows.

    Parameters
    ----------
    history : History
        With batches and validation figures.

    Returns
    -------
    curves : dict of str to tuple of 2 ndarray
        For each of the four figures epochs and values.
    """
    curves = {}
    for quantity in ("loss", "accuracy"):
        batches = history.batches[quantity]
        blocks = in_blocks(batches)
        n_epochs, n_blocks, block = blocks.shape
        ends = np.arange(1, n_blocks + 1) * block / batches.shape[1]
        curves[f"train_{quantity}"] = (
            (np.arange(n_epochs)[:, np.newaxis] + ends).ravel(),
            blocks.mean(axis=2, dtype=np.float64).ravel(),
        )
        curves[f"test_{quantity}"] = (
            history["epoch"][::TEST_EVERY],
            history[f"val_{quantity}"][::TEST_EVERY],
        )
    return curves


def rounded(values, digits=4):
    """Round to as many significant digits as a reader can make use of.

    Four keep accuracies as they are, of 10000 images or of blocks of 5000.
    """
    return np.vectorize(lambda x: float(f"{x:.{digits}g}"))(values).tolist()


def diagnostics(history):
    """Where gradients vanish, after as many epochs as the test set is evaluated.

    Parameters
    ----------
    history : History
        With diagnostics.

    Returns
    -------
    columns : dict of str to list
        "epoch", and of each of DIAGNOSTICS a list per epoch with a value per layer.
    """
    return {
        "epoch": history["epoch"][::TEST_EVERY].tolist(),
        **{name: rounded(history[name][::TEST_EVERY]) for name in DIAGNOSTICS},
    }


def extremes(network, X):
    """How large the numbers are that the activation and the loss have to bear.

    Parameters
    ----------
    network : MLPClassifier
        Fitted, with one hidden layer.
    X : ndarray of shape (n, d)

    Returns
    -------
    extremes : dict of str to float
        "hidden_input", the largest absolute input of a hidden unit; "score_range", the
        largest difference between two scores of one sample.
    """
    U = X @ network.coefs_[0] + network.intercepts_[0]
    Z = network.decision_function(X)
    return {
        "hidden_input": round(float(np.abs(U).max()), 2),
        "score_range": round(float(np.ptp(Z, axis=1).max()), 2),
    }


def train(runs, dataset, *, epochs, jobs, folder, client=None):
    """Train what has not been trained before, here or on a cluster.

    A finished run is kept in the folder, and taken from there the next time that a run
    with the same settings, seed, data, epochs and version of cymlp is asked for.

    Parameters
    ----------
    runs : list of Run
    dataset : datasets.DataSet
        With X scaled already.
    epochs : int
    jobs : int
        Number of networks trained at a time here.
    folder : Path
    client : distributed.Client, optional
        Of the cluster whose workers train, in place of threads of this process.

    Returns
    -------
    results : list of dict
        Of the runs, in their order, without those that failed.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after the finished runs are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / file_name(run, dataset.name, epochs) for run in runs]
    missing = {
        path: run for path, run in zip(paths, runs, strict=True) if not path.exists()
    }
    missing = dict(sorted(missing.items(), key=lambda item: -item[1].cost()))
    print(f"{len(runs) - len(missing)} of {len(runs)} runs are in {folder} already.")
    if client is None:
        train_in_threads(missing, dataset, epochs, jobs)
    else:
        train_on_cluster(missing, dataset, epochs, client)
    return [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]


def train_in_threads(runs, dataset, epochs, jobs):
    """Train runs in threads over one copy of the data, and keep their results.

    Parameters
    ----------
    runs : dict of Path to Run
        Files that keep the results, in the order in which to begin.
    dataset : datasets.DataSet
    epochs : int
    jobs : int
    """
    networks = {path: run.classifier(epochs) for path, run in runs.items()}
    try:
        fit_many(
            {path.stem: network for path, network in networks.items()},
            dataset.X_train,
            dataset.y_train,
            X_val=dataset.X_test,
            y_val=dataset.y_test,
            n_jobs=jobs,
            progress=True,
        )
    except ExceptionGroup as errors:
        for error in errors.exceptions:
            print(f"{error.__notes__[0]} {error}")
    finally:
        for path, network in networks.items():
            if getattr(network, "n_iter_", 0) == epochs:
                result = result_of(runs[path], network, dataset.X_test, dataset.y_test)
                save(result, path)


def train_on_cluster(runs, dataset, epochs, client):
    """Train runs on the workers of a cluster, and keep each result as it comes.

    Parameters
    ----------
    runs : dict of Path to Run
        Files that keep the results, in the order in which to begin.
    dataset : datasets.DataSet
    epochs : int
    client : distributed.Client
    """
    arrays = dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test
    with tqdm(total=epochs * len(runs), unit="epoch") as bar:
        done = cluster.each(client, trained, runs, arrays, epochs=epochs)
        for path, future in done:
            try:
                save(future.result(), path)
            except Exception as error:  # whatever a worker raised
                print(f"This is the network {path.stem!r}. {error}")
            bar.update(epochs)


def trained(run, X_train, y_train, X_test, y_test, *, epochs):
    """Train one run, and describe it as `result_of` does."""
    network = run.classifier(epochs)
    network.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    return result_of(run, network, X_test, y_test)


def file_name(run, data_name, epochs):
    """Name the file that keeps a run after all that determines its result."""
    key = json.dumps([run, data_name, epochs, version("cymlp")], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return f"figure-{run.figure:02d}-seed-{run.seed}-{digest}.json"


def save(result, path):
    """Write a file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(result), encoding="utf-8")
    part.replace(path)
