"""The claims of the publication as data, each with a function that judges it.

The verdicts are not written here: they follow from the runs.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.report.judging import Comparison, compare, identical, only_one_agrees
from benchmarks.report.networks import Key

MOST = 0.5
# Where exp becomes infinite and where it becomes zero in float32.
OVERFLOW = math.log(float(np.finfo(np.float32).max))
UNDERFLOW = -math.log(float(np.finfo(np.float32).smallest_subnormal) / 2)


class Claim(NamedTuple):
    """One claim of the publication.

    Attributes
    ----------
    text : str
    comparisons : tuple of Comparison
    judge : callable
        Takes the claim, the networks and a level of confidence; returns a
        `judging.Judgement`.
    note : str
        A remark for the reader of the report.
    is_published : bool
        False for a possible explanation, which is judged in the same way.
    """

    text: str
    comparisons: tuple
    judge: Callable = compare
    note: str = ""
    is_published: bool = True

    @property
    def keys(self):
        """The networks that the claim is about."""
        return {
            key
            for comparison in self.comparisons
            for key in (comparison.network, comparison.reference)
            if isinstance(key, Key)
        }

    @property
    def place(self):
        """The figures of the publication that the claim is about."""
        figures = sorted({key.figure for key in self.keys})
        return f"figure{'s' if len(figures) > 1 else ''} {', '.join(map(str, figures))}"


def swapped(figure):
    """Give the network of a row with the swapped HardSwish."""
    return Key(figure, "swapped HardSwish")


def pairs(measure, relation, *networks, **options):
    """Compare networks in pairs: the first with the second, the third with the next."""
    keys = [Key(key) if isinstance(key, int) else key for key in networks]
    return tuple(
        Comparison(measure, network, relation, reference, **options)
        for network, reference in zip(keys[::2], keys[1::2], strict=True)
    )


def against(measure, relation, constant, *networks):
    """Compare networks with a constant."""
    keys = [Key(key) if isinstance(key, int) else key for key in networks]
    return tuple(Comparison(measure, key, relation, constant) for key in keys)


def figures_of(measure):
    """List the rows whose claims need a measure."""
    return {
        key.figure
        for of_topic in CLAIMS.values()
        for claim in of_topic
        if any(comparison.measure == measure for comparison in claim.comparisons)
        for key in claim.keys
    }


CORRECT = (2, 1, 2, 3, 7, 5, 7, 9)
SWAPPED = (swapped(2), 1, swapped(2), 3, swapped(7), 5, swapped(7), 9)
DIVERGENCE = (4, 1, 6, 2, swapped(6), swapped(2), 8, 3)
HINGE = (5, 1, 7, 2, swapped(7), swapped(2), 9, 3)
LARGER_STEP = Key(28, "learning rate 0.03")
GAMMA_ONLY, ALPHA_ONLY = Key(50, "alpha 1"), Key(50, "gamma 0")
ONE_LAYER = Key(41, "one hidden layer")
AS_RUN = "The publication ran the swapped HardSwish, so this is its own evidence."


def hardswish(text, measure, relation):
    """Make a claim on HardSwish twice: for the correct and for the swapped one."""
    return [
        Claim(f"The correct HardSwish {text}.", pairs(measure, relation, *CORRECT)),
        Claim(
            f"The swapped HardSwish {text}.",
            pairs(measure, relation, *SWAPPED),
            note=AS_RUN,
        ),
    ]


CLAIMS = {
    "Nine networks": [
        *hardswish("converges more slowly than SELU and tanh", "epochs", "higher"),
        *hardswish("is slowest on the test set", "test_epochs", "higher"),
        *hardswish("learns less stably than SELU and tanh", "roughness", "higher"),
        *hardswish("has a lower training accuracy", "train_accuracy", "lower"),
        *hardswish("is worst on the test set", "test_accuracy", "lower"),
        Claim(
            "Hinge converges faster than cross entropy.",
            pairs("epochs", "lower", *HINGE),
        ),
        Claim(
            "Hinge is fastest on the test set.",
            pairs("test_epochs", "lower", *HINGE),
        ),
        Claim(
            "Hinge learns less smoothly than cross entropy.",
            pairs("roughness", "higher", *HINGE),
        ),
        Claim(
            "The three losses are alike in training accuracy.",
            pairs("train_accuracy", "alike", *HINGE, *DIVERGENCE),
        ),
        Claim(
            "Hinge is the worst loss on the test set.",
            pairs("test_accuracy", "lower", *HINGE),
        ),
        Claim(
            "SELU is best on the test set, compared with tanh and the correct "
            "HardSwish.",
            pairs("test_accuracy", "higher", 1, 2, 1, 3, 5, 7, 5, 9),
        ),
        Claim(
            "SELU is best on the test set, compared with tanh and the swapped "
            "HardSwish.",
            pairs("test_accuracy", "higher", 1, swapped(2), 1, 3, 5, swapped(7), 5, 9),
            note=AS_RUN,
        ),
        Claim(
            "Tanh with hinge is bad on the test set.",
            pairs("test_accuracy", "lower", 9, 3, 9, 5, 9, 7),
        ),
        Claim(
            "For class labels, KL divergence and cross entropy are equal up to a "
            "constant.",
            pairs("train_loss", "alike", *DIVERGENCE),
            judge=identical,
            note="The constant is the entropy of the targets, which is 0 for labels.",
        ),
        Claim(
            "Training takes the same time for all nine networks.",
            pairs("time", "alike", *(key for row in range(2, 10) for key in (row, 1))),
            note="Time of cymlp, with the correct HardSwish.",
        ),
    ],
    "Hinge with softmax": [
        Claim(
            "Training takes longer than with plain hinge.",
            pairs("time", "higher", 10, 5, 11, 5),
        ),
        Claim(
            "It converges more slowly than plain hinge.",
            pairs("epochs", "higher", 10, 5, 11, 5),
        ),
        Claim(
            "With margin 0.5 the curves are still rough.",
            pairs("roughness", "higher", 10, 11, 10, 1),
            note="Compared with margin 1 and with cross entropy.",
        ),
        Claim(
            "A larger margin avoids vanishing gradients.",
            pairs("zero_at_scores", "lower", 11, 10),
            note="Probabilities cannot meet a margin of 1, so that a gradient is zero "
            "only where they round to 0 and 1.",
        ),
        Claim(
            "Margin 1 is best on the test set.",
            pairs("test_accuracy", "higher", 11, 10, 11, 5),
        ),
        Claim(
            "Margin 1 was chosen for the network with two layers.",
            pairs("test_loss", "alike", 41, Key(41, "margin 1")),
            judge=only_one_agrees,
            note="The text says “choose 1”, which can mean margin 1 or the first item "
            "of a list, margin 0.5. Judged by which gives the published values.",
        ),
    ],
    "Vanishing gradients": [
        Claim(
            "With hinge, most gradients at the scores are zero.",
            against("zero_at_scores", "higher", MOST, 5, 7, 9),
            note="They are zero where the margin is met: an image that is learned has "
            "no gradient any more.",
        ),
        Claim(
            "With the correct HardSwish, most hidden derivatives are near zero.",
            against("saturation", "higher", MOST, 2, 7),
        ),
        Claim(
            "With the swapped HardSwish, most hidden derivatives are near zero.",
            against("saturation", "higher", MOST, swapped(2), swapped(7)),
        ),
        Claim(
            "With the correct HardSwish, hidden units die.",
            against("dead_units", "higher", 0.0, 2, 7),
        ),
        Claim(
            "With tanh, most hidden derivatives are near zero.",
            against("saturation", "higher", MOST, 3, 9),
            note="With cross entropy (3) and hinge (9).",
        ),
    ],
    "Learning rate": [
        Claim(
            "0.01 converges faster than 0.003.",
            pairs("epochs", "lower", 20, 21),
        ),
        Claim(
            "At 0.01 the gap between training and test is wider than at 0.003.",
            pairs("gap", "higher", 20, 21),
        ),
        Claim(
            "At 0.01 the network overfits: its test loss rises at the end.",
            against("rise", "higher", 0.0, 20),
        ),
        Claim(
            "0.003 is as good on the test set as 0.01.",
            pairs("test_accuracy", "alike", 21, 20),
        ),
        Claim(
            "At 0.0005 the network is undertrained.",
            (
                *pairs("train_accuracy", "lower", 22, 21),
                *against("fall", "higher", 0.0, 22),
            ),
        ),
        Claim(
            "At 0.0005 training and test accuracy are alike.",
            against("gap", "alike", 0.0, 22),
        ),
    ],
    "Weight decay": [
        Claim(
            "0.001 is worse than 0.0001 on both sets.",
            (
                *pairs("train_accuracy", "lower", 23, 21),
                *pairs("test_accuracy", "lower", 23, 21),
            ),
        ),
        Claim(
            "0.00001 is better than 0.0001 on the training set.",
            (
                *pairs("train_accuracy", "higher", 24, 21),
                *pairs("train_loss", "lower", 24, 21),
            ),
        ),
        Claim(
            "0.00001 is worse than 0.0001 on the test set.",
            (
                *pairs("test_accuracy", "lower", 24, 21),
                *pairs("test_loss", "higher", 24, 21),
            ),
        ),
        Claim(
            "0.00001 generalises worse: the gap to the test set is wider.",
            pairs("gap", "higher", 24, 21),
        ),
        Claim(
            "0.0001 is the best of all on the test set.",
            pairs("test_accuracy", "higher", 21, 23, 21, 25, 21, 24),
        ),
    ],
    "Momentum": [
        Claim(
            "With 0.999 the curves oscillate.",
            pairs("roughness", "higher", 26, 21),
        ),
        Claim(
            "With 0.999 training converges badly.",
            (
                *pairs("train_loss", "higher", 26, 21),
                *pairs("test_accuracy", "lower", 26, 21),
            ),
        ),
        Claim(
            "0.9 is better than 0.5.",
            (
                *pairs("train_accuracy", "higher", 21, 27),
                *pairs("test_accuracy", "higher", 21, 27),
            ),
            note="Judged by runs that have momentum 0.5; the published values of 27 "
            "agree with 0.9.",
        ),
        Claim(
            "Without momentum, training is slow.",
            pairs("early_epochs", "higher", 28, 21),
        ),
        Claim(
            "Without momentum, training is stuck in a local minimum.",
            (
                *against("fall", "alike", 0.0, 28),
                *pairs("train_loss", "not lower", LARGER_STEP, 28),
            ),
            note="In a minimum the loss would have stopped to fall, and ten times the "
            "learning rate, which makes steps as large as with momentum 0.9, would not "
            "reach a lower one.",
        ),
    ],
    "Batch size": [
        Claim(
            "10 takes less time per epoch than 100.",
            pairs("time", "lower", 29, 21),
        ),
        Claim(
            "10 fluctuates.",
            pairs("roughness", "higher", 29, 21),
        ),
        Claim(
            "10 ends worse on the test set.",
            pairs("test_accuracy", "lower", 29, 21),
        ),
        Claim(
            "10 needs fewer epochs to learn.",
            pairs("epochs", "lower", 29, 21),
        ),
        Claim(
            "1000 learns more smoothly.",
            pairs("roughness", "lower", 30, 21),
        ),
        Claim(
            "1000 ends worse on the test set.",
            pairs("test_accuracy", "lower", 30, 21),
        ),
        Claim(
            "1000 ends worse for want of updates: after as many updates, 100 is alike.",
            pairs(
                "final_accuracy", "alike", 30, 21,
                reference_measure="accuracy_at_equal_updates",
            ),
            note="6000 updates are 100 epochs of batches of 1000 and 10 epochs of "
            "batches of 100.",
            is_published=False,
        ),
    ],
    "Two hidden layers": [
        Claim(
            "Training and test accuracy are better.",
            tuple(
                comparison
                for measure in ("train_accuracy", "test_accuracy")
                for comparison in pairs(measure, "higher", 40, 21, 41, ONE_LAYER)
            ),
            note="With cross entropy (40) and hinge (41).",
        ),
        Claim(
            "Training and test loss are lower.",
            tuple(
                comparison
                for measure in ("train_loss", "test_loss")
                for comparison in pairs(measure, "lower", 40, 21, 41, ONE_LAYER)
            ),
        ),
        Claim(
            "They converge in fewer epochs.",
            pairs("epochs", "lower", 40, 21, 41, ONE_LAYER),
        ),
        Claim(
            "They may generalise worse: the gap to the test set is wider.",
            pairs("gap", "higher", 40, 21, 41, ONE_LAYER),
        ),
        Claim(
            "They take much longer to train: more than twice as long.",
            pairs("time", "higher", 40, 21, factor=2.0),
        ),
    ],
    "Focal loss": [
        Claim(
            "Training takes longer than with cross entropy.",
            pairs("time", "higher", 50, 21),
        ),
        Claim(
            "It converges more slowly than cross entropy.",
            pairs("early_epochs", "higher", 50, 21),
        ),
        Claim(
            "Alpha = 0.1 alone makes it slow.",
            pairs("early_epochs", "higher", ALPHA_ONLY, 21),
            note="Gamma is 0 here. An alpha of 0.1 divides the loss by 10, which is "
            "equivalent to a tenth of the learning rate with ten times the weight "
            "decay.",
            is_published=False,
        ),
        Claim(
            "Gamma = 2 alone makes it slow.",
            pairs("early_epochs", "higher", GAMMA_ONLY, 21),
            note="Alpha is 1 here.",
            is_published=False,
        ),
        Claim(
            "It is less accurate at equal settings.",
            pairs("test_accuracy", "lower", 50, 21),
        ),
        Claim(
            "It is as good on the test set as in training.",
            against("gap", "alike", 0.0, 50, 51),
        ),
        Claim(
            "A learning rate of 0.03 helps.",
            (
                *pairs("test_accuracy", "higher", 51, 50),
                *pairs("early_epochs", "lower", 51, 50),
            ),
        ),
        Claim(
            "With momentum 0.99 the curves swing.",
            pairs("roughness", "higher", 52, 51),
        ),
        Claim(
            "With momentum 0.99 it is as good on the test set, or better.",
            pairs("test_accuracy", "not lower", 52, 51),
        ),
        Claim(
            "Two hidden layers are best.",
            pairs("test_accuracy", "higher", 53, 50, 53, 51, 53, 52),
        ),
        Claim(
            "It is robust on hard data.",
            pairs("hard_accuracy", "higher", GAMMA_ONLY, 21, 51, 21),
            note="Hard test images are those that at least half of the networks of a "
            "third loss, hinge (9), get wrong. The step is as large as with cross "
            "entropy: alpha 1 at rate 0.003, and alpha 0.1 at rate 0.03 (51).",
        ),
    ],
    "Stability": [
        Claim(
            f"{cause} makes training unstable.",
            (
                *pairs("roughness", "higher", figure, 21),
                *pairs("gradient_norm", "higher", figure, 21),
            ),
            note=note,
        )
        for cause, figure, note in [
            ("A large learning rate (0.01)", 20, ""),
            ("A large momentum (0.999)", 26, ""),
            (
                "A small batch (10)", 29,
                "The gradient of a smaller batch has a larger norm by chance alone.",
            ),
        ]
    ],
    "Overflow": [
        Claim(
            "The exponentials of a plain tanh overflow.",
            against("hidden_input", "higher", OVERFLOW, 3, 9),
            note="In float32, exp(u) is infinite for u above 88.72.",
        ),
        Claim(
            "A plain cross entropy takes the logarithm of zero.",
            against("score_range", "higher", UNDERFLOW, 1, 2, 3),
            note="In float32, a probability below exp(-103.97) is zero.",
        ),
        Claim(
            "With the swapped HardSwish, a plain cross entropy takes the logarithm of "
            "zero.",
            against("score_range", "higher", UNDERFLOW, swapped(2)),
            note="Whether the largest difference of scores exceeds 103.97 on average.",
        ),
    ],
}  # fmt: skip
