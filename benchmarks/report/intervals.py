"""Intervals and the verdicts that follow from them."""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import t as student

HOLDS, IN_PART, ALIKE, FAILS, UNDECIDED = VERDICTS = (
    "holds", "holds in part", "no clear difference", "does not hold", "undecided",
)  # fmt: skip
MEANINGS = {
    HOLDS: "Every comparison holds: the interval is on the claimed side of zero and "
    "the mean difference counts. Where the claim is that two networks are alike, the "
    "interval is inside the zone that does not count.",
    IN_PART: "At least one comparison holds, but not all of them.",
    ALIKE: "A difference is claimed, and in every comparison the interval is inside "
    "the zone that does not count.",
    FAILS: "No comparison holds or is undecided, and at least one is refuted: its "
    "interval excludes a claimed difference that counts or, where the claim is that "
    "two networks are alike, shows one.",
    UNDECIDED: "No comparison holds, and at least one interval is too wide to tell.",
}
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean difference with its confidence interval; NaN for fewer than two runs."""

    mean: float
    low: float
    high: float

    def __neg__(self):
        return Interval(-self.mean, -self.high, -self.low)


def interval(differences, confidence=CONFIDENCE):
    """Compute Student's confidence interval of the mean of paired differences."""
    differences = np.asarray(differences, float)
    n = differences.size
    if n < 2:
        mean = float(differences.mean()) if n else math.nan
        return Interval(mean, math.nan, math.nan)
    mean = float(differences.mean())
    quantile = student.ppf((1 + confidence) / 2, n - 1)
    reach = float(quantile * differences.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - reach, mean + reach)


def verdict_on(difference, relation, counts):
    """Give the verdict on one comparison.

    Parameters
    ----------
    difference : Interval
    relation : {"higher", "lower", "alike", "not lower"}
        What is claimed of the difference.
    counts : float
        Smallest difference that counts.
    """
    if math.isnan(difference.low):
        return UNDECIDED
    if relation == "lower":
        difference, relation = -difference, "higher"
    mean, low, high = difference
    is_alike = -counts < low and high < counts
    if relation == "alike":
        if is_alike:
            return HOLDS
        return FAILS if low * high > 0 and abs(mean) >= counts else UNDECIDED
    if relation == "not lower":
        if low > -counts:
            return HOLDS
        return FAILS if high < 0 and mean <= -counts else UNDECIDED
    if low > 0 and mean >= counts:
        return HOLDS
    if is_alike:
        return ALIKE
    return FAILS if high < counts else UNDECIDED


def combined(verdicts):
    """Combine the verdicts on the comparisons of a claim."""
    found = set(verdicts)
    if HOLDS in found:
        return HOLDS if found == {HOLDS} else IN_PART
    if UNDECIDED in found:
        return UNDECIDED
    return ALIKE if found == {ALIKE} else FAILS


def bound(values, chance=0.05):
    """Half-width of the prediction interval of one more run.

    Parameters
    ----------
    values : array-like of shape (n,)
        Values of n runs.
    chance : float
        Probability that one more run of the same distribution is outside.

    Returns
    -------
    bound : float
        NaN for fewer than two runs.
    """
    values = np.asarray(values, float)
    n = values.size
    if n < 2:
        return math.nan
    quantile = student.ppf(1 - chance / 2, n - 1)
    return float(quantile * values.std(ddof=1) * math.sqrt(1 + 1 / n))
