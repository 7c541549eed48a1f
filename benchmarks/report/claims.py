"""What the publication claims, and whether our runs bear it out.

A claim is data: what it says, which runs it is about, and comparisons of what can be
measured on them. No verdict is written down; all follow from the runs.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax
from scipy.stats import f as fisher
from scipy.stats import t as student

from benchmarks.report.document import Table
from benchmarks.report.training import FIGURES
from cymlp import activations, losses

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot be told"
LEVEL = 0.95  # training accuracy by which speeds are compared
MOST = 0.5
NBSP = "\N{NO-BREAK SPACE}"
CLEAR_RATIO = 1.5  # of standard deviations
# Where exp becomes infinite and where it becomes zero, in float32.
OVERFLOW = math.log(float(np.finfo(np.float32).max))
UNDERFLOW = -math.log(float(np.finfo(np.float32).smallest_subnormal) / 2)
HOW_JUDGED = (
    "A comparison takes the means over the seeds and the 95 % interval of their "
    "difference by Welch. It holds if the whole interval is on the claimed side; it "
    "does not hold if the interval ends below what would be a clear difference, which "
    "the table gives; else it cannot be told, as with a single run. A claim holds if "
    "all its comparisons do, and does not hold if one of them does not."
)
NOT_MNIST = "The publication's claims are about MNIST: these runs do not test them."


class Which(NamedTuple):
    """Which runs: those of a row, or of one of its variants.

    Attributes
    ----------
    figure : int
    variant : str
        Of `training.Run`.
    number : int
        Which of the row's variants of this name.
    """

    figure: int
    variant: str = "named"
    number: int = 0

    def __str__(self):
        words = [str(self.figure)]
        if self.variant != "named":
            words.append(self.variant)
        if self.number:
            words.append(str(self.number + 1))
        return " ".join(words)


class Measure(NamedTuple):
    """What is measured on a run.

    Attributes
    ----------
    name : str
    of : callable
        Takes a result, gives a number.
    clear : float
        Least difference that one would call clear.
    digits : int
        After the point, to print.
    """

    name: str
    of: Callable
    clear: float
    digits: int = 4


class Comparison(NamedTuple):
    """Whether some runs measure more, or less, than others or than a number.

    Attributes
    ----------
    measure : Measure
    runs : Which
    direction : {"more", "less", "wider", "same"}
        "wider" compares the standard deviations over the seeds, "same" all curves.
    others : Which or float
    factor : float
        How many times as much the others count.
    """

    measure: Measure
    runs: Which
    direction: str
    others: Which | float
    factor: float = 1.0


class Claim(NamedTuple):
    """One claim of the publication, or one part of a claim.

    Attributes
    ----------
    text : str
    comparisons : tuple of Comparison
    denied : bool
        Whether the comparisons speak against the claim.
    note : str
        What else is to be said.
    """

    text: str
    comparisons: tuple = ()
    denied: bool = False
    note: str = ""

    @property
    def needs(self):
        """The runs that the claim is about."""
        return {
            which
            for comparison in self.comparisons
            for which in (comparison.runs, comparison.others)
            if isinstance(which, Which)
        }


class Judgement(NamedTuple):
    """A claim with its verdict and evidence.

    Attributes
    ----------
    claim : Claim
    verdict : str
    n_holding : int
        How many of its comparisons hold.
    lines : list of list of str
        Of a table headed by HEAD.
    """

    claim: Claim
    verdict: str
    n_holding: int
    lines: list


HEAD = [
    "measured",
    "runs",
    "their mean",
    "claimed to be",
    "than",
    "their mean",
    "difference, 95 % interval",
    "clear from",
    "verdict",
]


def figure(name, clear):
    """Measure one of the four figures."""
    return Measure(name.replace("_", " "), lambda result: result[name], clear)


def epochs_to(result, level=LEVEL):
    """Epochs until the training accuracy has been at a level; all if it never is."""
    epochs, values = curve(result, "train_accuracy")
    there = np.flatnonzero(values >= level)
    return epochs[there[0]] if there.size else epochs[-1]


def seconds_to(result, level=LEVEL):
    """Seconds of training until the accuracy has been at a level."""
    return epochs_to(result, level) * per_epoch(result)


def per_epoch(result):
    """Seconds of training per epoch."""
    return result["seconds"] / curve(result, "train_accuracy")[0][-1]


def roughness(result):
    """How much the test accuracy bends, on average, in the second half of training.

    NaN where there are too few points to tell, as there may be for a slope.
    """
    _, values = curve(result, "test_accuracy")
    bends = np.diff(values[len(values) // 2 :], n=2)
    return np.abs(bends).mean() if bends.size else math.nan


def slope(result, name, share):
    """Slope of a curve, per epoch, over the last share of the epochs."""
    epochs, values = curve(result, name)
    last = epochs >= (1 - share) * epochs[-1]
    return np.polyfit(epochs[last], values[last], 1)[0] if last.sum() > 1 else math.nan


def curve(result, name):
    """Epochs and values of a curve."""
    return tuple(np.array(result["curves"][name][key]) for key in ("epochs", "values"))


def at_the_end(name, layer):
    """Measure one of the diagnostics of a layer after the last epoch."""
    return lambda result: result["diagnostics"][name][-1][layer]


TRAIN_LOSS = figure("train_loss", 0.01)
TEST_LOSS = figure("test_loss", 0.005)
TRAIN = figure("train_accuracy", 0.002)
TEST = figure("test_accuracy", 0.002)
GAP = Measure(
    "train less test accuracy",
    lambda r: r["train_accuracy"] - r["test_accuracy"], 0.002,
)  # fmt: skip
SPEED = Measure(f"epochs to a training accuracy of {LEVEL}", epochs_to, 1.0, 2)
EARLY_SPEED = Measure(
    "epochs to a training accuracy of 0.9", lambda r: epochs_to(r, 0.9), 1.0, 2
)
SECONDS = Measure("seconds per epoch", per_epoch, 0.005)
SECONDS_TO = Measure(f"seconds to a training accuracy of {LEVEL}", seconds_to, 0.1, 2)
ROUGHNESS = Measure(
    "roughness: mean bend of the test accuracy, over the last half", roughness, 0.001
)
RISE = Measure(
    "rise of the test loss per 10 epochs, over the last half",
    lambda r: 10 * slope(r, "test_loss", 0.5), 0.001,
)  # fmt: skip
FALL = Measure(
    "fall of the training loss per 10 epochs, over the last fifth",
    lambda r: -10 * slope(r, "train_loss", 0.2), 0.001,
)  # fmt: skip
ZERO_AT_OUTPUT = Measure(
    "fraction of zero gradients at the scores", at_the_end("zero_gradients", -1), 0.05
)
SATURATION = Measure(
    "fraction of hidden derivatives near zero", at_the_end("saturation", 0), 0.05
)
DEAD = Measure("fraction of dead hidden units", at_the_end("dead_units", 0), 0.02)
HIDDEN_INPUT = Measure(
    "largest input of a hidden unit", lambda r: r["extremes"]["hidden_input"], 1.0, 1
)
SCORE_RANGE = Measure(
    "largest range of the scores of an image", lambda r: r["extremes"]["score_range"],
    1.0, 1,
)  # fmt: skip


def swapped(number):
    """Runs of a row with the swapped HardSwish."""
    return Which(number, "as published")


def pairs(measure, direction, *rows, factor=1.0):
    """Compare pairs of rows, numbers standing for rows as they are named."""
    rows = [Which(row) if isinstance(row, int) else row for row in rows]
    return tuple(
        Comparison(measure, runs, direction, others, factor)
        for runs, others in zip(rows[::2], rows[1::2], strict=True)
    )


def against(measure, direction, number, *rows):
    """Compare rows with a number."""
    rows = [Which(row) if isinstance(row, int) else row for row in rows]
    return tuple(Comparison(measure, row, direction, number) for row in rows)


HARDSWISH_PAIRS = (2, 1, 2, 3, 7, 5, 7, 9)
SWAPPED_PAIRS = (
    swapped(2), 1, swapped(2), 3, swapped(7), 5, swapped(7), 9,
)  # fmt: skip
LARGER_STEP = Which(28, "probe")
GAMMA_ONLY, ALPHA_ONLY = Which(50, "probe", 0), Which(50, "probe", 1)
TIME = "This is time per epoch of this implementation on this machine."
CLAIMS = {
    "HardSwish": [
        Claim(
            "The correct HardSwish converges slower than SELU and tanh.",
            pairs(SPEED, "more", *HARDSWISH_PAIRS),
        ),
        Claim(
            "The swapped HardSwish converges slower than SELU and tanh.",
            pairs(SPEED, "more", *SWAPPED_PAIRS),
        ),
        Claim(
            "The correct HardSwish learns less stably than SELU and tanh.",
            pairs(ROUGHNESS, "more", *HARDSWISH_PAIRS),
        ),
        Claim(
            "The swapped HardSwish learns less stably than SELU and tanh.",
            pairs(ROUGHNESS, "more", *SWAPPED_PAIRS),
        ),
        Claim(
            "Runs with the correct HardSwish differ more among themselves.",
            pairs(TEST, "wider", *HARDSWISH_PAIRS),
        ),
        Claim(
            "Runs with the swapped HardSwish differ more among themselves.",
            pairs(TEST, "wider", *SWAPPED_PAIRS),
        ),
    ],
    "Hinge": [
        Claim(
            "Hinge converges faster than cross entropy.",
            pairs(SPEED, "less", 5, 1, 7, 2, swapped(7), swapped(2), 9, 3),
        ),
        Claim(
            "Hinge learns less smoothly than cross entropy.",
            pairs(ROUGHNESS, "more", 5, 1, 7, 2, swapped(7), swapped(2), 9, 3),
        ),
        Claim(
            "Hinge is the worst loss on the test set.",
            pairs(TEST, "less", 5, 1, 7, 2, swapped(7), swapped(2), 9, 3),
        ),
        Claim(
            "With softmax, hinge takes longer to train.",
            pairs(SECONDS, "more", 10, 5, 11, 5),
            note=TIME,
        ),
        Claim(
            "With softmax, hinge converges slower.",
            pairs(SPEED, "more", 10, 5, 11, 5),
        ),
    ],
    "SELU and tanh": [
        Claim(
            "SELU is best on the test set, beside the correct HardSwish.",
            pairs(TEST, "more", 1, 2, 1, 3, 5, 7, 5, 9),
        ),
        Claim(
            "SELU is best on the test set, beside the swapped HardSwish.",
            pairs(TEST, "more", 1, swapped(2), 1, 3, 5, swapped(7), 5, 9),
        ),
        Claim(
            "Tanh with hinge is bad on the test set.",
            pairs(TEST, "less", 9, 3, 9, 5, 9, 7),
        ),
    ],
    "KL divergence and cross entropy": [
        Claim(
            "On labels, both losses are the same up to a constant, which is 0.",
            pairs(TRAIN_LOSS, "same", 4, 1, 6, 2, swapped(6), swapped(2), 8, 3),
            note="The constant is the entropy of the targets: 0 for one-hot ones.",
        ),
    ],
    "Learning rate": [
        Claim(
            "At 0.01 the gap between training and test is wider than at 0.003.",
            pairs(GAP, "more", 20, 21),
        ),
        Claim(
            "At 0.01 the network overfits: its test loss ends up rising.",
            against(RISE, "more", 0.0, 20),
        ),
        Claim(
            "At 0.0005 the network is undertrained.",
            (*pairs(TRAIN, "less", 22, 21), *against(FALL, "more", 0.0, 22)),
        ),
    ],
    "Weight decay": [
        Claim(
            "With 0.00001 the training set is learned better than with 0.0001.",
            (*pairs(TRAIN, "more", 24, 21), *pairs(TRAIN_LOSS, "less", 24, 21)),
        ),
        Claim(
            "With 0.00001 the test set is recognised worse than with 0.0001.",
            (*pairs(TEST, "less", 24, 21), *pairs(TEST_LOSS, "more", 24, 21)),
        ),
    ],
    "Momentum": [
        Claim(
            "With momentum 0.999 the curves oscillate.",
            pairs(ROUGHNESS, "more", 26, 21),
        ),
        Claim(
            "Without momentum, training is slow.",
            pairs(EARLY_SPEED, "more", 28, 21),
        ),
        Claim(
            "Without momentum, training is stuck in a local minimum.",
            (
                *against(FALL, "more", 0.0, 28),
                *pairs(TRAIN_LOSS, "less", LARGER_STEP, 28),
            ),
            denied=True,
            note="The probe has a learning rate ten times larger, so that its steps "
            "are as large as with momentum 0.9. The claim is refuted if the loss still "
            "falls, or if larger steps reach a lower one.",
        ),
    ],
    "Batch size": [
        Claim(
            "Batches of 10 take less time per epoch than batches of 100.",
            pairs(SECONDS, "less", 29, 21),
            note=TIME,
        ),
        Claim(
            "Batches of 10 take less time to reach the same training accuracy.",
            pairs(SECONDS_TO, "less", 29, 21),
        ),
        Claim(
            "Batches of 1000 learn more smoothly than batches of 100.",
            pairs(ROUGHNESS, "less", 30, 21),
        ),
    ],
    "Two hidden layers": [
        Claim(
            "Two hidden layers are better on the training set.",
            pairs(TRAIN, "more", 40, 21, 53, 51),
        ),
        Claim(
            "Two hidden layers are better on the test set.",
            pairs(TEST, "more", 40, 21, 53, 51),
        ),
        Claim(
            "Two hidden layers take much longer: more than twice as long.",
            pairs(SECONDS, "more", 40, 21, 53, 51, factor=2.0),
            note=TIME,
        ),
    ],
    "Focal loss": [
        Claim(
            "Focal loss takes longer to train than cross entropy.",
            pairs(SECONDS, "more", 50, 21),
            note=TIME,
        ),
        Claim(
            "Focal loss converges slower than cross entropy.",
            pairs(EARLY_SPEED, "more", 50, 21),
        ),
        Claim(
            "It is alpha = 0.1 that makes it slower, by itself.",
            pairs(EARLY_SPEED, "more", ALPHA_ONLY, 21),
            note="Not a claim but a possible reason. The probe has gamma 0. An "
            "alpha of 0.1 divides the loss by 10, which is the same as a tenth of the "
            "learning rate with ten times the weight decay.",
        ),
        Claim(
            "It is gamma = 2 that makes it slower, by itself.",
            pairs(EARLY_SPEED, "more", GAMMA_ONLY, 21),
            note="Not a claim but a possible reason. The probe has alpha 1.",
        ),
    ],
    "Vanishing gradients": [
        Claim(
            "With hinge, most gradients at the scores are zero.",
            against(ZERO_AT_OUTPUT, "more", MOST, 5, 7, 9),
            note="They are zero where the margin is met: what is learned teaches no "
            "more.",
        ),
        Claim(
            "With the correct HardSwish, most hidden derivatives are near zero.",
            against(SATURATION, "more", MOST, 2, 7),
        ),
        Claim(
            "With the correct HardSwish, hidden units die.",
            against(DEAD, "more", 0.0, 2, 7),
        ),
        Claim(
            "With the swapped HardSwish, most hidden derivatives are near zero.",
            against(SATURATION, "more", MOST, swapped(2), swapped(7)),
        ),
        Claim(
            "With tanh and cross entropy, most hidden derivatives are near zero.",
            against(SATURATION, "more", MOST, 3),
        ),
        Claim(
            "With tanh and hinge, most hidden derivatives are near zero.",
            against(SATURATION, "more", MOST, 9),
        ),
    ],
    "Overflow": [
        Claim(
            "In these networks, the exponentials of a plain tanh overflow.",
            against(HIDDEN_INPUT, "more", OVERFLOW, 3, 9),
            note="exp of more than 88.72 is infinite in float32.",
        ),
        Claim(
            "In these networks, the logarithm of a plain cross entropy meets a zero.",
            against(SCORE_RANGE, "more", UNDERFLOW, 1, 2, 3),
            note="A probability below exp(-103.97) is zero in float32.",
        ),
        Claim(
            "With the swapped HardSwish, that logarithm meets a zero.",
            against(SCORE_RANGE, "more", UNDERFLOW, swapped(2)),
        ),
    ],
}


def judge(results, claims=CLAIMS):
    """Judge the claims whose runs there are.

    Parameters
    ----------
    results : list of dict
        Of `training.train`, probes among them.
    claims : dict of str to list of Claim
        By topic.

    Returns
    -------
    judgements : dict of str to list of Judgement
        By topic, without topics that nothing can be said about.
    left_out : list of Claim
        Those whose runs are not there.
    """
    runs = by_row(results)
    possible = {
        topic: [claim for claim in of_topic if claim.needs <= set(runs)]
        for topic, of_topic in claims.items()
    }
    judgements = {
        topic: [judged(claim, runs) for claim in of_topic]
        for topic, of_topic in possible.items()
        if of_topic
    }
    everything = [claim for of_topic in claims.values() for claim in of_topic]
    return judgements, [claim for claim in everything if not claim.needs <= set(runs)]


def by_row(results):
    """Put the results of a row, or of a variant of it, together."""
    variants, runs = {}, {}
    for result in results:
        key = result["figure"], result["variant"]
        known = variants.setdefault(key, [])
        if result["settings"] not in known:
            known.append(result["settings"])
        which = Which(*key, known.index(result["settings"]))
        runs.setdefault(which, []).append(result)
    return runs


def judged(claim, runs):
    """Judge one claim."""
    verdicts, lines = [], []
    for comparison in claim.comparisons:
        compare = {"same": compared_exactly, "wider": compared_spread}
        verdict, line = compare.get(comparison.direction, compared)(comparison, runs)
        verdicts.append(verdict)
        lines.append(line)
    n_holding = verdicts.count(HOLDS)
    return Judgement(claim, combined(verdicts, claim.denied), n_holding, lines)


def combined(verdicts, denied=False):
    """Judge a claim by all its comparisons; denied, by their opposites."""
    if denied:
        opposite = {HOLDS: FAILS, FAILS: HOLDS, UNKNOWN: UNKNOWN}
        verdicts = [opposite[verdict] for verdict in verdicts]
    if FAILS in verdicts:
        return FAILS
    return UNKNOWN if UNKNOWN in verdicts else HOLDS


def compared(comparison, runs):
    """Judge one comparison; give its line of the table, too."""
    measure, which, direction, others, factor = comparison
    values = measured(measure, runs[which])
    if isinstance(others, Which):
        other_values = factor * measured(measure, runs[others])
        name = str(others) if factor == 1 else f"{factor:g} × {others}"
    else:
        other_values, name = np.array([others]), "—"
    difference = values.mean() - other_values.mean()
    low, high = interval(values, other_values, known=not isinstance(others, Which))
    verdict = decided(low, high, direction, measure.clear)
    digits = measure.digits
    line = [
        measure.name,
        str(which),
        shown(values, digits),
        direction,
        name,
        shown(other_values, digits),
        f"{difference:+.{digits}f}"
        + ("" if math.isnan(low) else f" ({low:+.{digits}f} to {high:+.{digits}f})"),
        f"{measure.clear:g}",
        verdict,
    ]
    return verdict, line


def compared_exactly(comparison, runs):
    """Judge whether runs of the same seed have the same curves; give a line, too."""
    _, which, _, others, _ = comparison
    other_of = {result["seed"]: result for result in runs[others]}
    pairs = [
        (result, other_of[result["seed"]])
        for result in runs[which]
        if result["seed"] in other_of
    ]
    differences = [
        float(np.abs(curve(ours, name)[1] - curve(theirs, name)[1]).max())
        for ours, theirs in pairs
        for name in FIGURES
    ]
    most = max(differences, default=math.nan)
    verdict = UNKNOWN if math.isnan(most) else HOLDS if most == 0 else FAILS
    line = [
        "largest difference of the four curves, seed by seed, to 4 digits",
        str(which), "", "the same", str(others), "", f"{most:g}", "above 0", verdict,
    ]  # fmt: skip
    return verdict, line


def compared_spread(comparison, runs):
    """Judge whether runs differ more among themselves than others; give a line, too.

    By the 95 % interval that the F distribution gives for the ratio of their standard
    deviations.
    """
    measure, which, _, others, _ = comparison
    spreads, freedoms = [], []
    for results in (runs[which], runs[others]):
        values = measured(measure, results)
        freedoms.append(values.size - 1)
        spreads.append(values.std(ddof=1) if values.size > 1 else math.nan)
    verdict, difference = UNKNOWN, ""
    if min(freedoms) > 0 and min(spreads) > 0:
        ratio = spreads[0] / spreads[1]
        low = ratio / math.sqrt(fisher.ppf(0.975, *freedoms))
        high = ratio / math.sqrt(fisher.ppf(0.025, *freedoms))
        verdict = decided(math.log(low), math.log(high), "more", math.log(CLEAR_RATIO))
        difference = f"× {ratio:.2f} ({low:.2f} to {high:.2f})"
    line = [
        f"standard deviation of the {measure.name}",
        str(which), f"{spreads[0]:.4f}", "more", str(others), f"{spreads[1]:.4f}",
        difference, f"× {CLEAR_RATIO:g}", verdict,
    ]  # fmt: skip
    return verdict, line


def measured(measure, results):
    """Measure all runs."""
    return np.array([float(measure.of(result)) for result in results])


def interval(values, others, *, known=False):
    """95 % interval of the difference of two means, by Welch.

    Parameters
    ----------
    values, others : ndarray
        Of shapes (n,) and (m,).
    known : bool, default=False
        Whether the mean of the others is known exactly.

    Returns
    -------
    low, high : float
        NaN where a mean is that of a single run.
    """
    samples = [values] if known else [values, others]
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


def decided(low, high, direction, clear):
    """Judge an interval of a difference."""
    if direction == "less":
        low, high = -high, -low
    if low > 0:
        return HOLDS
    return FAILS if high < clear else UNKNOWN  # also where the interval is NaN


def shown(values, digits):
    """Mean and standard deviation in print."""
    spread = f"{NBSP}±{NBSP}{values.std(ddof=1):.{digits}f}" if values.size > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def tanh_by_exponentials(U):
    """The formula of tanh as it is found in books."""
    return (np.exp(U) - np.exp(-U)) / (np.exp(U) + np.exp(-U))


def loss_by_softmax(Z, T):
    """Cross entropy by a softmax without shift and the logarithm of its result."""
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -(T * np.log(P)).sum(axis=1)


def loss_by_shifted_softmax(Z, T):
    """Cross entropy by a softmax with shift and, still, the logarithm of its result."""
    return loss_by_softmax(Z - Z.max(axis=1, keepdims=True), T)


def overflow_table():
    """Show what plain formulas and ours give in float32, beside float64.

    Returns
    -------
    table : document.Table
    """
    with np.errstate(all="ignore"):
        lines = [
            *(tanh_line(u) for u in (1, 20, 88, 89, 1000)),
            *(loss_line(loss_by_softmax, z) for z in (1, 60, 88, 89, 1000)),
            *(loss_line(loss_by_shifted_softmax, z) for z in (60, 103, 104, 1000)),
        ]
    return Table(["in float32", "plain formula", "cymlp", "in float64"], lines)


def tanh_line(u):
    """One line of the table: tanh of a number."""
    U = np.array([[u]], np.float32)
    ours, exact = activations.Tanh().value(U), np.tanh(U.astype(float))
    return [f"tanh {u}", *in_print(tanh_by_exponentials(U), ours, exact)]


def loss_line(formula, z):
    """One line of the table: a loss with two scores, the first of which is wrong."""
    Z, T = np.array([[z, 0]], np.float32), np.array([[0, 1]], np.float32)
    ours, _ = losses.CrossEntropy().value_and_gradient(Z, T)
    exact = -log_softmax(Z.astype(float), axis=1)[:, 1]
    name = formula.__name__.replace("_", " ")
    what = f"{name}, scores {z} and 0, the second right"
    return [what, *in_print(formula(Z, T), ours, exact)]


def in_print(*numbers):
    """Arrays of one number each, to the digits of float32."""
    return [f"{number.item():.7g}" for number in numbers]
