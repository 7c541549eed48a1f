"""Training of runs in threads or on a cluster, with finished runs kept in files."""

import hashlib
import json
from importlib.metadata import version

from tqdm.auto import tqdm

from benchmarks.report import cluster
from benchmarks.report.records import record
from cymlp import fit_many
from cymlp._files import write_file


def train(runs, dataset, *, epochs, jobs, folder, client=None):
    """Train the runs that are not in a folder yet.

    A finished run is kept in the folder. It is used again when a run with the same
    settings, seed, data, epochs and version of cymlp is asked for.

    Parameters
    ----------
    runs : list of Run
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
    """Train runs in threads over one copy of the data, and keep their records.

    Parameters
    ----------
    runs : dict of Path to Run
        Runs by the file that keeps the record, in the order to start them.
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
                save(record(runs[path], network, dataset.X_test, dataset.y_test), path)


def train_on_cluster(runs, dataset, epochs, client):
    """Train runs on the workers of a cluster, and keep each record as it arrives.

    Parameters
    ----------
    runs : dict of Path to Run
        Runs by the file that keeps the record, in the order to start them.
    dataset : datasets.DataSet
    epochs : int
    client : distributed.Client
    """
    arrays = dataset.X_train, dataset.y_train, dataset.X_test, dataset.y_test
    with tqdm(total=epochs * len(runs), unit="epoch") as bar:
        finished = cluster.call_for_each(client, train_one, runs, arrays, epochs=epochs)
        for path, future in finished:
            try:
                save(future.result(), path)
            except Exception as error:  # any error that a worker raised
                print(f"This is the network {path.stem!r}. {error}")
            bar.update(epochs)


def train_one(run, X_train, y_train, X_test, y_test, *, epochs):
    """Train one run and return its record."""
    network = run.classifier(epochs)
    network.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    return record(run, network, X_test, y_test)


def file_name(run, data_name, epochs):
    """Name the file of a run after everything that determines its record."""
    key = json.dumps([run, data_name, epochs, version("cymlp")], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return f"figure-{run.figure:02d}-seed-{run.seed}-{digest}.json"


def save(described, path):
    """Write the file of a run."""
    write_file(path, json.dumps(described).encode())
