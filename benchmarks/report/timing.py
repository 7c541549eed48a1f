"""Processor times of an epoch, of networks in turn."""

import time

from tqdm.auto import tqdm

from benchmarks.command_line import processor
from benchmarks.report.rows import Run
from cymlp import kernels

EPOCHS = (1, 6)  # of two fits whose difference leaves out the preparation


def measure(rows, dataset, rounds):
    """Measure the processor time of an epoch of each row.

    Each round trains the networks in turn, one thread each, so that what slows the
    machine down for a while slows down networks of the same round.

    Parameters
    ----------
    rows : list of dict
        Rows of published.json.
    dataset : datasets.DataSet
        Data with X scaled already.
    rounds : int

    Returns
    -------
    times : dict
        "ms", a list of milliseconds per epoch, one for each round, by figure; and
        "processor" and "instruction_set".
    """
    runs = [Run(row["figure"], "", "stated", row["settings"], 0) for row in rows]
    ms = {str(run.figure): [] for run in runs}
    with tqdm(total=rounds * len(runs), unit="timing") as bar:
        for _ in range(rounds):
            for run in runs:
                ms[str(run.figure)].append(round(time_of_epoch(run, dataset), 2))
                bar.update()
    return {"ms": ms, "processor": processor(), "instruction_set": kernels.isa()}


def time_of_epoch(run, dataset):
    """Measure the processor time of an epoch in milliseconds."""
    first, second = (time_of_fit(run, dataset, epochs) for epochs in EPOCHS)
    return 1000 * (second - first) / (EPOCHS[1] - EPOCHS[0])


def time_of_fit(run, dataset, epochs):
    """Measure the processor time of a fit in seconds."""
    network = run.classifier(epochs).set_params(n_threads=1)
    start = time.thread_time()
    network.fit(dataset.X_train, dataset.y_train)
    return time.thread_time() - start
