"""The runs of a row or variant that differ only in their seed."""

import math

import numpy as np
from scipy.stats import t as student

from benchmarks.report import pictures, verdicts
from benchmarks.report.rows import METRICS, published

DISPLAY_NAMES = {
    "hidden_layer_sizes": "hidden layers",
    "learning_rate_init": "learning rate",
    "weight_decay": "weight decay",
    "batch_size": "batch size",
}


class Replicates:
    """Runs of one row or variant, one for each seed.

    Parameters
    ----------
    row_variant : claims.RowVariant
    row : dict
        The row of published.json.
    results : list of dict
        Records of `training.train`.
    """

    def __init__(self, row_variant, row, results):
        self.label = str(row_variant)
        self.variant = row_variant.variant
        self.row = row
        self.results = results
        self.settings = results[0]["settings"]

    @property
    def title(self):
        """Activation and loss."""
        parts = [self.settings["activation"], self.settings["loss"]]
        return ", ".join(part.replace("_", " ") for part in parts)

    @property
    def differences(self):
        """Settings that differ from the first row, or a variant's from its row."""
        usual = flat(published()["rows"][0]["settings"])
        if self.variant != "named":
            usual = flat(self.row["settings"])
        return [
            setting_in_words(name, value)
            for name, value in flat(self.settings).items()
            if name not in ("activation", "loss") and value != usual.get(name)
        ]

    @property
    def description(self):
        """The settings in words, relative to the row."""
        if self.variant == "named":
            return "with the stated settings"
        return f"with {', '.join([self.title, *self.differences])}"

    def values(self, metric):
        """Values of one metric, one for each run."""
        return np.array([result[metric] for result in self.results])

    def noise(self, metric):
        """Half-width of the 95 % prediction interval of one more run.

        NaN for a single run.
        """
        n = len(self.results)
        if n < 2:
            return math.nan
        errors = [result["sampling_errors"][metric] for result in self.results]
        deviation = max(self.values(metric).std(ddof=1), np.mean(errors))
        return float(student.ppf(0.975, n - 1) * deviation * math.sqrt(1 + 1 / n))

    def excess(self, metric):
        """Difference of the published value from the mean, in units of the noise."""
        difference = self.row["published"][metric] - self.values(metric).mean()
        return difference / self.noise(metric)

    def verdict(self):
        """Say whether the published values agree; nothing for a single run."""
        if len(self.results) < 2:
            return ""
        excesses = {metric: self.excess(metric) for metric in METRICS}
        outside = [
            f"{metric.replace('_', ' ')} {excess:+.1f}"
            for metric, excess in excesses.items()
            if abs(excess) > 1
        ]
        return f"differs ({', '.join(outside)})" if outside else "agrees"

    @property
    def histories(self):
        """Curves of each run, in the form that `cymlp.plots` takes."""
        return [pictures.as_history(result) for result in self.results]


def flat(settings):
    """Merge the parameters of the loss into the other settings."""
    settings = dict(settings)
    parameters = settings.pop("loss_parameters", {})
    return settings | parameters


def setting_in_words(name, value):
    """Write a setting for the reader, such as "learning rate 0.003"."""
    return f"{DISPLAY_NAMES.get(name, name)} {str(value).strip('[]')}"


def grouped(rows, results):
    """Group results that differ only in their seed.

    Parameters
    ----------
    rows : list of dict
        Rows of published.json.
    results : list of dict
        Records of `training.train`.

    Returns
    -------
    groups : list of Replicates
        In the order of the rows, each variant after its row.
    """
    row_of = {row["figure"]: row for row in rows}
    return [
        Replicates(row_variant, row_of[row_variant.figure], found)
        for row_variant, found in verdicts.by_row(results).items()
    ]
