"""Functions that judge a claim by the runs."""

import math
from typing import NamedTuple

import numpy as np

from benchmarks.report import intervals
from benchmarks.report.intervals import FAILS, HOLDS, UNDECIDED, Interval
from benchmarks.report.measures import MEASURES
from benchmarks.report.networks import Key


class Comparison(NamedTuple):
    """A measure of one network compared with that of another, or with a constant.

    Attributes
    ----------
    measure : str
        Name in `measures.MEASURES`.
    network : Key
    relation : {"higher", "lower", "alike", "not lower"}
        The relation that is claimed.
    reference : Key or float
    factor : float
        Factor of the reference.
    reference_measure : str, optional
        Measure of the reference, if it is another one.
    """

    measure: str
    network: Key
    relation: str
    reference: Key | float
    factor: float = 1.0
    reference_measure: str = ""


class Line(NamedTuple):
    """The evidence of one comparison.

    Attributes
    ----------
    comparison : Comparison
    mean, reference_mean : float
    n : int
        Number of pairs, or of runs if the reference is a constant.
    difference : Interval
        Mean difference; for ratios the mean difference of the logarithms.
    verdict : str
    """

    comparison: Comparison
    mean: float
    reference_mean: float
    n: int
    difference: Interval
    verdict: str

    @property
    def effect(self):
        """The difference in units of the smallest one that counts, as claimed."""
        counts = threshold(MEASURES[self.comparison.measure])
        sign = -1 if self.comparison.relation == "lower" else 1
        mean, low, high = (sign * end / counts for end in self.difference)
        return Interval(mean, min(low, high), max(low, high))


class Judgement(NamedTuple):
    """A claim with its verdict and evidence."""

    claim: object
    verdict: str
    lines: list


def judge(claims, networks, confidence=intervals.CONFIDENCE):
    """Judge the claims about networks that have runs.

    Parameters
    ----------
    claims : dict of str to list of claims.Claim
        Claims by topic.
    networks : dict of Key to Network
    confidence : float

    Returns
    -------
    judgements : dict of str to list of Judgement
        Judgements by topic, without empty topics.
    """
    judged = {
        topic: [
            claim.judge(claim, networks, confidence)
            for claim in of_topic
            if claim.keys <= set(networks)
        ]
        for topic, of_topic in claims.items()
    }
    return {topic: found for topic, found in judged.items() if found}


def jointly(claims, networks):
    """Judge with intervals that are all right at once with a probability of 95 %.

    The level of each interval is that of Bonferroni's correction.
    """
    n = sum(
        len(claim.comparisons)
        for of_topic in claims.values()
        for claim in of_topic
        if claim.keys <= set(networks)
    )
    return judge(claims, networks, 1 - (1 - intervals.CONFIDENCE) / max(n, 1))


def compare(claim, networks, confidence):
    """Judge by the differences of means of runs with equal seeds."""
    lines = [compared(each, networks, confidence) for each in claim.comparisons]
    verdict = intervals.combined([line.verdict for line in lines])
    return Judgement(claim, verdict, lines)


def compared(comparison, networks, confidence):
    """Compare the runs of two networks, paired by seed."""
    measure = MEASURES[comparison.measure]
    values, others = paired(comparison, networks)
    if measure.is_ratio:
        differences = np.log(values) - np.log(others)
    else:
        differences = values - others
    difference = intervals.interval(differences, confidence)
    verdict = intervals.verdict_on(difference, comparison.relation, threshold(measure))
    mean = values.mean() if values.size else math.nan
    other_mean = others.mean() if others.size else math.nan
    return Line(
        comparison, float(mean), float(other_mean), values.size, difference, verdict
    )


def paired(comparison, networks):
    """Give the values of both sides of a comparison, paired by seed."""
    values = networks[comparison.network].measured(comparison.measure)
    if isinstance(comparison.reference, Key):
        others = networks[comparison.reference].measured(
            comparison.reference_measure or comparison.measure
        )
    else:
        others = dict.fromkeys(values, comparison.reference)
    seeds = sorted(set(values) & set(others))
    return (
        np.array([values[seed] for seed in seeds], float),
        comparison.factor * np.array([others[seed] for seed in seeds], float),
    )


def threshold(measure):
    """Smallest difference that counts; of logarithms for a ratio."""
    return math.log(measure.counts) if measure.is_ratio else measure.counts


def identical(claim, networks, confidence):
    """Judge that runs with equal seeds have identical curves."""
    lines = []
    for comparison in claim.comparisons:
        curves, others = (
            {run["seed"]: run["curves_digest"] for run in networks[key].runs}
            for key in (comparison.network, comparison.reference)
        )
        line = compared(comparison, networks, confidence)
        same = [curves[seed] == others[seed] for seed in set(curves) & set(others)]
        verdict = UNDECIDED if not same else HOLDS if all(same) else FAILS
        lines.append(line._replace(verdict=verdict))
    verdict = intervals.combined([line.verdict for line in lines])
    return Judgement(claim, verdict, lines)


def only_one_agrees(claim, networks, confidence):
    """Judge that the published values are those of the reference of a comparison.

    It does not hold if they agree with the network of the comparison only.
    """
    (comparison,) = claim.comparisons
    network, reference = (
        networks[key] for key in (comparison.network, comparison.reference)
    )
    line = compared(comparison, networks, confidence)
    if len(network.runs) < 2 or bool(network.outside) == bool(reference.outside):
        verdict = UNDECIDED
    else:
        verdict = FAILS if reference.outside else HOLDS
    return Judgement(claim, verdict, [line._replace(verdict=verdict)])
