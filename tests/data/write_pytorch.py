"""Write pytorch.npz: golden values from PyTorch, for tests that run without PyTorch.

    python -m pip install torch numpy
    python tests/data/write_pytorch.py

tests/estimator/test_pytorch_golden.py reads the file. Nothing here imports cymlp.
Losses, activations and optimisers are PyTorch's own where it has them, and otherwise
written from the formula. Autograd computes all gradients. The file names the versions
of PyTorch and NumPy that wrote it.

It holds two kinds of golden values:

- Members: each loss and each activation with its gradient, at ordinary and at extreme
  inputs. None of them is at a kink, except 0, where both libraries take the derivative
  of relu, leaky_relu and selu from the left.
- Fits: networks after a few epochs. The cases are a pairwise covering design: any two
  levels of two FACTORS occur together in at least one case. All combinations would be
  tens of thousands. MORE_CASES have weights of each label, and ONE_OUTPUT has y of one
  column.

To add an activation, a loss or a solver, enter it in ACTIVATIONS, LOSSES or SOLVERS and
run the script. If the derivative of an activation jumps, enter the points in KINKS. A
loss whose derivative jumps needs its distance in loss_distance.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

PATH = Path(__file__).with_name("pytorch.npz")

SEED = 0
N_SAMPLES, N_FEATURES, N_CLASSES = 38, 40, 3
HIDDEN_LAYER_SIZES = (4, 3)
BATCH_SIZE = 8  # the last of the five mini-batches has 6 samples
N_EPOCHS = 3
INIT = 0.5  # standard deviation of the first weights
# Inputs of an activation and terms of the hinge loss stay at least this far from points
# where the derivative jumps, so that rounding moves none across.
MIN_DISTANCE = 2e-5


# Members


def cross_entropy(Z, T, label_smoothing=0.0):
    return functional.cross_entropy(
        Z, T, reduction="none", label_smoothing=label_smoothing
    )


def kl_div(Z, T):
    log_p = functional.log_softmax(Z, dim=1)
    return functional.kl_div(log_p, T, reduction="none").sum(dim=1)


def hinge(Z, T, margin=5.0, softmax=False):
    scores = functional.softmax(Z, dim=1) if softmax else Z
    # PyTorch divides the sum by the number of classes.
    return Z.shape[1] * functional.multi_margin_loss(
        scores, T.argmax(dim=1), margin=margin, reduction="none"
    )


def focal(Z, T, alpha=1.0, gamma=2.0):
    """-sum_k alpha_k t_k (1 - p_k)^gamma ln p_k, which PyTorch lacks for softmax.

    p_k is the logistic function of the log odds z_k - ln sum_{j != k} exp z_j, so that
    ln(1 - p_k) keeps its digits where p_k is next to 1.
    """
    same_class = torch.eye(Z.shape[1], dtype=torch.bool)
    others = Z.unsqueeze(1).masked_fill(same_class, -torch.inf)
    log_odds = Z - torch.logsumexp(others, dim=2)
    log_p, log_q = functional.logsigmoid(log_odds), functional.logsigmoid(-log_odds)
    alpha = torch.as_tensor(alpha, dtype=Z.dtype)
    return -(alpha * T * torch.exp(gamma * log_q) * log_p).sum(dim=1)


def binary_cross_entropy(Z, T, label_smoothing=0.0, label_weights=None):
    absence, presence = torch.ones((2, 1)) if label_weights is None else label_weights
    if label_smoothing == 0:
        losses = functional.binary_cross_entropy_with_logits(
            Z, T, weight=absence, pos_weight=presence / absence, reduction="none"
        )
        return losses.sum(dim=1)
    # PyTorch's loss loses the digits of 1 - t in float32.
    present, absent = (
        (1 - label_smoothing) * part + label_smoothing / 2 for part in (T, 1 - T)
    )
    log_p, log_q = functional.logsigmoid(Z), functional.logsigmoid(-Z)
    return -(presence * present * log_p + absence * absent * log_q).sum(dim=1)


def binary_focal(Z, T, alpha=1.0, gamma=2.0, label_weights=None):
    """Focal loss of labels by its definition, which only torchvision has."""
    absence, presence = torch.ones((2, 1)) if label_weights is None else label_weights
    log_p, log_q = functional.logsigmoid(Z), functional.logsigmoid(-Z)
    alpha = torch.as_tensor(alpha, dtype=Z.dtype)
    one_minus_alpha = torch.where(alpha == 1, 1, 1 - alpha)
    present = alpha * T * torch.exp(gamma * log_q) * log_p
    absent = one_minus_alpha * (1 - T) * torch.exp(gamma * log_p) * log_q
    return -(presence * present + absence * absent).sum(dim=1)


def squared_error(Z, T):
    return functional.mse_loss(Z, T, reduction="none").mean(dim=1) / 2


def huber(Z, T, delta=1.0):
    return functional.huber_loss(Z, T, reduction="none", delta=delta).mean(dim=1)


def quantile(Z, T, quantile=0.5):
    """max(q (t - z), (q - 1) (t - z)), which PyTorch lacks."""
    q = torch.as_tensor(quantile, dtype=Z.dtype)
    return torch.maximum(q * (T - Z), (q - 1) * (T - Z)).mean(dim=1)


def poisson(Z, T):
    """PyTorch's loss is 0 at no particular score; half the deviance is at ln t."""
    losses = functional.poisson_nll_loss(Z, T, log_input=True, reduction="none")
    return (losses + torch.special.xlogy(T, T) - T).mean(dim=1)


ACTIVATIONS = {
    "gelu": functional.gelu,
    "hardswish": functional.hardswish,
    "identity": torch.nn.Identity(),
    "leaky_relu": functional.leaky_relu,
    "logistic": torch.sigmoid,
    "mish": functional.mish,
    "relu": functional.relu,
    "selu": functional.selu,
    "silu": functional.silu,
    "tanh": torch.tanh,
}
KINKS = {"hardswish": [-3, 3], "leaky_relu": [0], "relu": [0], "selu": [0]}

# Level: the loss by name, its function, its parameters, the kind of targets.
LOSSES = {
    "cross_entropy": ("cross_entropy", cross_entropy, {}, "labels"),
    "cross_entropy_smoothed": (
        "cross_entropy", cross_entropy, {"label_smoothing": 0.1}, "labels"
    ),
    "cross_entropy_soft": (
        "cross_entropy", cross_entropy, {"label_smoothing": 0.25}, "soft"
    ),
    "kl_div_soft": ("kl_div", kl_div, {}, "soft"),
    "hinge": ("hinge", hinge, {"margin": 1.5}, "labels"),
    "hinge_softmax": ("hinge", hinge, {"margin": 0.5, "softmax": True}, "labels"),
    "focal": ("focal", focal, {}, "labels"),
    "focal_soft": (
        "focal", focal, {"alpha": [0.5, 2.0, 1.0], "gamma": 0.5}, "soft"
    ),
    "binary_cross_entropy": (
        "binary_cross_entropy", binary_cross_entropy, {}, "indicator"
    ),
    "binary_cross_entropy_smoothed": (
        "binary_cross_entropy", binary_cross_entropy, {"label_smoothing": 0.1},
        "indicator",
    ),
    "binary_focal": ("binary_focal", binary_focal, {}, "indicator"),
    "binary_focal_balanced": (
        "binary_focal", binary_focal, {"alpha": 0.25, "gamma": 0.5}, "indicator"
    ),
    "squared_error": ("squared_error", squared_error, {}, "values"),
    "huber": ("huber", huber, {"delta": 0.7}, "values"),
    "quantile": ("quantile", quantile, {"quantile": [0.1, 0.5, 0.8]}, "values"),
    "poisson": ("poisson", poisson, {}, "counts"),
}  # fmt: skip
# Levels of MORE_CASES alone.
MORE_LOSSES = {
    "binary_focal_alphas": (
        "binary_focal", binary_focal, {"alpha": [0.25, 0.5, 0.75]}, "indicator"
    ),
    "quantile_single": ("quantile", quantile, {"quantile": 0.8}, "values"),
}  # fmt: skip
ALL_LOSSES = LOSSES | MORE_LOSSES
# Kinds of targets of a regressor.
VALUES = ("values", "counts")

# Level: PyTorch's optimiser, its parameters, and those of the estimator.
SOLVERS = {
    "sgd": (
        torch.optim.SGD,
        {"lr": 0.1},
        {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    ),
    "momentum": (
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.9},
        {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.9},
    ),
    "nesterov": (
        torch.optim.SGD,
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
        {
            "solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.8,
            "nesterovs_momentum": True,
        },
    ),
    # A gradient that is 0 but for rounding is small beside this epsilon.
    "adam": (
        torch.optim.Adam,
        {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-3},
        {
            "solver": "adam", "learning_rate_init": 0.02, "beta_1": 0.8,
            "beta_2": 0.99, "epsilon": 1e-3,
        },
    ),
    "adam_small_epsilon": (
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8},
        {
            "solver": "adam", "learning_rate_init": 0.01, "beta_1": 0.9,
            "beta_2": 0.999, "epsilon": 1e-8,
        },
    ),
}  # fmt: skip

FACTORS = {
    "loss": list(LOSSES),
    "first_activation": list(ACTIVATIONS),
    "second_activation": list(ACTIVATIONS),
    "solver": [name for name in SOLVERS if name != "adam_small_epsilon"],
    "X": ["dense", "few_values", "many_values"],
    "weight_decay": [0.0, 0.05],
    "dtype": ["float32", "float64"],
    "sample_weight": [False, True],
}
# Cases besides those of the design. The small epsilon is the default. It needs float64
# and a network in which no gradient is 0 but for rounding.
SMOOTH = {
    "first_activation": "tanh", "second_activation": "logistic",
    "solver": "adam_small_epsilon", "X": "dense", "weight_decay": 0.0,
    "dtype": "float64", "sample_weight": False,
}  # fmt: skip
MORE_CASES = [
    {"loss": "cross_entropy", **SMOOTH, "weight_decay": weight_decay}
    for weight_decay in FACTORS["weight_decay"]
]
# Weights of the absence and the presence of each label.
LABEL_WEIGHTS = [[2.0, 0.5], [1.0, 1.0], [1.0, 3.0]]
MORE_CASES += [
    {"loss": loss, **SMOOTH, "sample_weight": weighted, "label_weights": label_weights}
    for loss, weighted, label_weights in (
        ("binary_cross_entropy", False, LABEL_WEIGHTS),
        ("binary_cross_entropy", True, "balanced"),
        ("binary_cross_entropy_smoothed", True, LABEL_WEIGHTS),
        ("binary_focal", True, LABEL_WEIGHTS),
        ("binary_focal_alphas", False, "balanced"),
    )
]
# Regressors with one output, of which y is a vector.
ONE_OUTPUT = [
    {"loss": loss, **SMOOTH, "sample_weight": weighted, "n_outputs": 1}
    for loss in ("squared_error", "huber", "quantile_single", "poisson")
    for weighted in FACTORS["sample_weight"]
]


def soft_targets(rng, n):
    """Rows of probabilities, every third with a zero."""
    T = rng.dirichlet(np.ones(N_CLASSES), n)
    T[::3, 1] = 0
    return T / T.sum(axis=1, keepdims=True)


def member_inputs(rng):
    """Inputs of the activations; scores and targets of the losses."""
    ends = np.array([1e-12, 1e-6, 1e-3, 20, 50, 100, 1e4, 1e30])
    U = np.concatenate([np.sort(rng.uniform(-8, 8, 60)), -ends, [0], ends])
    extremes = [*itertools.permutations([-1e4, 0, 30])]
    extremes += itertools.permutations([-100, 0, 1e4])
    # No two scores are equal, and no term of the hinge loss is at its kink.
    Z = np.concatenate([
        rng.normal(0, 2, (24, N_CLASSES)), np.array(extremes) + [0, 0.25, -0.75]
    ])  # fmt: skip
    labels = np.eye(N_CLASSES)[rng.randint(N_CLASSES, size=len(Z))]
    targets = {"labels": labels, "soft": soft_targets(rng, len(Z))}
    targets["indicator"] = rng.randint(2, size=Z.shape).astype(float)
    targets["values"] = rng.normal(0, 3, Z.shape)
    targets["counts"] = rng.poisson(2, Z.shape).astype(float)
    return U, Z, targets


def scores_for(kind, Z):
    """Scores, of which exponentials are finite where they are logarithms."""
    return np.minimum(Z, 50) if kind == "counts" else Z


def golden_members(dtype):
    """Value and gradient of each activation and loss, one row for each input."""
    U, Z, targets = member_inputs(np.random.RandomState(SEED))
    U, Z = U.astype(dtype), Z.astype(dtype)
    targets = {kind: T.astype(dtype) for kind, T in targets.items()}
    arrays = {"U": U, "Z": Z, **targets}
    for name, function in ACTIVATIONS.items():
        inputs = torch.tensor(U, requires_grad=True)
        value = function(inputs)
        value.sum().backward()
        arrays[f"activation/{name}"] = torch.column_stack([value, inputs.grad])
    for level, (_, function, settings, kind) in ALL_LOSSES.items():
        scores = torch.tensor(scores_for(kind, Z), requires_grad=True)
        value = function(scores, torch.tensor(targets[kind]), **settings)
        value.sum().backward()
        arrays[f"loss/{level}"] = torch.column_stack([value, scores.grad])
    arrays = {
        name: np.asarray(torch.as_tensor(a).detach()) for name, a in arrays.items()
    }
    assert all(np.isfinite(array).all() for array in arrays.values())
    return {f"{dtype}/{name}": array for name, array in arrays.items()}


# Fits


def pairs(case):
    """All pairs of levels in a case."""
    return {frozenset(pair) for pair in itertools.combinations(case.items(), 2)}


def covering_design(factors):
    """Cases that have every pair of levels of two factors at least once.

    Each case begins with a missing pair. Every other factor gets the level that covers
    the most missing pairs.
    """
    missing = {
        frozenset([(one, level), (other, other_level)]): None
        for one, other in itertools.combinations(factors, 2)
        for level in factors[one]
        for other_level in factors[other]
    }
    cases = []
    while missing:
        case = dict(next(iter(missing)))
        for factor, levels in factors.items():
            if factor not in case:
                candidates = [case | {factor: level} for level in levels]
                case = max(
                    candidates, key=lambda c: sum(pair in missing for pair in pairs(c))
                )
        for pair in pairs(case):
            missing.pop(pair, None)
        cases.append({factor: case[factor] for factor in factors})
    return cases


def fit_inputs(rng):
    """Three kinds of X; targets and weights of the samples."""
    shape = N_SAMPLES, N_FEATURES
    dense = rng.normal(0, 0.5, shape)
    # Columns with mostly one value, which cymlp stores as block sparse rows: with a
    # codebook where X has at most 256 different values, and without one otherwise.
    fill_values = np.where(np.arange(N_FEATURES) % 5, 0, 0.5)
    few = rng.choice([-1.0, -0.5, 0.25, 1.5], shape)
    few_values = np.where(rng.uniform(size=shape) < 0.07, few, fill_values)
    blocks = rng.uniform(size=(N_SAMPLES, N_FEATURES // 4)) < 0.25
    many_values = np.where(
        blocks.repeat(4, axis=1), rng.normal(size=shape), fill_values
    )
    weights = rng.uniform(0.2, 3, N_SAMPLES)
    weights[5] = 0
    shape = N_SAMPLES, N_CLASSES
    return {
        "dense": dense,
        "few_values": few_values,
        "many_values": many_values,
        "labels": rng.permutation(np.arange(N_SAMPLES) % N_CLASSES),
        "soft": soft_targets(rng, N_SAMPLES),
        "sample_weight": weights,
        "indicator": rng.randint(2, size=shape),
        "values": rng.normal([1e3, -5, 0], [20, 1, 0.01], shape),
        "counts": rng.poisson([1, 3, 200], shape).astype(float),
    }


def targets_of(kind, inputs, weights):
    """The targets of a fit; those of a regressor are scaled by its default.

    Counts are divided by their mean, and other values standardised.
    """
    if kind == "labels":
        return np.eye(N_CLASSES)[inputs["labels"]]
    T = inputs[kind].astype(float)
    if kind not in VALUES:
        return T
    mean = np.average(T, axis=0, weights=weights)
    if kind == "counts":
        return T / mean
    return (T - mean) / np.sqrt(np.average((T - mean) ** 2, axis=0, weights=weights))


def scaled_label_weights(given, T, weights):
    """Weights of absence and presence (2, n_labels), of mean 1 over all labels of T.

    With "balanced", both have the same total weight for each label.
    """
    presence = np.average(T, axis=0, weights=weights)
    shares = np.stack([1 - presence, presence])
    label_weights = 0.5 / shares if given == "balanced" else np.transpose(given)
    return label_weights / (shares * label_weights).sum(axis=0).mean()


def first_parameters(rng, n_outputs=N_CLASSES):
    """Weights and biases before training, layer by layer."""
    sizes = [N_FEATURES, *HIDDEN_LAYER_SIZES, n_outputs]
    return [
        part
        for shape in itertools.pairwise(sizes)
        for part in (rng.normal(0, INIT, shape), np.zeros(shape[1]))
    ]


def flat(parameters):
    return np.concatenate([np.ravel(part) for part in parameters])


def distance(values, points):
    """Smallest distance of the values from any of the points.

    Values exactly at a point are ignored: a sum of zeros is 0 in every library.
    """
    distances = [(values - point).abs() for point in points]
    return min((d[d > 0].min().item() for d in distances), default=np.inf)


def scores_of(X, parameters, activations):
    """Scores, and the smallest distance of an activation's inputs from its kinks."""
    W, b, *parameters = parameters
    U = X @ W + b
    if not activations:
        return U, np.inf
    name, *activations = activations
    scores, nearest = scores_of(ACTIVATIONS[name](U), parameters, activations)
    return scores, min(nearest, distance(U.detach(), KINKS.get(name, [])))


def hinge_distance(Z, T, margin, softmax=False):
    """Smallest distance of the terms of the hinge loss from 0."""
    scores = functional.softmax(Z, dim=1) if softmax else Z
    excess = margin + scores - scores[T == 1].unsqueeze(1)
    return distance(excess[T == 0].detach(), [0])


def loss_distance(name, Z, T, settings):
    """Smallest distance of the scores from points where a loss's derivative jumps."""
    if name == "hinge":
        return hinge_distance(Z, T, **settings)
    if name == "quantile":
        return distance((Z - T).detach(), [0])
    return np.inf


def golden_fit(case, inputs):
    """Parameters after training, and the mean loss of each epoch."""
    dtype = getattr(torch, case["dtype"])
    X = torch.tensor(inputs[case["X"]], dtype=dtype)
    name, loss, settings, kind = ALL_LOSSES[case["loss"]]
    weights = inputs["sample_weight"] if case["sample_weight"] else np.ones(N_SAMPLES)
    n_outputs = case.get("n_outputs", N_CLASSES)
    T = targets_of(kind, inputs, weights)[:, :n_outputs]
    label_weights = {}
    if "label_weights" in case:
        scaled = scaled_label_weights(case["label_weights"], T, weights)
        label_weights["label_weights"] = torch.tensor(scaled, dtype=dtype)
    T = torch.tensor(T, dtype=dtype)
    weights = torch.tensor(weights / weights.mean(), dtype=dtype)
    activations = [case["first_activation"], case["second_activation"]]

    parameters = [
        torch.tensor(part, dtype=dtype, requires_grad=True)
        for part in first_parameters(np.random.RandomState(SEED), n_outputs)
    ]
    make, torch_settings, _ = SOLVERS[case["solver"]]
    optimizer = make(parameters, weight_decay=case["weight_decay"], **torch_settings)
    epochs = []
    for _ in range(N_EPOCHS):
        total = 0.0
        for batch in torch.arange(N_SAMPLES).split(BATCH_SIZE):
            Z, nearest = scores_of(X[batch], parameters, activations)
            nearest = min(nearest, loss_distance(name, Z, T[batch], settings))
            if nearest < MIN_DISTANCE:
                raise ValueError(f"too close to a kink, {nearest}, in {case}")
            losses = loss(Z, T[batch], **settings, **label_weights)
            losses = weights[batch] * losses
            optimizer.zero_grad()
            losses.mean().backward()
            optimizer.step()
            total += losses.sum().item()
        epochs.append(total / N_SAMPLES)
    return flat([part.detach() for part in parameters]), epochs


def golden_fits(name, cases, inputs):
    """The results of fits, one row for each case."""
    results = [golden_fit(case, inputs) for case in cases]
    return {
        f"{name}/parameters": np.array([theta for theta, _ in results]),
        f"{name}/train_loss": np.array([epochs for _, epochs in results]),
    }


def described(case):
    """The case with the parameters of the estimator."""
    name, _, settings, kind = ALL_LOSSES[case["loss"]]
    parameters = {
        "hidden_layer_sizes": HIDDEN_LAYER_SIZES,
        "activation": [case["first_activation"], case["second_activation"]],
        **SOLVERS[case["solver"]][2],
        "weight_decay": case["weight_decay"],
        "batch_size": BATCH_SIZE,
        "max_iter": N_EPOCHS,
        "init": INIT,
        "dtype": case["dtype"],
        "random_state": SEED,
    }
    return {
        "levels": case, "loss": name, "loss_settings": settings, "targets": kind,
        "estimator": "MLPRegressor" if kind in VALUES else "MLPClassifier",
        "parameters": parameters,
    }  # fmt: skip


def main():
    """Compute everything and write the file."""
    torch.set_num_threads(1)
    inputs = fit_inputs(np.random.RandomState(SEED + 1))
    design = covering_design(FACTORS)
    arrays = {f"fit/{name}": array for name, array in inputs.items()}
    arrays["fit/first"] = flat(first_parameters(np.random.RandomState(SEED)))
    for dtype in FACTORS["dtype"]:
        arrays |= golden_members(dtype)
        cases = [case for case in design + MORE_CASES if case["dtype"] == dtype]
        arrays |= golden_fits(f"fit/{dtype}", cases, inputs)
    arrays |= golden_fits("fit/one_output", ONE_OUTPUT, inputs)
    about = {
        "versions": {"torch": torch.__version__, "numpy": np.__version__},
        "activations": list(ACTIVATIONS),
        "losses": {
            level: [name, settings, kind]
            for level, (name, _, settings, kind) in ALL_LOSSES.items()
        },
        "design": [described(case) for case in design],
        "more": [described(case) for case in MORE_CASES],
        "one_output": [described(case) for case in ONE_OUTPUT],
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez_compressed(PATH, json=text, **arrays)
    n_fits = len(design) + len(MORE_CASES) + len(ONE_OUTPUT)
    print(f"{n_fits} fits, {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
