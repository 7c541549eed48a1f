"""Model files in the safetensors format."""

import hashlib
import json
import os
from importlib.metadata import version

import numpy as np

from cymlp._files import write_file
from cymlp._fit.scaling import given_scale, scale_of
from cymlp.activations import ACTIVATIONS
from cymlp.activations import bind as bind_activation
from cymlp.classifier import MLPClassifier
from cymlp.export.json_values import decoded, encoded
from cymlp.export.parts import (
    CLASS_DTYPES,
    as_float32,
    as_path,
    check_layers,
    class_dtype,
    imported,
    parts_of,
    snapshot_of,
)
from cymlp.export.progress import TENSORS, packed_progress, unpacked_progress
from cymlp.history import History
from cymlp.losses import LOSSES, bind
from cymlp.regressor import MLPRegressor

# Version of the file format, to be raised if older versions of cymlp cannot read it.
FORMAT = 3
MODEL_KEYS = {
    "format", "version", "estimator", "parameters", "activations", "loss",
    "target_kind", "classes", "class_dtype", "feature_names", "scale", "target_scale",
    "training",
}  # fmt: skip
VERSION = version("cymlp")
ESTIMATORS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
# The types of arrays in model files, by their names in safetensors, which puts the
# lowest byte first on every processor.
ELEMENT_TYPES = {"F32": "<f4", "F64": "<f8", "U32": "<u4"}


def save(estimator, file):
    """Save a fitted network as a model file, which can be loaded without pickle.

    The file has the safetensors format: arrays, with all other values as JSON. It
    contains everything that predictions require, and the parameters, but not
    `history_`, the optimiser state or the random state. Requires safetensors:
    ``pip install cymlp[safetensors]``.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted network, without user-defined activations or loss. The labels must be
        numbers, strings or booleans.
    file : str or path-like
        File to write. An existing file is replaced once the new one is complete.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    NotFittedError
        If `estimator` is not fitted.
    OSError
        If the file cannot be written.
    TypeError
        If `estimator` is not an MLPClassifier or MLPRegressor, or `file` not a path.
    ValueError
        If an activation, the loss or the learning rate is user-defined, `random_state`
        is a RandomState, a parameter is invalid, or the weights have inconsistent
        shapes or values that are not finite.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cymlp import MLPClassifier, export
    >>> clf = MLPClassifier((3,), random_state=0)
    >>> X = [[0.0, 1.0], [1.0, 0.0]]
    >>> clf = clf.partial_fit(X, ["no", "yes"], classes=["no", "yes"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "model.safetensors")
    ...     export.save(clf, file)
    ...     same = export.load(file)
    >>> bool((same.predict_proba(X) == clf.predict_proba(X)).all())
    True
    """
    content = packed(snapshot_of(estimator))
    write_file(as_path(file), content)


def packed(estimator, **progress):
    """The content of a model file, or with arguments of `packed_progress` a checkpoint.

    Raises the errors of `save`.
    """
    safetensors = imported("safetensors.numpy", "cymlp[safetensors]")
    activations, layers = parts_of(estimator)
    feature_names = getattr(estimator, "feature_names_in_", None)
    classes = getattr(estimator, "classes_", None)
    names = [name for name, kind in ESTIMATORS.items() if isinstance(estimator, kind)]
    model = {
        "format": FORMAT,
        "version": VERSION,
        "estimator": names[0],
        "parameters": encoded_parameters(estimator),
        "activations": [encoded("activation", given) for given in activations],
        "loss": encoded("loss", estimator._loss),
        "target_kind": estimator._target_kind,
        "classes": None if classes is None else classes.tolist(),
        "class_dtype": None if classes is None else class_dtype(classes),
        "feature_names": None if feature_names is None else feature_names.tolist(),
        "scale": _encoded_scale(*scale_of(estimator)),
        "target_scale": None,
        "training": None,
    }
    if isinstance(estimator, MLPRegressor):
        scale = estimator.target_shift_, estimator.target_divisor_
        model["target_scale"] = _encoded_scale(*scale)
    tensors = {}
    for i, (W, b) in enumerate(layers):
        tensors |= {f"coefs.{i}": W, f"intercepts.{i}": b}
    if progress:
        model["training"], arrays = packed_progress(estimator, **progress)
        tensors |= arrays
    _restored(model, tensors)  # raises the errors that `load` would raise
    document = _json({"model": model, "sha256": _digest(model, tensors)})
    return safetensors.save(tensors, metadata={"cymlp": document})


def encoded_parameters(estimator):
    """The parameters of an estimator as JSON; refuse code and RandomState."""
    return {
        name: encoded(name, value)
        for name, value in estimator.get_params(deep=False).items()
    }


def _encoded_scale(shift, divisor, *bounds):
    if divisor is None:
        return None
    return [
        None if part is None else np.asarray(part).tolist()
        for part in (shift, divisor, *bounds)
    ]


def load(file):
    """Load a network from a model file.

    On the same machine and build, its predictions are bit-identical to those of the
    saved network. Its `history_` is empty, unless the file is a
    :class:`~cymlp.Checkpoint`. ``partial_fit`` and ``warm_start`` resume from its
    weights, with a new optimiser state.

    Parameters
    ----------
    file : str or path-like
        File written by `save`, or by `fit` for a Checkpoint.

    Returns
    -------
    estimator : MLPClassifier or MLPRegressor
        Fitted network.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    OSError
        If the file cannot be read.
    TypeError
        If `file` is not a path.
    ValueError
        If the file is not a model file, or is damaged. The checksum detects accidental
        damage only: an attacker can change the weights and the checksum.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> from cymlp import export
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "model.safetensors")
    ...     _ = file.write_bytes(b"something else")
    ...     try:
    ...         export.load(file)
    ...     except ValueError as error:
    ...         print("refused")
    refused
    """
    return read(file)[0]


def read(file):
    """The estimator in a model file, the JSON part, and the Progress or None.

    Raises the errors of `load`.
    """
    safetensors = imported("safetensors", "cymlp[safetensors]")
    # Not memory-mapped: Python would crash if another program truncated the file.
    content = as_path(file).read_bytes()
    try:
        document = _document(content)
        tensors = _tensors(safetensors.deserialize(content))
        model = _checked_model(document, tensors)
        estimator, progress = _restored(model, tensors)
    except (
        AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
        safetensors.SafetensorError,
    ) as error:  # fmt: skip
        raise ValueError(
            f"{os.fspath(file)!r} is not a model file of cymlp, or is damaged: "
            f"{error!s:.1000}"
        ) from error
    return estimator, model, progress


def _json(content):
    return json.dumps(content, allow_nan=False, sort_keys=True)


def _digest(model, tensors):
    digest = hashlib.sha256(_json(model).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype.name} {tensor.shape}".encode())
        # The same on processors that put the first byte elsewhere.
        little_endian = tensor.dtype.newbyteorder("<")
        digest.update(tensor.astype(little_endian, copy=False).tobytes())
    return digest.hexdigest()


def _document(content):
    """The JSON part of a model file."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__") or {}
    if "cymlp" not in metadata:
        raise ValueError("its metadata lack a model of cymlp")
    return json.loads(metadata["cymlp"], parse_constant=_refuse_constant)


def _tensors(parts):
    """The arrays of a file in the byte order of this processor.

    `load` of safetensors.numpy reads them as if they were in this order already.
    """
    tensors = {}
    for name, part in parts:
        if part["dtype"] not in ELEMENT_TYPES:
            raise ValueError(
                f"its arrays must be of types {sorted(ELEMENT_TYPES)}; got "
                f"{part['dtype']!r} for {name!r:.200}"
            )
        dtype = np.dtype(ELEMENT_TYPES[part["dtype"]])
        array = np.frombuffer(part["data"], dtype).reshape(part["shape"])
        tensors[name] = array.astype(dtype.newbyteorder("="), copy=False)
    return tensors


def _checked_model(document, tensors):
    """The model in the JSON part of a file, with format and checksum checked."""
    if set(document) != {"model", "sha256"} or not isinstance(document["model"], dict):
        raise ValueError("its JSON must have the keys 'model' and 'sha256' only")
    model = document["model"]
    if model.get("format") != FORMAT:
        raise ValueError(
            f"its format must be {FORMAT}; got {model.get('format')!r:.200}, written "
            f"by cymlp {model.get('version')!r:.200}"
        )
    if document["sha256"] != _digest(model, tensors):
        raise ValueError("its SHA-256 does not match its content")
    return model


def _refuse_constant(name):
    raise ValueError(f"{name} is not valid JSON")


def _restored(model, tensors):
    """The estimator and the Progress in a model file, with all parts checked."""
    if set(model) != MODEL_KEYS:
        raise ValueError(
            f"it must have the keys {sorted(MODEL_KEYS)}; got {set(model)}"
        )
    if model["estimator"] not in ESTIMATORS:
        raise ValueError(
            f"its estimator must be one of {sorted(ESTIMATORS)}; got "
            f"{model['estimator']!r:.200}"
        )
    estimator = ESTIMATORS[model["estimator"]](
        **{name: decoded(value) for name, value in model["parameters"].items()}
    )
    estimator._validate_params()
    if not isinstance(model["version"], str):
        raise ValueError(f"its version must be a str; got {model['version']!r:.200}")
    of_training = {name for name in tensors if name.startswith(TENSORS)}
    if model["training"] is None and of_training:
        raise ValueError(f"it lacks the training of {sorted(of_training)}")
    of_layers = {name: tensors[name] for name in tensors if name not in of_training}
    layers = _layers(of_layers, len(model["activations"]) + 1)
    estimator._activations = [_activation(value) for value in model["activations"]]
    n_features, n_outputs = len(layers[0][0]), layers[-1][1].size
    estimator.n_features_in_, estimator.n_outputs_ = n_features, n_outputs
    estimator.n_layers_ = len(layers) + 1
    _restore_loss(estimator, model)
    if estimator._target_kind != "values":
        classes = _classes(model["classes"], model["class_dtype"])
        if estimator._target_kind == "labels":
            _check_labels(classes)
        estimator.classes_, n_outputs = classes, classes.size
    check_layers(layers, n_features, n_outputs)
    bind(estimator._loss, n_outputs)  # checks its parameters
    if estimator.dtype == "float32":
        as_float32(layers)  # refuses values that are too large
    estimator.coefs_, estimator.intercepts_ = map(list, zip(*layers, strict=True))
    if model["feature_names"] is not None:
        names = _feature_names(model["feature_names"], n_features)
        estimator.feature_names_in_ = names
    _restore_scales(estimator, model)
    estimator.out_activation_ = estimator._output_activation()
    estimator.history_ = History()
    if model["training"] is None:
        return estimator, None
    arrays = {name: tensors[name] for name in of_training}
    progress = unpacked_progress(model["training"], arrays, estimator)
    _restore_history(estimator, progress)
    return estimator, progress


def _restore_history(estimator, progress):
    """The attributes that a fit has which ended here."""
    estimator.history_ = history = progress.history
    estimator.n_iter_ = history.n_epochs - progress.n_before
    estimator.loss_ = history._last_loss
    if progress.state.best.epoch is not None:
        estimator.best_epoch_ = progress.state.best.epoch


def _restore_loss(estimator, model):
    estimator._loss = decoded(model["loss"])
    kind = model["target_kind"]
    losses = {
        name: member for name, member in LOSSES.items() if member.target_kind == kind
    }
    if kind not in estimator._target_kinds:
        raise ValueError(
            f"its target_kind must be one of {estimator._target_kinds}; got "
            f"{kind!r:.200}"
        )
    if type(estimator._loss) not in losses.values():
        raise ValueError(
            f"its loss must be one of {sorted(losses)}; got {estimator._loss!r:.200}"
        )
    if len(estimator._target_kinds) > 1:  # otherwise that of the class
        estimator._target_kind = kind


def _restore_scales(estimator, model):
    owner, n_features = type(estimator).__name__, estimator.n_features_in_
    estimator.shift_ = estimator.divisor_ = estimator.bounds_ = None
    if model["scale"] is not None:
        *scale, bounds = model["scale"]
        estimator.shift_, estimator.divisor_ = given_scale(scale, n_features, owner)
        estimator.bounds_ = _bounds(bounds, n_features)
    if not isinstance(estimator, MLPRegressor):
        return
    estimator.target_shift_ = estimator.target_divisor_ = None
    if model["target_scale"] is not None:
        n_outputs = estimator.n_outputs_
        scale = given_scale(model["target_scale"], n_outputs, owner, "target_scale")
        estimator.target_shift_, estimator.target_divisor_ = (
            np.full(n_outputs, part, np.float64) for part in scale
        )


def _activation(value):
    """An activation of cymlp with checked parameters."""
    activation = decoded(value)
    if type(activation) not in ACTIVATIONS.values():
        raise ValueError(
            f"its activations must be of {sorted(ACTIVATIONS)}; got {activation!r:.200}"
        )
    bind_activation(activation)  # checks its parameters
    return activation


def _classes(labels, dtype):
    """Labels as an array, if they have this dtype, are sorted and distinct."""
    if dtype not in CLASS_DTYPES:
        raise ValueError(
            f"its class_dtype must be one of {CLASS_DTYPES}; got {dtype!r}"
        )
    if dtype in {"object", "str"} and not all(isinstance(name, str) for name in labels):
        raise ValueError(
            f"its classes of dtype {dtype} must be strings; got {labels!r:.200}"
        )
    if dtype == "str" and len(labels) * max(map(len, labels), default=0) > 2**26:
        # In an array of strings, each takes the memory of the longest.
        raise ValueError("its classes are strings that take more than 256 MB")
    classes = np.array(labels, dtype)
    same = classes.ndim == 1 and [(type(label), label) for label in labels] == [
        (type(label), label) for label in classes.tolist()
    ]
    if not same or len(labels) < 2 or not np.array_equal(classes, np.unique(classes)):
        raise ValueError(
            f"its classes must be at least two labels of dtype {dtype}, sorted and "
            f"distinct; got {labels!r:.200}"
        )
    return classes


def _check_labels(classes):
    # As lists, since NumPy before 1.25 warns when it compares names with integers.
    if classes.tolist() != [*range(classes.size)]:
        raise ValueError(
            f"its classes must be 0, 1, ... for several labels per sample; got "
            f"{classes!r:.200}"
        )


def _layers(tensors, n_layers):
    names = [(f"coefs.{i}", f"intercepts.{i}") for i in range(len(tensors) // 2)]
    if len(names) != n_layers or set(tensors) != {name for p in names for name in p}:
        raise ValueError(
            f"it must have coefs and intercepts of {n_layers} layers; got "
            f"{sorted(tensors)}"
        )
    for name, tensor in tensors.items():
        if tensor.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"its arrays must be float32 or float64; {name} is {tensor.dtype}"
            )
    return [(np.atleast_1d(tensors[W]), tensors[b]) for W, b in names]


def _bounds(bounds, n_features):
    """The bounds of X as an array, or None."""
    if bounds is None:
        return None
    bounds = np.array(bounds, np.float64)
    if bounds.shape != (2, n_features) or np.isnan(bounds).any():
        raise ValueError(
            "the bounds of its scale must be a lowest and a highest value of each "
            f"feature; got {bounds!r:.200}"
        )
    return bounds


def _feature_names(names, n_features):
    right = isinstance(names, list) and len(names) == n_features
    if not right or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"its feature_names must be {n_features} strings; got {names!r:.200}"
        )
    return np.array(names, dtype=object)
