"""The networks of the report: the runs of a row, or of a change of it, by seed."""

import math
from typing import NamedTuple

import numpy as np

from benchmarks.report import intervals
from benchmarks.report.rows import METRICS, published

# Chance that a repetition of the same network has a value outside of its bound.
ROW_CHANCE = 0.05
DISPLAY_NAMES = {
    "hidden_layer_sizes": "hidden layers",
    "learning_rate_init": "learning rate",
    "weight_decay": "weight decay",
    "batch_size": "batch size",
}
LOSS_NAMES = {
    "cross_entropy": "cross entropy",
    "kl_div": "KL divergence",
    "hinge": "hinge",
    "focal": "focal loss",
}
ACTIVATION_NAMES = {
    "selu": "SELU",
    "tanh": "tanh",
    "hardswish": "HardSwish",
    "swapped_hardswish": "swapped HardSwish",
}


class Key(NamedTuple):
    """A row of the publication, and how the network differs from it; "" if not."""

    figure: int
    name: str = ""

    def __str__(self):
        return f"{self.figure} with {self.name}" if self.name else str(self.figure)


class Network:
    """The runs of one network, one for each seed.

    Parameters
    ----------
    row : dict
        The row of published.json.
    runs : list of dict
        Summaries of `summaries.summarise`, equal but for the seed.
    curves : dict
        For each metric its "epochs", and "mean", "low" and "high" over the runs.
    times : list of float, optional
        Processor times per epoch in ms, one for each round of `timing.measure`.
    """

    def __init__(self, row, runs, curves, times=()):
        self.row = row
        self.runs = runs
        self.curves = curves
        self.times = times
        self.key = Key(runs[0]["figure"], runs[0]["name"])
        self.kind = runs[0]["kind"]
        self.settings = runs[0]["settings"]

    @property
    def title(self):
        """Activation and loss in words."""
        activation, loss = self.settings["activation"], self.settings["loss"]
        return f"{ACTIVATION_NAMES[activation]}, {LOSS_NAMES[loss]}"

    @property
    def differences(self):
        """Settings in words that differ from the first row."""
        usual = flat(published()["rows"][0]["settings"])
        words = [
            setting_in_words(name, value)
            for name, value in flat(self.settings).items()
            if name not in ("activation", "loss") and value != usual.get(name)
        ]
        return [word for word in words if word]

    @property
    def description(self):
        """All settings in words that identify the network."""
        return ", ".join([self.title, *self.differences])

    def values(self, metric):
        """Values of one metric, one for each run."""
        return np.array([run[metric] for run in self.runs])

    def measured(self, measure):
        """Values of a measure by seed, or by round, without the runs that lack it."""
        if measure == "time":
            return dict(enumerate(self.times))
        found = {run["seed"]: run["measures"].get(measure) for run in self.runs}
        return {seed: value for seed, value in found.items() if value is not None}

    def bound(self, metric):
        """Largest difference from the mean that chance explains; NaN for one run.

        One of the four metrics of a further run of the network is outside of its bound
        with a probability of at most `ROW_CHANCE`.
        """
        return intervals.bound(self.values(metric), ROW_CHANCE / len(METRICS))

    def distance(self, metric, value=None):
        """Distance of a value, the published one by default, in units of the bound."""
        value = self.row["published"][metric] if value is None else value
        difference = value - self.values(metric).mean()
        bound = self.bound(metric)
        if bound == 0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return float(difference / bound)

    @property
    def outside(self):
        """Published metrics that are outside of their bound, with their distance."""
        distances = {metric: self.distance(metric) for metric in METRICS}
        return {metric: far for metric, far in distances.items() if abs(far) > 1}


def flat(settings):
    """Merge the parameters of the loss into the other settings."""
    settings = dict(settings)
    parameters = settings.pop("loss_parameters", {})
    return settings | parameters


def setting_in_words(name, value):
    """Write a setting for the reader, such as "learning rate 0.003"."""
    if name == "softmax":
        return "softmax" if value else ""
    if name == "hidden_layer_sizes":
        if len(value) == 1:
            return f"{value[0]} hidden units"
        return f"{' + '.join(map(str, value))} hidden units"
    shown = f"{value:.5f}" if 0 < value < 1e-4 else f"{value:g}"
    return f"{DISPLAY_NAMES.get(name, name)} {shown}"


def rejection_rate(networks):
    """Estimate how often a run falls outside of the bounds of the others.

    Each run is compared with the other runs of its network.

    Returns
    -------
    rate : float
        Share of the runs with at least one of the four metrics outside.
    """
    found = []
    for network in networks:
        for left_out in network.runs:
            rest = [run for run in network.runs if run is not left_out]
            if len(rest) > 1:
                others = Network(network.row, rest, {})
                found.append(
                    any(
                        abs(others.distance(metric, left_out[metric])) > 1
                        for metric in METRICS
                    )
                )
    return float(np.mean(found)) if found else float("nan")
