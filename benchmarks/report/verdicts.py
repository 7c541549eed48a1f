"""Verdicts on the claims, computed from the runs."""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from benchmarks.report.claims import CLAIMS, Claim, RowVariant
from benchmarks.report.measures import curve
from benchmarks.report.rows import METRICS

HOLDS, FAILS, INCONCLUSIVE = "holds", "does not hold", "inconclusive"
NBSP = "\N{NO-BREAK SPACE}"
CLEAR_RATIO = 1.5  # of standard deviations
RULE = (
    "A comparison takes the means over the seeds and Welch's 95 % confidence interval "
    "of their difference. It holds if the whole interval is on the claimed side. It "
    "does not hold if the interval ends below the smallest clear difference, which the "
    "table gives. Otherwise it is inconclusive, as is a comparison of single runs. A "
    "claim holds if all of its comparisons hold, and does not hold if one of them does "
    "not hold."
)
HEAD = [
    "measure",
    "row",
    "mean",
    "claimed",
    "compared with",
    "mean",
    "difference (95 % interval)",
    "smallest clear difference",
    "verdict",
]


class Judgement(NamedTuple):
    """A claim with its verdict and evidence.

    Attributes
    ----------
    claim : Claim
    verdict : str
    n_holding : int
        Number of comparisons that hold.
    lines : list of list of str
        Lines of a table with the head `HEAD`.
    """

    claim: Claim
    verdict: str
    n_holding: int
    lines: list


def judge(results, claims=CLAIMS):
    """Judge the claims about rows that have results.

    Parameters
    ----------
    results : list of dict
        Records of `training.train`, probes included.
    claims : dict of str to list of Claim
        Claims by topic.

    Returns
    -------
    judgements : dict of str to list of Judgement
        Judgements by topic, without empty topics.
    left_out : list of Claim
        Claims about rows without results.
    """
    runs = by_row(results)
    judgements, left_out = {}, []
    for topic, of_topic in claims.items():
        for claim in of_topic:
            if claim.rows <= set(runs):
                judgements.setdefault(topic, []).append(judge_claim(claim, runs))
            else:
                left_out.append(claim)
    return judgements, left_out


def by_row(results):
    """Group results by row and variant: a dict of RowVariant to list of dict."""
    variants, runs = {}, {}
    for result in results:
        key = result["figure"], result["variant"]
        known = variants.setdefault(key, [])
        if result["settings"] not in known:
            known.append(result["settings"])
        row = RowVariant(*key, known.index(result["settings"]))
        runs.setdefault(row, []).append(result)
    return runs


def judge_claim(claim, runs):
    """Judge one claim."""
    verdicts, lines = [], []
    for comparison in claim.comparisons:
        compare = {"equal": compare_curves, "wider": compare_spreads}
        verdict, line = compare.get(comparison.relation, compare_means)(
            comparison, runs
        )
        verdicts.append(verdict)
        lines.append(line)
    verdict = combined(verdicts, claim.refuted_by_comparisons)
    return Judgement(claim, verdict, verdicts.count(HOLDS), lines)


def combined(verdicts, refuted=False):
    """Combine the verdicts on comparisons, negated if they refute the claim."""
    if refuted:
        opposite = {HOLDS: FAILS, FAILS: HOLDS, INCONCLUSIVE: INCONCLUSIVE}
        verdicts = [opposite[verdict] for verdict in verdicts]
    if FAILS in verdicts:
        return FAILS
    return INCONCLUSIVE if INCONCLUSIVE in verdicts else HOLDS


def compare_means(comparison, runs):
    """Give the verdict on a difference of means, and its line of the table."""
    measure, row, relation, reference, factor = comparison
    values = measured(measure, runs[row])
    if isinstance(reference, RowVariant):
        reference_values = factor * measured(measure, runs[reference])
        name = str(reference) if factor == 1 else f"{factor:g} × {reference}"
    else:
        reference_values, name = np.array([reference]), "—"
    difference = values.mean() - reference_values.mean()
    low, high = welch_interval(
        values, reference_values, exact=not isinstance(reference, RowVariant)
    )
    verdict = verdict_on(low, high, relation, measure.clear)
    digits = measure.digits
    line = [
        measure.name,
        str(row),
        shown(values, digits),
        relation,
        name,
        shown(reference_values, digits),
        f"{difference:+.{digits}f}"
        + ("" if math.isnan(low) else f" ({low:+.{digits}f} to {high:+.{digits}f})"),
        f"{measure.clear:g}",
        verdict,
    ]
    return verdict, line


def compare_curves(comparison, runs):
    """Give the verdict on equal curves for equal seeds, and its line of the table."""
    _, row, _, reference, _ = comparison
    reference_of = {result["seed"]: result for result in runs[reference]}
    matched = [
        (result, reference_of[result["seed"]])
        for result in runs[row]
        if result["seed"] in reference_of
    ]
    differences = [
        float(np.abs(curve(one, name)[1] - curve(other, name)[1]).max())
        for one, other in matched
        for name in METRICS
    ]
    largest = max(differences, default=math.nan)
    verdict = HOLDS if largest == 0 else FAILS
    if math.isnan(largest):
        verdict = INCONCLUSIVE
    line = [
        "largest difference between the four curves for equal seeds, to 4 digits",
        str(row), "", "equal", str(reference), "", f"{largest:g}", "above 0", verdict,
    ]  # fmt: skip
    return verdict, line


def compare_spreads(comparison, runs):
    """Give the verdict on a ratio of standard deviations, and its line of the table.

    The 95 % interval of the ratio comes from the F distribution.
    """
    measure, row, _, reference, _ = comparison
    spreads, freedoms = [], []
    for results in (runs[row], runs[reference]):
        values = measured(measure, results)
        freedoms.append(values.size - 1)
        spreads.append(values.std(ddof=1) if values.size > 1 else math.nan)
    verdict, difference = INCONCLUSIVE, ""
    if min(freedoms) > 0 and min(spreads) > 0:
        ratio = spreads[0] / spreads[1]
        low = ratio / math.sqrt(fisher.ppf(0.975, *freedoms))
        high = ratio / math.sqrt(fisher.ppf(0.025, *freedoms))
        verdict = verdict_on(
            math.log(low), math.log(high), "higher", math.log(CLEAR_RATIO)
        )
        difference = f"× {ratio:.2f} ({low:.2f} to {high:.2f})"
    line = [
        f"standard deviation of the {measure.name}",
        str(row), f"{spreads[0]:.4f}", "higher", str(reference), f"{spreads[1]:.4f}",
        difference, f"× {CLEAR_RATIO:g}", verdict,
    ]  # fmt: skip
    return verdict, line


def measured(measure, results):
    """Measure all runs."""
    return np.array([float(measure.of(result)) for result in results])


def welch_interval(values, others, *, exact=False):
    """Compute Welch's 95 % confidence interval of a difference of two means.

    Parameters
    ----------
    values, others : ndarray
        Samples of shapes (n,) and (m,).
    exact : bool, default=False
        Whether the mean of the others is exact.

    Returns
    -------
    low, high : float
        NaN if a sample has one value only.
    """
    samples = [values] if exact else [values, others]
    if any(sample.size < 2 for sample in samples):
        return math.nan, math.nan
    squares = np.array([sample.var(ddof=1) / sample.size for sample in samples])
    difference = values.mean() - others.mean()
    if squares.sum() == 0:
        return difference, difference
    freedom = squares.sum() ** 2 / sum(
        square**2 / (sample.size - 1)
        for square, sample in zip(squares, samples, strict=True)
    )
    reach = student.ppf(0.975, freedom) * math.sqrt(squares.sum())
    return difference - reach, difference + reach


def verdict_on(low, high, relation, clear):
    """Give the verdict on a difference with this confidence interval."""
    if relation == "lower":
        low, high = -high, -low
    if low > 0:
        return HOLDS
    return FAILS if high < clear else INCONCLUSIVE  # also if the interval is NaN


def shown(values, digits):
    """Format mean and standard deviation."""
    spread = f"{NBSP}±{NBSP}{values.std(ddof=1):.{digits}f}" if values.size > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"
