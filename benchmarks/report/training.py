"""Training of runs in threads or on a cluster, with finished runs kept in files."""

import hashlib
import json
import sys
import threading
from contextlib import contextmanager
from importlib.metadata import version

from tqdm.auto import tqdm

from benchmarks.report import cluster
from benchmarks.report.records import FORMAT, record
from benchmarks.report.rows import METRICS
from cymlp import fit_many
from cymlp._files import write_file


def train(runs, dataset, *, epochs, jobs, folder, client=None):
    """Train the runs that are not in a folder yet.

    Each run is saved as soon as it is finished. It is used again when a run with the
    same settings, seed, data, epochs and version of cymlp is asked for.

    Parameters
    ----------
    runs : list of Run
        Runs in the order to start them.
    dataset : datasets.DataSet
        Data with X scaled already.
    epochs : int
    jobs : int
        Number of networks trained at the same time in this process.
    folder : Path
    client : distributed.Client, optional
        Client of a cluster that trains instead of threads of this process.

    Returns
    -------
    results : list of dict
        Records of the runs in the same order, without the runs that failed.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after the finished runs are saved.
    OSError
        If a finished run cannot be saved, with the name of its file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / file_name(run, dataset.name, epochs) for run in runs]
    kept = {path: load(path) for path in paths}
    missing = {
        path: run for path, run in zip(paths, runs, strict=True) if not kept[path]
    }
    print(f"{len(runs) - len(missing)} of {len(runs)} runs are in {folder} already.")
    if client is None:
        kept |= train_in_threads(missing, dataset, epochs, jobs)
    else:
        kept |= train_on_cluster(missing, dataset, epochs, client)
    return [
        kept[path] | {"figure": run.figure, "name": run.name, "kind": run.kind}
        for path, run in zip(paths, runs, strict=True)
        if kept[path]
    ]


def train_in_threads(runs, dataset, epochs, jobs):
    """Train runs in threads over one copy of the data, and save their records.

    Parameters
    ----------
    runs : dict of Path to Run
        Runs by the file that keeps the record, in the order to start them.
    dataset : datasets.DataSet
    epochs : int
    jobs : int

    Returns
    -------
    records : dict of Path to dict
    """
    networks = {path: run.classifier(epochs) for path, run in runs.items()}
    saver = Saver(runs, networks, dataset, epochs)
    try:
        with saver.saving():
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
    return saver.records


class Saver:
    """Saves the records of networks while others are still in training.

    Parameters
    ----------
    runs : dict of Path to Run
    networks : dict of Path to MLPClassifier
        The networks of the runs, which other threads train.
    dataset : datasets.DataSet
    epochs : int
        Number of epochs after which a network is finished.
    """

    INTERVAL = 0.5  # seconds between two looks at the networks

    def __init__(self, runs, networks, dataset, epochs):
        self.records = {}
        self._runs = runs
        self._waiting = dict(networks)
        self._dataset = dataset
        self._epochs = epochs

    @contextmanager
    def saving(self):
        """Save what finishes inside of the context, the last when it ends.

        Where a file cannot be written, say so and try again.
        """
        stopped = threading.Event()

        def watch():
            told = set()
            while not stopped.wait(self.INTERVAL):
                try:
                    self.save_finished()
                except OSError as error:
                    if str(error) not in told:
                        print(f"{error}. It will be tried again.", file=sys.stderr)
                    told.add(str(error))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()
            self.save_finished()

    def save_finished(self):
        """Save the networks that have finished since the last call.

        A file that cannot be written does not keep the others from being written.
        """
        errors = []
        # A fit puts its results in place in one step.
        for path, network in list(self._waiting.items()):
            if getattr(network, "n_iter_", 0) == self._epochs:
                try:
                    self._save(path, network)
                except OSError as error:
                    errors.append(error)
        if errors:
            raise errors[0]

    def _save(self, path, network):
        X_test, y_test = self._dataset.X_test, self._dataset.y_test
        described = record(self._runs[path], network, X_test, y_test)
        self.records[path] = described
        save(described, path)
        del self._waiting[path]


def train_on_cluster(runs, dataset, epochs, client):
    """Train runs on the workers of a cluster, and save each record as it arrives.

    Parameters
    ----------
    runs : dict of Path to Run
        Runs by the file that keeps the record, in the order to start them.
    dataset : datasets.DataSet
    epochs : int
    client : distributed.Client

    Returns
    -------
    records : dict of Path to dict
    """
    arrays = dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test
    records = {}
    with tqdm(total=epochs * len(runs), unit="epoch") as bar:
        finished = cluster.call_for_each(client, train_one, runs, arrays, epochs=epochs)
        for path, future in finished:
            try:
                described = future.result()
            except Exception as error:  # any error that a worker raised
                print(f"Raised by the network {path.stem!r}. {error}")
            else:
                save(described, path)
                records[path] = described
            bar.update(epochs)
    return records


def train_one(run, X_train, y_train, X_test, y_test, *, epochs):
    """Train one run and return its record."""
    network = run.classifier(epochs)
    network.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    return record(run, network, X_test, y_test)


def file_name(run, data_name, epochs):
    """Name the file of a run after everything that determines its record."""
    determines = run.settings, run.diagnostics, data_name, epochs
    key = json.dumps([*determines, version("cymlp"), FORMAT], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return f"figure-{run.figure:02d}-seed-{run.seed}-{digest}.json"


def save(described, path):
    """Write the file of a run."""
    write_file(path, json.dumps(described).encode())


def load(path):
    """Read the file of a run; None if there is none, or if it is damaged."""
    try:
        described = json.loads(path.read_bytes())
        if {"figure", "seed", "settings", "curves", *METRICS} <= set(described):
            return described
        problem = "it is not the record of a run"
    except FileNotFoundError:
        return None
    except ValueError as error:
        problem = error
    print(f"{path} is damaged and will be trained again: {problem}")
    return None
