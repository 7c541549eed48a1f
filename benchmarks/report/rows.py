"""The published rows and the runs that reproduce them.

Every run follows the publication: x = (pixel - 128) / 255, weights drawn from a normal
distribution with standard deviation 0.01, biases 0, samples reshuffled every epoch, a
fixed number of epochs.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cymlp import MLPClassifier, losses

METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


class SwappedHardSwish:
    """The HardSwish behind the published values, with two branches exchanged.

    f(u) = u for -3 < u < 3, u (u + 3) / 6 for u >= 3, and 0 for u <= -3.
    """

    def value(self, U):
        """Compute f(U)."""
        return np.where(U <= -3, 0, np.where(U < 3, U, U * (U + 3) / 6))

    def derivative(self, U, A):
        """Compute f'(U)."""
        return np.where(U <= -3, 0, np.where(U < 3, 1, (2 * U + 3) / 6))


class Run(NamedTuple):
    """One network to train.

    Attributes
    ----------
    figure : int
        Number of the row in the publication.
    name : str
        How the network differs from its row; "" if it has the stated settings.
    kind : {"stated", "alternative", "comparison"}
        Settings that the publication states, settings that its values suggest, or
        settings that are not in the publication and help to judge a claim.
    settings : dict
        Settings as in published.json.
    seed : int
    diagnostics : bool
        Whether to measure vanishing gradients and extreme values.
    """

    figure: int
    name: str
    kind: str
    settings: dict
    seed: int
    diagnostics: bool = False

    def classifier(self, epochs):
        """Make the classifier of the run, not yet fitted."""
        settings = dict(self.settings)
        make_loss = losses.LOSSES[settings["loss"]]
        settings["loss"] = make_loss(**settings.pop("loss_parameters", {}))
        if settings["activation"] == "swapped_hardswish":
            settings["activation"] = SwappedHardSwish()
        return MLPClassifier(
            **settings,
            solver="sgd",
            nesterovs_momentum=False,
            learning_rate="constant",
            dropout=0.0,
            init=0.01,
            dtype="float32",
            scale=None,  # X is scaled already
            shuffle=True,
            max_iter=epochs,
            n_iter_no_change=np.inf,
            random_state=self.seed,
            record_batches=True,
            diagnostics=self.diagnostics,
        )

    def cost(self):
        """Estimate the relative training time, so that the longest runs start first."""
        return (
            sum(self.settings["hidden_layer_sizes"]) + 500 / self.settings["batch_size"]
        )


def published():
    """Read the published rows and the notes on them.

    Returns
    -------
    published : dict
        "rows" is a list of dict, "notes" a dict of str to str. Besides settings and
        published values, a row may have "alternatives" and "comparisons", lists of
        changed settings and their names that are trained as well; "diagnostics";
        "also_in", other sections that show the row; and "note", the key of a note.
    """
    path = Path(__file__).with_name("published.json")
    return json.loads(path.read_text(encoding="utf-8"))


def plan(rows, seeds):
    """List the runs of some rows with all their alternatives and comparisons.

    Parameters
    ----------
    rows : list of dict
        Rows of `published`.
    seeds : iterable of int

    Returns
    -------
    runs : list of Run
        Seed by seed; the runs of a seed that take the longest come first.
    """
    runs = [
        Run(
            row["figure"],
            change["name"],
            kind,
            row["settings"] | change["settings"],
            seed,
            diagnostics=row.get("diagnostics", False),
        )
        for seed in seeds
        for row in rows
        for kind, changes in changes_of(row).items()
        for change in changes
    ]
    return sorted(runs, key=lambda run: (run.seed, -run.cost()))


def changes_of(row):
    """Give the changes of settings of the networks of a row, by their kind."""
    return {
        "stated": [{"name": "", "settings": {}}],
        "alternative": row.get("alternatives", []),
        "comparison": row.get("comparisons", []),
    }
