"""Model files and checkpoints with random damage, some with a checksum that fits."""

import json
import random
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from exports import rewrite
from scipy.sparse import csr_array

from cymlp import Checkpoint, export

STORED = Path(__file__).parents[1] / "data" / "model_files"
VALUES = [
    None, True, -1, 0, 1, 2, 3, 7, 2**31, 2**63, 2**70, -0.5, 1e-300, 1e39, 1e300, "",
    "str", "relu", "focal", "auto", "float64", "labels", "values", "classes", "\ud800",
    [], [0], [1.0, 2.0], [[0, 1], [1, 2]], {}, {"float": "inf"}, {"float": "nan"},
    {"tuple": [0, 1]}, {"dict": [["a", 1]]}, {"object": "relu", "parameters": {}},
    {"object": "huber", "parameters": {"delta": 1.0}},
]  # fmt: skip
DTYPES = ["<f2", "<f4", "<f8", "<i4", "<u4", "u1"]


def mutated(content, rng):
    """Bytes that are changed, lost, doubled or inserted, at a few places."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        start = rng.randrange(len(content) + 1)
        stop = min(len(content), start + rng.choice([1, 1, 4, 100]))
        match rng.randrange(4):
            case 0:
                content[start:stop] = rng.randbytes(stop - start)
            case 1:
                del content[start:stop]
            case 2:
                content[start:start] = content[start:stop]
            case 3:
                content[start:start] = rng.randbytes(rng.choice([1, 8]))
    return bytes(content)


def spoil(model, tensors, rng):
    """Change values, keys and arrays of a model, at a few places."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        if rng.random() < 0.6:
            _spoil_value(model, rng)
        else:
            _spoil_tensor(tensors, rng)


def _spoil_value(model, rng):
    container, key = model, rng.choice(sorted(model))
    while isinstance(container[key], dict | list) and container[key]:
        if rng.random() < 0.2:
            break
        container = container[key]
        is_dict = isinstance(container, dict)
        key = (
            rng.choice(sorted(container)) if is_dict else rng.randrange(len(container))
        )
    value = rng.choice(VALUES)
    old = container[key]
    match rng.randrange(5):
        case 0 if isinstance(container, dict):
            del container[key]
        case 1 if isinstance(container, dict):
            container[rng.choice(["a", "batches", "tuple", "float"])] = value
        case 2 if isinstance(container, list):
            container.append(value)
        case 3 if isinstance(old, int | float) and not isinstance(old, bool):
            container[key] = old + rng.choice([-1, 1, 0.5])
        case _:
            container[key] = json.loads(json.dumps(value))


def _spoil_tensor(tensors, rng):
    if not tensors:
        return
    name = rng.choice(sorted(tensors))
    tensor = tensors[name]
    match rng.randrange(7):
        case 0:
            del tensors[name]
        case 1:
            tensors[rng.choice(["a", "coefs.9", "training.a"])] = tensor
        case 2:
            other = rng.choice(sorted(tensors))
            tensors[name], tensors[other] = tensors[other], tensor
        case 3:
            with np.errstate(all="ignore"):
                tensors[name] = tensor.astype(rng.choice(DTYPES))
        case 4:
            tensors[name] = np.ascontiguousarray(tensor.T)
        case 5:
            tensors[name] = np.ascontiguousarray(tensor[: rng.randrange(3)])
        case 6 if tensor.size:
            tensor = tensor.copy()
            value = rng.choice([0, 1e38, -1e38, np.nan, np.inf])
            with np.errstate(all="ignore"):
                tensor.flat[rng.randrange(tensor.size)] = np.asarray(value).astype(
                    tensor.dtype
                )
            tensors[name] = tensor


def use(file, stored):
    """Load a file and use the network; tell whether it was accepted."""
    try:
        mlp = export.load(file)
    except ValueError as error:
        if "is not a model file of cymlp, or is damaged" not in str(error):
            raise
        return False
    with np.load(stored.with_suffix(".npz")) as arrays:
        X, y = arrays["X"], arrays["y"]
    if "sparse" in stored.stem:
        X = csr_array(X)
    with suppress(ValueError):  # such as another number of features
        mlp.predict(X)
    repr(mlp)
    is_small = mlp.max_iter <= 5 and sum(W.size for W in mlp.coefs_) < 10_000
    if is_small and "checkpoint" in stored.stem:
        mlp.verbose = False
        names = getattr(mlp, "feature_names_in_", None)
        if names is not None and len(names) == X.shape[1]:
            X = pd.DataFrame(X, columns=names)
        with suppress(ValueError):
            mlp.fit(X, y, checkpoint=Checkpoint(file))
    return True


def mutate_files(n, seed, folder):
    """Mutate files n times; return how many of them were accepted."""
    stored = sorted(STORED.glob("*/*.safetensors"))
    rng = random.Random(seed)
    file = folder / "mutated.safetensors"
    n_accepted = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        warnings.filterwarnings("ignore", "The checkpoint .* was written by cymlp")
        warnings.filterwarnings("ignore", ".*(converged|learned little|square)")
        for _ in range(n):
            chosen = rng.choice(stored)
            content = chosen.read_bytes()
            file.write_bytes(content)
            try:
                if rng.random() < 0.3:
                    file.write_bytes(mutated(content, rng))
                else:
                    rewrite(file, lambda model, tensors: spoil(model, tensors, rng))
                n_accepted += use(file, chosen)
            except BaseException:
                kept = folder / f"failed-{seed}.safetensors"
                file.replace(kept)
                print("failed with", kept)
                raise
    return n_accepted
