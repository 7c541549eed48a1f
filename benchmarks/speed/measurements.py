"""The measurements: functions that each return a result that JSON can hold.

Peers take turns of a few epochs each, so that other programs disturb all of them alike.

All measurements take the processes of the peers, a workload, the names of the peers
that the user wants, and a number of epochs. They return a dict.
"""

import time
from collections import deque
from multiprocessing.connection import wait
from statistics import median

import numpy as np

from benchmarks.speed.peer_processes import busy_loop
from benchmarks.speed.workloads import dense_operations

MAX_DIFFERENCE = 1e-10  # between parameters after an epoch in float64
MAX_PREDICTION_DIFFERENCE = 1e-5
EPOCHS_PER_TURN = 2
EPOCHS_PER_FIT = 20  # the fit over which fixed costs are spread
SMALL_FITS_PER_TURN = 50
CALLS_PER_TURN = {1: 200}  # of a prediction, by its number of rows


class ValidationError(AssertionError):
    """A peer computes something else than cymlp."""


def taking_part(processes, workload, wanted):
    """Select the peers of a workload that are wanted and can run it.

    Returns
    -------
    names : list of str
        Peers that take part; none without cymlp.
    left_out : dict of str to str
        Peers that cannot run the workload, with the reason.
    """
    names, left_out = [], {}
    for name in ("cymlp", *workload.peers):
        if name not in wanted:
            continue
        reason = processes.missing.get(name) or processes.ask(
            name, "unsupported", workload
        )
        if not reason:
            names.append(name)
            continue
        left_out[name] = reason
        if name == "cymlp":
            break
    return names, left_out


def validate(processes, workload, names):
    """Check that every peer has the parameters of cymlp after an epoch in float64.

    Returns
    -------
    validated : dict of str to str
        Largest difference for each peer, with the conditions.

    Raises
    ------
    ValidationError
        If a difference is too large.
    """
    start = processes.ask("cymlp", "initial_parameters", workload)
    expected, validated = {}, {}
    for name in names:
        if name == "cymlp":
            continue
        nearest, condition = processes.ask(name, "comparable", workload)
        if nearest not in expected:
            expected[nearest] = processes.ask(
                "cymlp", "parameters_after_epoch", nearest, start
            )
        found = processes.ask(name, "parameters_after_epoch", nearest, start)
        difference = max(
            float(np.abs(reference - part).max())
            for reference, part in zip(expected[nearest], found, strict=True)
        )
        if not difference < MAX_DIFFERENCE:
            raise ValidationError(
                f"{name} computes something else than cymlp: after an epoch in "
                f"float64 its parameters differ by {difference:.1e}, which must be "
                f"below {MAX_DIFFERENCE:.0e}"
            )
        validated[name] = f"{difference:.0e}" + (condition and f" ({condition})")
    return validated


def training(processes, workload, wanted, n_epochs):
    """Measure an epoch of each peer and the fixed costs of a fit.

    Each peer is measured with one thread and, where there are several processors, with
    a thread for each.
    """
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    validated = validate(processes, workload, names)
    with_all = processes_with_all_threads(processes, names)
    times = take_turns(processes, [*names, *with_all], workload, n_epochs)
    about = processes.ask("cymlp", "describe", workload)
    rate = processes.multiplication_rate()
    floor = None
    if not about["sparse"]:
        floor = dense_operations(about["sizes"], about["rows"]) / rate
    return {
        **about,
        "left_out": left_out,
        "validated": validated,
        "times": compared({name: times[name] for name in names}),
        "times_all": compared({with_all[key]: times[key] for key in with_all}),
        "multiplication_rate": rate,
        "floor": floor,
    }


def processes_with_all_threads(processes, names):
    """Start a process with all threads for each peer: dict of keys to names."""
    n = len(processes.cpus)
    if n == 1:
        return {}
    keys = {f"{name}, {n} threads": name for name in names}
    for key in keys.keys() - set(processes.started()):
        processes.start(key, keys[key], processes.cpus)
    return keys


def take_turns(processes, keys, workload, n_epochs):
    """Time at least this number of epochs of each process, after one to warm up."""
    for key in keys:
        processes.ask(key, "train", workload, 1)
    seconds, fixed = {key: [] for key in keys}, {key: [] for key in keys}
    turn = min(EPOCHS_PER_TURN, n_epochs)
    for _ in range(-(-n_epochs // turn)):
        for key in keys:
            epochs, rest = processes.ask(key, "train", workload, turn)
            seconds[key] += epochs
            fixed[key].append(rest)
    return {key: fit_times(seconds[key], fixed[key]) for key in keys}


def fit_times(seconds, fixed):
    """Return the times of epochs and of the rest of a fit."""
    total = median(seconds) + median(fixed) / EPOCHS_PER_FIT
    return summary(seconds) | {"fixed": median(fixed), "total": total}


def prediction(processes, workload, wanted, n_epochs, *, n_rows, method=()):
    """Measure predictions, a few calls per turn."""
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    with_all = processes_with_all_threads(processes, names)
    calls = CALLS_PER_TURN.get(n_rows, 2)
    expected, validated = None, {}
    seconds = {key: [] for key in (*names, *with_all)}
    for turn in range(1 + n_epochs):
        for key in seconds:
            calls_seconds, result = processes.ask(
                key, "predict", workload, n_rows, calls, *method
            )
            if turn > 0:
                seconds[key] += calls_seconds
                continue
            expected = result if expected is None else expected
            validated[key] = difference_of_predictions(key, result, expected)
    times = {key: summary(seconds[key]) for key in seconds}
    for one in times.values():
        one["total"] = one["median"]
    about = processes.ask("cymlp", "describe", workload) | {"rows": n_rows}
    return {
        **about,
        "left_out": left_out,
        "validated": {name: validated[name] for name in names if name != "cymlp"},
        "times": compared({name: times[name] for name in names}),
        "times_all": compared({with_all[key]: times[key] for key in with_all}),
    }


def difference_of_predictions(name, result, expected):
    """Return the largest difference; raise ValidationError if it is too large."""
    difference = float(np.abs(result - expected).max())
    if not difference < MAX_PREDICTION_DIFFERENCE:
        raise ValidationError(
            f"{name} predicts something else than cymlp: its results differ by "
            f"{difference:.1e}, which must be below {MAX_PREDICTION_DIFFERENCE:.0e}"
        )
    return f"{difference:.0e}"


def small_fits(processes, workload, wanted, n_epochs, *, method):
    """Measure calls of "fit" for one epoch, or of "partial_fit" of one row."""
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    seconds = {name: [] for name in names}
    for _ in range(n_epochs):
        for name in names:
            seconds[name] += processes.ask(
                name, "fit_small", workload, method, SMALL_FITS_PER_TURN
            )
    times = {name: summary(seconds[name]) for name in names}
    for one in times.values():
        one["total"] = one["median"]
    about = processes.ask("cymlp", "describe", workload)
    return {**about, "left_out": left_out, "times": compared(times)}


def threads(processes, workload, wanted, n_epochs):
    """Measure two simultaneous fits on two processors, relative to one."""
    if len(processes.cpus) < 2:
        return {"left_out": {"cymlp": "there is only one processor"}}
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    for name in names:
        processes.ask(name, "train", workload, 1)
    seconds = {name: [] for name in names}
    for _ in range(3):
        for name in names:
            seconds[name].append(
                processes.ask(
                    name,
                    "train_alone_and_together",
                    workload,
                    n_epochs,
                    processes.cpus[:2],
                )
            )
    times = {}
    for name in names:
        alone, together = map(median, zip(*seconds[name], strict=True))
        times[name] = {
            "alone": alone,
            "together": together,
            "throughput": 2 * alone / together,
        }
    return {
        **processes.ask("cymlp", "describe", workload),
        "left_out": left_out,
        "times": times,
    }


def busy(processes, workload, wanted, n_epochs):
    """Measure fits while another program keeps one of the processors busy.

    The peers may use any number of threads and any processor.
    """
    if len(processes.cpus) < 2:
        return {"left_out": {"cymlp": "there is only one processor"}}
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    keys = {name: f"{name}, unlimited" for name in names}
    for name, key in keys.items():
        processes.start(key, name)
        processes.ask(key, "train", workload, 1)
    alone, beside = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(3):
        fit_all(processes, keys, workload, n_epochs, alone)
        with busy_loop(processes.cpus[0]):
            fit_all(processes, keys, workload, n_epochs, beside)
    for key in keys.values():
        processes.stop(key)
    times = {}
    for name in names:
        before, after = median(alone[name]), median(beside[name])
        times[name] = {"alone": before, "beside": after, "factor": after / before}
    return {
        **processes.ask("cymlp", "describe", workload),
        "left_out": left_out,
        "times": times,
    }


def fit_all(processes, keys, workload, n_epochs, seconds):
    """Append the seconds of a whole fit of each peer to its list."""
    for name, key in keys.items():
        epochs, rest = processes.ask(key, "train", workload, n_epochs)
        seconds[name].append(sum(epochs) + rest)


def parts(processes, workload, wanted, n_epochs):
    """Measure every activation with every loss, relative to tanh and cross entropy."""
    names, left_out = taking_part(processes, workload, ["cymlp"])
    if not names:
        return {"left_out": left_out}
    activations, losses = processes.ask("cymlp", "activations_and_losses")
    workloads = {
        (activation, loss): workload._replace(activation=activation, loss=loss)
        for activation in activations
        for loss in losses
    }
    seconds = epochs_of(processes, workloads, n_epochs)
    unit = seconds[workload.activation, workload.loss]
    return {
        **processes.ask("cymlp", "describe", workload),
        "left_out": left_out,
        "seconds": unit,
        "relative": {
            activation: {loss: seconds[activation, loss] / unit for loss in losses}
            for activation in activations
        },
    }


def scaling(processes, workload, wanted, n_epochs, *, n_rows, widths):
    """Measure how the time of an epoch grows with rows and with hidden units."""
    names, left_out = taking_part(processes, workload, ["cymlp"])
    if not names:
        return {"left_out": left_out}
    by_rows = epochs_of(
        processes, {n: workload._replace(n_rows=n) for n in n_rows}, n_epochs
    )
    by_width = epochs_of(
        processes,
        {n: workload._replace(n_rows=n_rows[1], hidden=(n,)) for n in widths},
        n_epochs,
    )
    return {
        **processes.ask("cymlp", "describe", workload),
        "left_out": left_out,
        "rows_per_width": n_rows[1],
        "by_rows": by_rows,
        "by_width": by_width,
        "exponent_of_rows": exponent(by_rows),
        "exponent_of_width": exponent(by_width),
    }


def epochs_of(processes, workloads, n_epochs):
    """Return the median seconds of an epoch of cymlp for each workload."""
    seconds = {key: [] for key in workloads}
    for turn in range(2):
        for key, workload in workloads.items():
            epochs, _ = processes.ask(
                "cymlp", "train", workload, -(-n_epochs // 2) + (turn == 0)
            )
            seconds[key] += epochs[turn == 0 :]
    return {key: median(epochs) for key, epochs in seconds.items()}


def exponent(seconds):
    """Fit a power of n to the times and return its exponent; 1 is linear."""
    n = np.log(list(seconds))
    return float(np.polyfit(n, np.log(list(seconds.values())), 1)[0])


def report(processes, workload, wanted, n_epochs):
    """Measure the training of all published rows on all processors."""
    # Not above, because it loads cymlp, which only the processes of peers need.
    from benchmarks.report.rows import published

    workloads = [
        workload._replace(
            hidden=tuple(settings["hidden_layer_sizes"]),
            batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate_init"],
            momentum=settings["momentum"],
            weight_decay=settings["weight_decay"],
        )
        for settings in (row["settings"] for row in published()["rows"])
    ]
    names, left_out = taking_part(processes, workload, wanted)
    if not names:
        return {"left_out": left_out}
    times = {
        "cymlp": {
            "total": processes.ask(
                "cymlp", "fit_many", workloads, n_epochs, processes.cpus
            )
        }
    }
    if "numpy" in names:
        times["numpy"] = {
            "total": train_in_processes(processes, "numpy", workloads, n_epochs)
        }
    return {
        **processes.ask("cymlp", "describe", workload),
        "left_out": left_out,
        "epochs": n_epochs,
        "networks": len(workloads),
        "processors": len(processes.cpus),
        "times": compared(times),
    }


def train_in_processes(processes, name, workloads, n_epochs):
    """Return the seconds to train networks, longest first, in one process per CPU."""
    queue = deque(sorted(workloads, key=lambda one: (one.batch_size, -sum(one.hidden))))
    keys = {}
    for cpu in processes.cpus:
        key = f"{name} on processor {cpu}"
        processes.start(key, name, [cpu])
        processes.ask(key, "train", workloads[0], 1)
        keys[processes.pipe(key)] = key
    start = time.perf_counter()
    busy = set()
    for pipe, key in keys.items():
        if queue:
            processes.send(key, "train", queue.popleft(), n_epochs)
            busy.add(pipe)
    while busy:
        for pipe in wait(busy):
            processes.receive(keys[pipe])
            if queue:
                processes.send(keys[pipe], "train", queue.popleft(), n_epochs)
            else:
                busy.remove(pipe)
    seconds = time.perf_counter() - start
    for key in keys.values():
        processes.stop(key)
    return seconds


def summary(seconds):
    """Return best and median of the times, and the times."""
    return {"best": min(seconds), "median": median(seconds), "seconds": seconds}


def compared(times):
    """Add to the times of each peer their ratio to those of cymlp."""
    ratios = {"total": "ratio", "best": "ratio_of_bests"}
    return {
        name: one
        | {
            ratio: one[kind] / times["cymlp"][kind]
            for kind, ratio in ratios.items()
            if kind in one
        }
        for name, one in times.items()
    }
