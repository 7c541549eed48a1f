"""The claims of the publication, as comparisons of measures.

The verdicts are not written here: `verdicts` computes them from the runs.
"""

import math
from typing import NamedTuple

import numpy as np

from benchmarks.report.measures import (
    DEAD_UNITS,
    EARLY_EPOCHS,
    EPOCHS,
    FALL,
    GAP,
    HIDDEN_INPUT,
    RISE,
    ROUGHNESS,
    SATURATION,
    SCORE_RANGE,
    SECONDS,
    SECONDS_TO,
    TEST_ACCURACY,
    TEST_LOSS,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    ZERO_AT_SCORES,
    Measure,
)

MOST = 0.5
# Where exp becomes infinite and where it becomes zero in float32.
OVERFLOW = math.log(float(np.finfo(np.float32).max))
UNDERFLOW = -math.log(float(np.finfo(np.float32).smallest_subnormal) / 2)


class RowVariant(NamedTuple):
    """A row of the publication, or a variant of it.

    Attributes
    ----------
    figure : int
    variant : str
        As in `rows.Run`.
    index : int
        Index among the variants of the row with the same name.
    """

    figure: int
    variant: str = "named"
    index: int = 0

    def __str__(self):
        words = [str(self.figure)]
        if self.variant != "named":
            words.append(self.variant)
        if self.index:
            words.append(str(self.index + 1))
        return " ".join(words)


class Comparison(NamedTuple):
    """A measure of one row compared with that of another row, or with a constant.

    Attributes
    ----------
    measure : Measure
    row : RowVariant
    relation : {"higher", "lower", "wider", "equal"}
        The relation that the publication claims. "wider" compares standard deviations
        over the seeds, "equal" whole curves.
    reference : RowVariant or float
    factor : float
        Factor of the reference.
    """

    measure: Measure
    row: RowVariant
    relation: str
    reference: RowVariant | float
    factor: float = 1.0


class Claim(NamedTuple):
    """One claim of the publication, or one part of a claim.

    Attributes
    ----------
    text : str
    comparisons : tuple of Comparison
    refuted_by_comparisons : bool
        Whether the comparisons contradict the claim where they hold.
    note : str
        A remark for the reader of the report.
    """

    text: str
    comparisons: tuple = ()
    refuted_by_comparisons: bool = False
    note: str = ""

    @property
    def rows(self):
        """Set of the rows that the claim is about."""
        return {
            row
            for comparison in self.comparisons
            for row in (comparison.row, comparison.reference)
            if isinstance(row, RowVariant)
        }


def swapped(figure):
    """Give the variant of a row with the swapped HardSwish."""
    return RowVariant(figure, "as published")


def as_variant(row):
    """Turn the number of a row into its variant with the stated settings."""
    return RowVariant(row) if isinstance(row, int) else row


def pairs(measure, relation, *rows, factor=1.0):
    """Compare rows in pairs: the first with the second, the third with the fourth."""
    rows = [as_variant(row) for row in rows]
    return tuple(
        Comparison(measure, row, relation, reference, factor)
        for row, reference in zip(rows[::2], rows[1::2], strict=True)
    )


def against(measure, relation, constant, *rows):
    """Compare rows with a constant."""
    return tuple(
        Comparison(measure, as_variant(row), relation, constant) for row in rows
    )


HARDSWISH_PAIRS = (2, 1, 2, 3, 7, 5, 7, 9)
SWAPPED_PAIRS = (
    swapped(2), 1, swapped(2), 3, swapped(7), 5, swapped(7), 9,
)  # fmt: skip
HINGE_PAIRS = (5, 1, 7, 2, swapped(7), swapped(2), 9, 3)
LARGER_STEP = RowVariant(28, "probe")
GAMMA_ONLY, ALPHA_ONLY = RowVariant(50, "probe", 0), RowVariant(50, "probe", 1)
TIME = "The times are those of cymlp on one machine."
CLAIMS = {
    "HardSwish": [
        Claim(
            "The correct HardSwish converges more slowly than SELU and tanh.",
            pairs(EPOCHS, "higher", *HARDSWISH_PAIRS),
        ),
        Claim(
            "The swapped HardSwish converges more slowly than SELU and tanh.",
            pairs(EPOCHS, "higher", *SWAPPED_PAIRS),
        ),
        Claim(
            "The correct HardSwish learns less stably than SELU and tanh.",
            pairs(ROUGHNESS, "higher", *HARDSWISH_PAIRS),
        ),
        Claim(
            "The swapped HardSwish learns less stably than SELU and tanh.",
            pairs(ROUGHNESS, "higher", *SWAPPED_PAIRS),
        ),
        Claim(
            "Runs with the correct HardSwish vary more from seed to seed.",
            pairs(TEST_ACCURACY, "wider", *HARDSWISH_PAIRS),
        ),
        Claim(
            "Runs with the swapped HardSwish vary more from seed to seed.",
            pairs(TEST_ACCURACY, "wider", *SWAPPED_PAIRS),
        ),
    ],
    "Hinge": [
        Claim(
            "Hinge converges faster than cross entropy.",
            pairs(EPOCHS, "lower", *HINGE_PAIRS),
        ),
        Claim(
            "Hinge learns less smoothly than cross entropy.",
            pairs(ROUGHNESS, "higher", *HINGE_PAIRS),
        ),
        Claim(
            "Hinge is the worst loss on the test set.",
            pairs(TEST_ACCURACY, "lower", *HINGE_PAIRS),
        ),
        Claim(
            "With softmax, hinge takes longer to train.",
            pairs(SECONDS, "higher", 10, 5, 11, 5),
            note=TIME,
        ),
        Claim(
            "With softmax, hinge converges more slowly.",
            pairs(EPOCHS, "higher", 10, 5, 11, 5),
        ),
    ],
    "SELU and tanh": [
        Claim(
            "SELU is the best activation on the test set, compared with the correct "
            "HardSwish and tanh.",
            pairs(TEST_ACCURACY, "higher", 1, 2, 1, 3, 5, 7, 5, 9),
        ),
        Claim(
            "SELU is the best activation on the test set, compared with the swapped "
            "HardSwish and tanh.",
            pairs(TEST_ACCURACY, "higher", 1, swapped(2), 1, 3, 5, swapped(7), 5, 9),
        ),
        Claim(
            "Tanh with hinge is bad on the test set.",
            pairs(TEST_ACCURACY, "lower", 9, 3, 9, 5, 9, 7),
        ),
    ],
    "KL divergence and cross entropy": [
        Claim(
            "For class labels, both losses are equal up to a constant, which is 0.",
            pairs(TRAIN_LOSS, "equal", 4, 1, 6, 2, swapped(6), swapped(2), 8, 3),
            note="The constant is the entropy of the targets, 0 for one-hot targets.",
        ),
    ],
    "Learning rate": [
        Claim(
            "At 0.01 the gap between training and test is wider than at 0.003.",
            pairs(GAP, "higher", 20, 21),
        ),
        Claim(
            "At 0.01 the network overfits: its test loss rises at the end.",
            against(RISE, "higher", 0.0, 20),
        ),
        Claim(
            "At 0.0005 the network is undertrained.",
            (
                *pairs(TRAIN_ACCURACY, "lower", 22, 21),
                *against(FALL, "higher", 0.0, 22),
            ),
        ),
    ],
    "Weight decay": [
        Claim(
            "With 0.00001 the network is better on the training set than with 0.0001.",
            (
                *pairs(TRAIN_ACCURACY, "higher", 24, 21),
                *pairs(TRAIN_LOSS, "lower", 24, 21),
            ),
        ),
        Claim(
            "With 0.00001 the network is worse on the test set than with 0.0001.",
            (
                *pairs(TEST_ACCURACY, "lower", 24, 21),
                *pairs(TEST_LOSS, "higher", 24, 21),
            ),
        ),
    ],
    "Momentum": [
        Claim(
            "With momentum 0.999 the curves oscillate.",
            pairs(ROUGHNESS, "higher", 26, 21),
        ),
        Claim(
            "Without momentum, training is slow.",
            pairs(EARLY_EPOCHS, "higher", 28, 21),
        ),
        Claim(
            "Without momentum, training is stuck in a local minimum.",
            (
                *against(FALL, "higher", 0.0, 28),
                *pairs(TRAIN_LOSS, "lower", LARGER_STEP, 28),
            ),
            refuted_by_comparisons=True,
            note="The probe has a learning rate ten times as large, so that its steps "
            "are as large as with momentum 0.9. The claim is refuted if the loss is "
            "still falling, or if larger steps reach a lower loss.",
        ),
    ],
    "Batch size": [
        Claim(
            "Batches of 10 take less time per epoch than batches of 100.",
            pairs(SECONDS, "lower", 29, 21),
            note=TIME,
        ),
        Claim(
            "Batches of 10 take less time to reach the same training accuracy.",
            pairs(SECONDS_TO, "lower", 29, 21),
        ),
        Claim(
            "Batches of 1000 learn more smoothly than batches of 100.",
            pairs(ROUGHNESS, "lower", 30, 21),
        ),
    ],
    "Two hidden layers": [
        Claim(
            "Two hidden layers are better on the training set.",
            pairs(TRAIN_ACCURACY, "higher", 40, 21, 53, 51),
        ),
        Claim(
            "Two hidden layers are better on the test set.",
            pairs(TEST_ACCURACY, "higher", 40, 21, 53, 51),
        ),
        Claim(
            "Two hidden layers take much longer to train: more than twice as long.",
            pairs(SECONDS, "higher", 40, 21, 53, 51, factor=2.0),
            note=TIME,
        ),
    ],
    "Focal loss": [
        Claim(
            "Focal loss takes longer to train than cross entropy.",
            pairs(SECONDS, "higher", 50, 21),
            note=TIME,
        ),
        Claim(
            "Focal loss converges more slowly than cross entropy.",
            pairs(EARLY_EPOCHS, "higher", 50, 21),
        ),
        Claim(
            "Alpha = 0.1 alone makes focal loss converge more slowly.",
            pairs(EARLY_EPOCHS, "higher", ALPHA_ONLY, 21),
            note="This is not a published claim but a possible explanation. The probe "
            "has gamma 0. An alpha of 0.1 divides the loss by 10, which is equivalent "
            "to a tenth of the learning rate with ten times the weight decay.",
        ),
        Claim(
            "Gamma = 2 alone makes focal loss converge more slowly.",
            pairs(EARLY_EPOCHS, "higher", GAMMA_ONLY, 21),
            note="This is not a published claim but a possible explanation. The probe "
            "has alpha 1.",
        ),
    ],
    "Vanishing gradients": [
        Claim(
            "With hinge, most gradients at the scores are zero.",
            against(ZERO_AT_SCORES, "higher", MOST, 5, 7, 9),
            note="They are zero where the margin is met: an image that is learned has "
            "no gradient any more.",
        ),
        Claim(
            "With the correct HardSwish, most hidden derivatives are near zero.",
            against(SATURATION, "higher", MOST, 2, 7),
        ),
        Claim(
            "With the correct HardSwish, hidden units die.",
            against(DEAD_UNITS, "higher", 0.0, 2, 7),
        ),
        Claim(
            "With the swapped HardSwish, most hidden derivatives are near zero.",
            against(SATURATION, "higher", MOST, swapped(2), swapped(7)),
        ),
        Claim(
            "With tanh and cross entropy, most hidden derivatives are near zero.",
            against(SATURATION, "higher", MOST, 3),
        ),
        Claim(
            "With tanh and hinge, most hidden derivatives are near zero.",
            against(SATURATION, "higher", MOST, 9),
        ),
    ],
    "Overflow": [
        Claim(
            "In these networks, the exponentials of a plain tanh overflow.",
            against(HIDDEN_INPUT, "higher", OVERFLOW, 3, 9),
            note="In float32, exp(u) is infinite for u above 88.72.",
        ),
        Claim(
            "In these networks, a plain cross entropy takes the logarithm of zero.",
            against(SCORE_RANGE, "higher", UNDERFLOW, 1, 2, 3),
            note="In float32, a probability below exp(-103.97) is zero.",
        ),
        Claim(
            "With the swapped HardSwish, a plain cross entropy takes the logarithm of "
            "zero.",
            against(SCORE_RANGE, "higher", UNDERFLOW, swapped(2)),
        ),
    ],
}
