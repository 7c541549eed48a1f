"""All members of the registries, and more settings of some, for tests to run over."""

import inspect

from reference import OPTIMIZERS as TWINS

from cymlp import activations, losses
from cymlp._engine import optimizers
from cymlp._engine.optimizers import SGD
from cymlp.activations import LeakyRelu
from cymlp.losses import (
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    Quantile,
)

ACTIVATIONS = [
    *(member() for _, member in sorted(activations.ACTIVATIONS.items())),
    LeakyRelu(negative_slope=0.2),
]


def _losses(target_kind):
    return [
        member()
        for _, member in sorted(losses.LOSSES.items())
        if member.target_kind == target_kind
    ]


# By the kind of their targets: classes, several labels per sample, real values.
LOSSES = [
    *_losses("classes"),
    CrossEntropy(label_smoothing=0.1),
    Focal(alpha=0.5, gamma=0.5),
    Hinge(margin=1, softmax=True),
]
SOFT_LOSSES = [loss for loss in LOSSES if not loss.hard_labels_only]
LABEL_LOSSES = [
    *_losses("labels"),
    BinaryCrossEntropy(label_smoothing=0.1),
    BinaryFocal(alpha=0.25, gamma=0.5),
]
VALUE_LOSSES = [*_losses("values"), Huber(1.0), Quantile(0.9)]
ALL_LOSSES = [*LOSSES, *LABEL_LOSSES, *VALUE_LOSSES]

# Parameters of MLPClassifier.
SOLVERS = [
    *({"solver": name} for name in optimizers.SOLVERS),
    {"solver": "sgd", "nesterovs_momentum": True},
]
# Arguments of twin_training.Training.
OPTIMIZERS = [
    *({"optimizer": member} for member in optimizers.SOLVERS.values()),
    {"optimizer": SGD, "nesterov": True},
]

SETTINGS = {
    "learning_rate": 0.1,
    "momentum": 0.9,
    "beta_1": 0.9,
    "beta_2": 0.99,
    # Large, or gradients that are 0 but for their rounding would count.
    "epsilon": 1e-2,
    "weight_decay": 0.01,
}


def settings_of(optimizer):
    """Values for the settings of an optimiser, which are those that its twin takes."""
    names = inspect.signature(TWINS[optimizer.__name__]).parameters
    return {name: value for name, value in SETTINGS.items() if name in names}
