"""What is measured, and how: every kind of case gives a result fit for JSON.

Peers take turns, some epochs each, so that what else the machine does hits all alike.
"""

import time
from collections import deque
from multiprocessing.connection import wait
from statistics import median

import numpy as np

from benchmarks.speed.peer_processes import busy_loop
from benchmarks.speed.workloads import dense_operations

TOLERANCE = 1e-10  # of parameters after an epoch in float64
EPOCHS_A_TURN = 2
EPOCHS_A_FIT = 20  # that the fixed costs are shared by
CALLS_A_TURN = {1: 200}  # of a prediction, by its number of rows
OURS = "cymlp"


class ValidationError(AssertionError):
    """A peer computes something else."""


def taking_part(session, work, wanted):
    """Sort the peers of a work into those who do it and the reasons of those who don't.

    Those not wanted, or not among the work's peers, are in neither.
    """
    names, left_out = [], {}
    for name in (OURS, *work.peers):
        if name not in wanted:
            continue
        reason = session.missing.get(name) or session.ask(name, "ready", work)
        if not reason:
            names.append(name)
            continue
        left_out[name] = reason
        if name == OURS:
            break
    return names, left_out


def validate(session, work, names):
    """Have every peer train an epoch in float64 as cymlp does.

    Returns
    -------
    validated : dict of str to str
        How close each came, and under which conditions.

    Raises
    ------
    ValidationError
        A peer ends with other parameters.
    """
    start = session.ask(OURS, "start", work)
    expected, validated = {}, {}
    for name in names:
        if name == OURS:
            continue
        nearest, condition = session.ask(name, "comparable", work)
        if nearest not in expected:
            expected[nearest] = session.ask(OURS, "trained", nearest, start)
        found = session.ask(name, "trained", nearest, start)
        difference = max(
            float(np.abs(ours - theirs).max())
            for ours, theirs in zip(expected[nearest], found, strict=True)
        )
        if not difference < TOLERANCE:
            raise ValidationError(
                f"{name} computes something else than cymlp: after an epoch in "
                f"float64 its parameters are {difference:.1e} off"
            )
        validated[name] = f"{difference:.0e} off" + (condition and f" ({condition})")
    return validated


def training(session, work, wanted, n_epochs):
    """Measure an epoch of each peer, and the fixed costs of a fit."""
    names, left_out = taking_part(session, work, wanted)
    if not names:
        return {"left_out": left_out}
    validated = validate(session, work, names)
    seconds, fixed = take_turns(session, names, work, n_epochs)
    about = session.ask(OURS, "describe", work)
    rate = session.multiplication_rate()
    floor = None
    if not about["sparse"]:
        floor = dense_operations(about["sizes"], about["rows"]) / rate
    times = {
        name: summary(seconds[name])
        | {
            "fixed": median(fixed[name]),
            "total": median(seconds[name]) + median(fixed[name]) / EPOCHS_A_FIT,
        }
        for name in names
    }
    return {
        **about,
        "left_out": left_out,
        "validated": validated,
        "times": compared(times),
        "multiplication_rate": rate,
        "floor": floor,
    }


def take_turns(session, names, work, n_epochs):
    """Time at least so many epochs of each peer, after one that warms up."""
    for name in names:
        session.ask(name, "train", work, 1)
    seconds, fixed = {name: [] for name in names}, {name: [] for name in names}
    turn = min(EPOCHS_A_TURN, n_epochs)
    for _ in range(-(-n_epochs // turn)):
        for name in names:
            some, rest = session.ask(name, "train", work, turn)
            seconds[name] += some
            fixed[name].append(rest)
    return seconds, fixed


def prediction(session, work, wanted, n_epochs, *, n_rows, method=()):
    """Measure predictions, a few calls a turn."""
    names, left_out = taking_part(session, work, wanted)
    if not names:
        return {"left_out": left_out}
    calls = CALLS_A_TURN.get(n_rows, 2)
    expected, seconds, validated = None, {name: [] for name in names}, {}
    for turn in range(1 + n_epochs):
        for name in names:
            some, result = session.ask(name, "predict", work, n_rows, calls, *method)
            if turn > 0:
                seconds[name] += some
                continue
            expected = result if name == OURS else expected
            difference = float(np.abs(result - expected).max())
            if not difference < 1e-5:
                raise ValidationError(f"{name} predicts something else: {difference}")
            validated[name] = f"{difference:.0e} off"
    del validated[OURS]
    times = {name: summary(seconds[name]) for name in names}
    for one in times.values():
        one["total"] = one["median"]
    about = session.ask(OURS, "describe", work) | {"rows": n_rows}
    return {
        **about,
        "left_out": left_out,
        "validated": validated,
        "times": compared(times),
    }


def threads(session, work, wanted, n_epochs):
    """Measure two fits at a time on two processors, against one."""
    if len(session.cpus) < 2:
        return {"left_out": {OURS: "there is only one processor"}}
    names, left_out = taking_part(session, work, wanted)
    if not names:
        return {"left_out": left_out}
    for name in names:
        session.ask(name, "train", work, 1)
    seconds = {name: [] for name in names}
    for _ in range(3):
        for name in names:
            seconds[name].append(
                session.ask(name, "train_beside", work, n_epochs, session.cpus[:2])
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
        **session.ask(OURS, "describe", work),
        "left_out": left_out,
        "times": times,
    }


def busy(session, work, wanted, n_epochs):
    """Measure fits while another program keeps one of the processors busy.

    Nothing limits the threads of the peers or holds them to a processor.
    """
    if len(session.cpus) < 2:
        return {"left_out": {OURS: "there is only one processor"}}
    names, left_out = taking_part(session, work, wanted)
    if not names:
        return {"left_out": left_out}
    keys = {name: f"{name}, unlimited" for name in names}
    for name, key in keys.items():
        session.start(key, name)
        session.ask(key, "train", work, 1)
    alone, beside = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(3):
        fit_all(session, keys, work, n_epochs, alone)
        with busy_loop(session.cpus[0]):
            fit_all(session, keys, work, n_epochs, beside)
    for key in keys.values():
        session.stop(key)
    times = {}
    for name in names:
        before, after = median(alone[name]), median(beside[name])
        times[name] = {"alone": before, "beside": after, "factor": after / before}
    return {
        **session.ask(OURS, "describe", work),
        "left_out": left_out,
        "times": times,
    }


def fit_all(session, keys, work, n_epochs, seconds):
    """Add the seconds of a whole fit to those of each peer."""
    for name, key in keys.items():
        some, rest = session.ask(key, "train", work, n_epochs)
        seconds[name].append(sum(some) + rest)


def parts(session, work, wanted, n_epochs):
    """Measure every activation with every loss, relative to tanh and cross entropy."""
    names, left_out = taking_part(session, work, [OURS])
    if not names:
        return {"left_out": left_out}
    activations, losses = session.ask(OURS, "parts")
    works = {
        (activation, loss): work._replace(activation=activation, loss=loss)
        for activation in activations
        for loss in losses
    }
    seconds = epochs_of(session, works, n_epochs)
    unit = seconds[work.activation, work.loss]
    return {
        **session.ask(OURS, "describe", work),
        "left_out": left_out,
        "seconds": unit,
        "relative": {
            activation: {loss: seconds[activation, loss] / unit for loss in losses}
            for activation in activations
        },
    }


def scaling(session, work, wanted, n_epochs, *, n_rows, widths):
    """Measure how the time of an epoch grows with the rows and with the width."""
    names, left_out = taking_part(session, work, [OURS])
    if not names:
        return {"left_out": left_out}
    by_rows = epochs_of(session, {n: work._replace(n_rows=n) for n in n_rows}, n_epochs)
    by_width = epochs_of(
        session,
        {n: work._replace(n_rows=n_rows[1], hidden=(n,)) for n in widths},
        n_epochs,
    )
    return {
        **session.ask(OURS, "describe", work),
        "left_out": left_out,
        "rows_per_width": n_rows[1],
        "by_rows": by_rows,
        "by_width": by_width,
        "exponent_of_rows": exponent(by_rows),
        "exponent_of_width": exponent(by_width),
    }


def epochs_of(session, works, n_epochs):
    """Median seconds of an epoch of cymlp, for each of some works."""
    seconds = {key: [] for key in works}
    for turn in range(2):
        for key, work in works.items():
            some, _ = session.ask(OURS, "train", work, -(-n_epochs // 2) + (turn == 0))
            seconds[key] += some[turn == 0 :]
    return {key: median(some) for key, some in seconds.items()}


def exponent(seconds):
    """Exponent of the power of n that fits the times best: 1 is linear."""
    n = np.log(list(seconds))
    return float(np.polyfit(n, np.log(list(seconds.values())), 1)[0])


def report(session, work, wanted, n_epochs):
    """Measure all rows of the reference report, on all processors."""
    from benchmarks.report.rows import published

    works = [
        work._replace(
            hidden=tuple(settings["hidden_layer_sizes"]),
            batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate_init"],
            momentum=settings["momentum"],
            weight_decay=settings["weight_decay"],
        )
        for settings in (row["settings"] for row in published()["rows"])
    ]
    names, left_out = taking_part(session, work, wanted)
    if not names:
        return {"left_out": left_out}
    times = {
        OURS: {"total": session.ask(OURS, "report", works, n_epochs, session.cpus)}
    }
    if "numpy" in names:
        times["numpy"] = {"total": hand_out(session, "numpy", works, n_epochs)}
    return {
        **session.ask(OURS, "describe", work),
        "left_out": left_out,
        "epochs": n_epochs,
        "networks": len(works),
        "processors": len(session.cpus),
        "times": compared(times),
    }


def hand_out(session, name, works, n_epochs):
    """Seconds to train networks in a process per processor, the longest first."""
    queue = deque(sorted(works, key=lambda work: (work.batch_size, -sum(work.hidden))))
    keys = {}
    for cpu in session.cpus:
        key = f"{name} on processor {cpu}"
        session.start(key, name, cpu)
        session.ask(key, "train", works[0], 1)
        keys[session.pipe(key)] = key
    start = time.perf_counter()
    busy = set()
    for pipe, key in keys.items():
        if queue:
            session.send(key, "train", queue.popleft(), n_epochs)
            busy.add(pipe)
    while busy:
        for pipe in wait(busy):
            session.receive(keys[pipe])
            if queue:
                session.send(keys[pipe], "train", queue.popleft(), n_epochs)
            else:
                busy.remove(pipe)
    seconds = time.perf_counter() - start
    for key in keys.values():
        session.stop(key)
    return seconds


def summary(seconds):
    """Best and median of some times, and these."""
    return {"best": min(seconds), "median": median(seconds), "seconds": seconds}


def compared(times):
    """Add to each peer's times how they compare with those of cymlp."""
    ratios = {"total": "ratio", "best": "ratio_of_bests"}
    return {
        name: one
        | {
            ratio: one[figure] / times[OURS][figure]
            for figure, ratio in ratios.items()
            if figure in one
        }
        for name, one in times.items()
    }
