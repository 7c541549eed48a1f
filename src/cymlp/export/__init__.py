"""A fitted classifier as a file for elsewhere.

All that a file has to hold are weights, biases, the names of activations and loss, and
labels. What a user has written in Python cannot go along, and is refused.
"""

import hashlib
import importlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from cymlp import activations, losses
from cymlp._fit.scaling import given_scale
from cymlp.classifier import MLPClassifier
from cymlp.history import History

# Of the model file, to be raised when older versions of cymlp could not read it.
FORMAT = 1
MODEL_KEYS = {
    "format", "parameters", "activations", "loss", "classes", "class_dtype",
    "feature_names", "scale",
}  # fmt: skip
CLASS_DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "str", "object",
)  # fmt: skip


def to_c(classifier, file, prefix=""):
    """Write a classifier as a file of C99, say for a microcontroller.

    The file needs nothing but ``<math.h>`` and allocates no memory; the stack holds two
    arrays of the size of the widest hidden layer. It defines the functions ::

        void predict_scores(const float *x, float *scores);
        void predict_probabilities(const float *x, float *probabilities);
        int predict_class(const float *x);

    where x has the features of one sample, and the last returns a position in
    `classes_`, whose labels are in a comment. The second is there only where the loss
    is one of ours and knows probabilities. All is computed in float32.

    Parameters
    ----------
    classifier : MLPClassifier
        Fitted, with activations of ours.
    file : str or path-like
        Where to write; what is there is replaced.
    prefix : str, default=""
        What the names of all functions and constants begin with: empty, or a C
        identifier that begins with a letter.

    Raises
    ------
    NotFittedError
        Before fit.
    TypeError
        If `classifier` is no MLPClassifier, or `prefix` no string.
    ValueError
        If `prefix` is no C identifier, an activation is a user's own, or weights do not
        fit each other or are not finite in float32.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from cymlp import MLPClassifier, export
    >>> clf = MLPClassifier((3,), random_state=0)
    >>> clf = clf.partial_fit([[0.0, 1.0], [1.0, 0.0]], [0, 1], classes=[0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "model.c")
    ...     export.to_c(clf, file, prefix="toy_")
    ...     "int toy_predict_class(const float *x);" in file.read_text()
    True
    """
    _check_prefix(prefix)
    names, layers = _parts(classifier)
    layers = _as_float32(_unscaled(classifier, layers))
    Path(file).write_text(
        _c_source(classifier, names, layers, prefix), "ascii", newline="\n"
    )


def save(classifier, file):
    """Write a classifier as a model file, which is read without running code from it.

    The file has the format of safetensors: arrays, and what else there is as JSON. It
    holds what predictions need, and the parameters; not `history_`, nor what training
    goes on from: optimiser and random numbers. Needs safetensors, which
    ``pip install cymlp[safetensors]`` brings.

    Parameters
    ----------
    classifier : MLPClassifier
        Fitted, with activations and loss of ours, and labels that are numbers, strings
        or booleans.
    file : str or path-like
        Where to write; what is there is replaced.

    Raises
    ------
    ImportError
        If there is no safetensors.
    NotFittedError
        Before fit.
    TypeError
        If `classifier` is no MLPClassifier.
    ValueError
        If something of it cannot be written: an activation, a loss or a learning rate
        that is a user's own, a RandomState; or if a parameter is invalid or weights do
        not fit each other or are not finite.

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
    safetensors = _imported("safetensors.numpy", "cymlp[safetensors]")
    names, layers = _parts(classifier)
    feature_names = getattr(classifier, "feature_names_in_", None)
    model = {
        "format": FORMAT,
        "parameters": {
            name: _encoded(name, value)
            for name, value in classifier.get_params(deep=False).items()
        },
        "activations": names,
        "loss": _encoded("loss", classifier._loss),
        "classes": classifier.classes_.tolist(),
        "class_dtype": _class_dtype(classifier.classes_),
        "feature_names": None if feature_names is None else feature_names.tolist(),
        "scale": None,
    }
    if classifier.divisor_ is not None:
        scale = classifier.shift_, classifier.divisor_
        model["scale"] = [np.asarray(part).tolist() for part in scale]
    tensors = {}
    for i, (W, b) in enumerate(layers):
        tensors |= {f"coefs.{i}": W, f"intercepts.{i}": b}
    _restored(model, tensors)  # so that nothing is written that cannot be read
    document = _json({"model": model, "sha256": _digest(model, tensors)})
    Path(file).write_bytes(safetensors.save(tensors, metadata={"cymlp": document}))


def load(file):
    """Read a classifier from a model file.

    It predicts the same as the one that was saved, to the last bit on the same machine
    and build. Its `history_` is empty; ``partial_fit`` and ``warm_start`` go on from
    its weights, with an optimiser that starts afresh.

    Parameters
    ----------
    file : str or path-like
        What `save` has written.

    Returns
    -------
    classifier : MLPClassifier
        Fitted.

    Raises
    ------
    ImportError
        If there is no safetensors.
    OSError
        If the file cannot be read.
    ValueError
        If it is not what `save` writes, or damaged. A checksum finds accidents; one who
        wants to can change weights and checksum both.

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
    safetensors = _imported("safetensors", "cymlp[safetensors]")
    arrays = _imported("safetensors.numpy", "cymlp[safetensors]")
    # No memory map: where another program cuts the file short, that crashes Python.
    content = Path(file).read_bytes()
    try:
        document = _document(content)
        tensors = arrays.load(content)
        return _restored(_checked_model(document, tensors), tensors)
    except (
        AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
        safetensors.SafetensorError,
    ) as error:  # fmt: skip
        raise ValueError(
            f"{os.fspath(file)!r} is no model file of cymlp, or is damaged: "
            f"{error!s:.1000}"
        ) from error


def to_onnx(classifier):
    """Make a classifier a model of ONNX, which many runtimes compute.

    Its input X, of shape (n_samples, n_features), is float32, and so is all that is
    computed. Its outputs are named as by skl2onnx: `label`, of shape (n_samples,), and
    `probabilities`, of shape (n_samples, n_classes). Where the loss is a user's own or
    knows no probabilities, `scores` take their place. Needs onnx, which
    ``pip install cymlp[onnx]`` brings, and no more than version 14 of its operators.

    Parameters
    ----------
    classifier : MLPClassifier
        Fitted, with activations of ours, and labels that are numbers, strings or
        booleans.

    Returns
    -------
    model : onnx.ModelProto
        Checked by onnx.

    Raises
    ------
    ImportError
        If there is no onnx.
    NotFittedError
        Before fit.
    TypeError
        If `classifier` is no MLPClassifier.
    ValueError
        If an activation is a user's own, labels are of another kind, or weights do not
        fit each other or are not finite in float32.

    Examples
    --------
    >>> from cymlp import MLPClassifier, export
    >>> clf = MLPClassifier((3,), "selu", random_state=0)
    >>> clf = clf.partial_fit([[0.0, 1.0], [1.0, 0.0]], [0, 1], classes=[0, 1])
    >>> model = export.to_onnx(clf)
    >>> [node.op_type for node in model.graph.node]
    ['Gemm', 'Selu', 'Gemm', 'ArgMax', 'Gather', 'Softmax']
    """
    onnx = _imported("onnx", "cymlp[onnx]")
    make_value, number = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    arrays, nodes = _onnx_parts(classifier)
    initializers = {
        name: onnx.numpy_helper.from_array(array, name)
        for name, array in arrays.items()
    }
    label_type = initializers["classes"].data_type
    values = "probabilities" if _has_known_probabilities(classifier) else "scores"
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(operator, inputs, [output], **attributes)
            for operator, inputs, output, attributes in nodes
        ],
        "cymlp",
        [make_value("X", number, ["n_samples", classifier.n_features_in_])],
        [
            make_value("label", label_type, ["n_samples"]),
            make_value(values, number, ["n_samples", classifier.n_outputs_]),
        ],
        [*initializers.values()],
    )
    model = onnx.helper.make_model(
        graph,
        producer_name="cymlp",
        # The first with HardSwish, so that old runtimes can read it too.
        opset_imports=[onnx.helper.make_opsetid("", 14)],
        ir_version=7,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def register_with_skl2onnx():
    """Let skl2onnx convert classifiers of ours, alone or at the end of a pipeline.

    The outputs then are skl2onnx's own, with its options, and numeric labels are int64.
    Needs skl2onnx, which ``pip install skl2onnx`` brings; a network with hard swish
    needs a ``target_opset`` of 14 or later. What `to_onnx` refuses, this does too, and
    losses without probabilities besides.

    Raises
    ------
    ImportError
        If there is no skl2onnx.

    Examples
    --------
    >>> from cymlp import MLPClassifier, export
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> export.register_with_skl2onnx()
    >>> X, y = load_digits(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), MLPClassifier((28,), tol=1e-2))
    >>> model = to_onnx(pipeline.fit(X, y), X[:1], options={"zipmap": False})
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    skl2onnx = _imported("skl2onnx", "skl2onnx")
    shapes = _imported("skl2onnx.common.shape_calculator", "skl2onnx")
    skl2onnx.update_registered_converter(
        MLPClassifier,
        "CymlpMLPClassifier",
        shapes.calculate_linear_classifier_output_shapes,
        _convert,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "output_class_labels": [False, True],
        },
    )


def _convert(scope, operator, container):
    """Add our operators to what skl2onnx is converting."""
    data_types = _imported("skl2onnx.common.data_types", "skl2onnx")
    float_type = data_types.guess_proto_type(data_types.FloatTensorType())
    classifier = operator.raw_operator
    if not _has_known_probabilities(classifier):
        raise ValueError(
            f"loss={classifier._loss!r} knows no probabilities that skl2onnx could "
            "convert; cymlp.export.to_onnx gives scores instead"
        )
    arrays, nodes = _onnx_parts(classifier)
    names = {
        name: scope.get_unique_variable_name(name)
        for name in ("X", *arrays, *(output for _, _, output, _ in nodes))
    }
    for name, array in arrays.items():
        array_type = data_types.guess_data_type(array)[0][1]
        container.add_initializer(
            names[name], data_types.guess_proto_type(array_type), array.shape, array
        )
    container.add_node(
        "Cast", [operator.inputs[0].full_name], [names["X"]], to=float_type
    )
    for kind, inputs, output, attributes in nodes:
        container.add_node(
            kind, [names[name] for name in inputs], [names[output]], **attributes
        )
    for name, output in zip(("label", "probabilities"), operator.outputs, strict=True):
        container.add_node(
            "Cast",
            [names[name]],
            [output.full_name],
            to=data_types.guess_proto_type(output.type),
        )


def _onnx_parts(classifier):
    """Arrays by name, and operators with inputs, output and attributes."""
    names, layers = _parts(classifier)
    arrays = {"classes": _onnx_labels(classifier.classes_)}
    nodes, source = [], "X"
    layers = _as_float32(_unscaled(classifier, layers))
    for i, (W, b) in enumerate(layers):
        arrays |= {f"coefs_{i}": W, f"intercepts_{i}": b}
        sums = "scores" if i == len(names) else f"sums_{i}"
        nodes.append(("Gemm", [source, f"coefs_{i}", f"intercepts_{i}"], sums, {}))
        if i < len(names):
            operator, attributes = ONNX_OPERATORS[names[i]]
            source = f"hidden_{i}"
            nodes.append((operator, [sums], source, attributes))
    nodes += [
        ("ArgMax", ["scores"], "index", {"axis": 1, "keepdims": 0}),
        ("Gather", ["classes", "index"], "label", {}),
    ]
    if _has_known_probabilities(classifier):
        nodes.append(("Softmax", ["scores"], "probabilities", {"axis": 1}))
    return arrays, nodes


# Name and attributes of each activation's operator.
ONNX_OPERATORS = {
    "tanh": ("Tanh", {}),
    "selu": ("Selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    "relu": ("Relu", {}),
    "logistic": ("Sigmoid", {}),
    "identity": ("Identity", {}),
    "hardswish": ("HardSwish", {}),
}


def _onnx_labels(classes):
    """Labels as one of the few types that every runtime has."""
    name = _class_dtype(classes)
    if name.startswith(("int", "uint")) and name != "uint64":
        return classes.astype(np.int64)
    return classes.astype(object) if name == "str" else classes


def _imported(module, requirement):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this needs {module.partition('.')[0]}, which pip install {requirement} "
            "brings"
        ) from error


def _json(content):
    return json.dumps(content, allow_nan=False, sort_keys=True)


def _digest(model, tensors):
    digest = hashlib.sha256(_json(model).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _encoded(parameter, value):
    """A parameter as JSON: what JSON does not know becomes a dict that tells its kind.

    Arrays become lists, and NumPy's numbers those of Python.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value in (np.float32, np.float64):
        return np.dtype(value).name
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"float": str(value)}
    if isinstance(value, list):
        return [_encoded(parameter, member) for member in value]
    if isinstance(value, tuple):
        return {"tuple": _encoded(parameter, list(value))}
    if isinstance(value, Mapping):
        return {"dict": _encoded(parameter, list(value.items()))}
    if type(value) in _known().values():
        members = value.get_params(deep=False)
        return {
            "object": value.name,
            "parameters": {
                name: _encoded(f"{parameter}__{name}", member)
                for name, member in members.items()
            },
        }
    raise ValueError(
        f"{parameter}={value!r} cannot be saved: it is neither a number, string, "
        "boolean, None, a collection of these, nor an activation or loss of cymlp's. "
        "Where predictions do not depend on it, set_params can replace it before"
    )


def _known():
    return activations.known() | losses.known()


def _decoded(value):
    """What `_encoded` was given."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [_decoded(member) for member in value]
        case {"float": "inf", **rest} if not rest:
            return float("inf")
        case {"tuple": list(members), **rest} if not rest:
            return tuple(_decoded(members))
        case {"dict": list(items), **rest} if not rest:
            return dict(_decoded(items))
        case {"object": name, "parameters": dict(members), **rest} if not rest:
            return _known()[name](**{key: _decoded(members[key]) for key in members})
    raise ValueError(f"it has a value of an unknown kind, {value!r:.200}")


def _class_dtype(classes):
    name = "str" if classes.dtype.kind == "U" else classes.dtype.name
    if name not in CLASS_DTYPES:
        raise ValueError(
            "classes_ must be numbers of up to 64 bits, strings or booleans; got "
            f"{classes!r}"
        )
    return name


def _document(content):
    """The JSON that `save` puts beside the arrays, which are not looked at."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__") or {}
    if "cymlp" not in metadata:
        raise ValueError("it has no model of cymlp beside its arrays")
    return json.loads(metadata["cymlp"], parse_constant=_refuse_constant)


def _checked_model(document, tensors):
    """The JSON part of a model file, if it is whole."""
    if set(document) != {"model", "sha256"} or not isinstance(document["model"], dict):
        raise ValueError("its JSON must have a model and its sha256")
    model = document["model"]
    if model.get("format") != FORMAT:
        raise ValueError(f"its format is {model.get('format')!r:.200}, not {FORMAT}")
    if document["sha256"] != _digest(model, tensors):
        raise ValueError("its content does not have the SHA-256 that it says")
    return model


def _refuse_constant(name):
    raise ValueError(f"JSON knows no {name}")


def _restored(model, tensors):
    """A classifier from the parts of a model file, all of them checked."""
    if set(model) != MODEL_KEYS:
        raise ValueError(
            f"it must have the keys {sorted(MODEL_KEYS)}; got {set(model)}"
        )
    clf = MLPClassifier(
        **{name: _decoded(value) for name, value in model["parameters"].items()}
    )
    clf._validate_params()
    layers = _layers(tensors, len(model["activations"]) + 1)
    clf._activations = [activations.known()[name]() for name in model["activations"]]
    clf._loss = _decoded(model["loss"])
    if type(clf._loss) not in losses.known().values():
        raise ValueError(f"its loss is none of {sorted(losses.known())}")
    clf.classes_ = _classes(model["classes"], model["class_dtype"])
    losses.bind(clf._loss, clf.classes_.size)  # checks its parameters
    clf.n_features_in_ = len(layers[0][0])
    _check_layers(layers, clf.n_features_in_, clf.classes_.size, len(layers) - 1)
    if clf.dtype == "float32":
        _as_float32(layers)  # refuses what is too large to be computed with
    clf.coefs_, clf.intercepts_ = map(list, zip(*layers, strict=True))
    if model["feature_names"] is not None:
        clf.feature_names_in_ = _feature_names(
            model["feature_names"], clf.n_features_in_
        )
    clf.shift_ = clf.divisor_ = None
    if model["scale"] is not None:
        clf.shift_, clf.divisor_ = given_scale(model["scale"], clf.n_features_in_)
    clf.n_layers_, clf.n_outputs_ = len(layers) + 1, clf.classes_.size
    has_probabilities = hasattr(clf._loss, "probabilities")
    clf.out_activation_ = "softmax" if has_probabilities else "identity"
    clf.history_ = History()
    return clf


def _classes(labels, dtype):
    """Labels as an array, if they are of this dtype, sorted and without repetition."""
    if dtype not in CLASS_DTYPES:
        raise ValueError(
            f"its class_dtype must be one of {CLASS_DTYPES}; got {dtype!r}"
        )
    if dtype in {"object", "str"} and not all(isinstance(name, str) for name in labels):
        raise ValueError(f"its classes of dtype {dtype} must be strings")
    if dtype == "str" and len(labels) * max(map(len, labels), default=0) > 2**26:
        # In an array of strings, each takes as much memory as the longest.
        raise ValueError("its classes are strings that take more than 256 MB")
    classes = np.array(labels, dtype)
    same = classes.ndim == 1 and [(type(label), label) for label in labels] == [
        (type(label), label) for label in classes.tolist()
    ]
    if not same or len(labels) < 2 or not np.array_equal(classes, np.unique(classes)):
        raise ValueError(
            f"its classes must be at least two, of dtype {dtype}, sorted and different "
            f"from each other; got {labels!r:.200}"
        )
    return classes


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


def _feature_names(names, n_features):
    right = isinstance(names, list) and len(names) == n_features
    if not right or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"its feature_names must be {n_features} strings; got {names!r:.200}"
        )
    return np.array(names, dtype=object)


def _check_prefix(prefix):
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a string; got {prefix!r}")
    # C reserves names that begin with an underscore.
    if prefix and not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", prefix):
        raise ValueError(
            "prefix must be empty or a C identifier: letters without accents, digits "
            f"and underscores, a letter first; got {prefix!r}"
        )


def _parts(classifier):
    """Names of the activations, and weights and biases of each layer, all checked."""
    if not isinstance(classifier, MLPClassifier):
        raise TypeError(
            f"classifier must be an MLPClassifier; got {type(classifier).__name__}"
        )
    check_is_fitted(classifier)
    names = [_activation_name(member) for member in classifier._activations]
    layers = [
        (np.require(W, _dtype(W), "C"), np.require(b, _dtype(W), "C"))
        for W, b in zip(classifier.coefs_, classifier.intercepts_, strict=True)
    ]
    _check_layers(layers, classifier.n_features_in_, classifier.n_outputs_, len(names))
    return names, layers


def _dtype(array):
    return np.float32 if np.asarray(array).dtype == np.float32 else np.float64


def _activation_name(member):
    # A class that is derived from one of ours may compute anything.
    if type(member) not in activations.known().values():
        raise ValueError(
            f"activation {member!r} is not one of {sorted(activations.known())}; the "
            "Python code of a user's own cannot be exported"
        )
    return member.name


def _has_known_probabilities(classifier):
    """Whether probabilities are softmax(scores), which holds for every loss of ours."""
    loss = classifier._loss
    return type(loss) in losses.known().values() and hasattr(loss, "probabilities")


def _check_layers(layers, n_features, n_classes, n_hidden):
    """Refuse weights that do not lead from features to classes in finite numbers."""
    shapes = [array.shape for layer in layers for array in layer]
    if len(layers) != n_hidden + 1 or any(W.ndim != 2 for W, _ in layers):
        fits = False
    else:
        sizes = [n_features, *(W.shape[1] for W, _ in layers[:-1]), n_classes]
        fits = all(sizes) and all(
            W.shape == (n_in, n_out) and b.shape == (n_out,)
            for (W, b), n_in, n_out in zip(layers, sizes, sizes[1:], strict=False)
        )
    if not fits:
        raise ValueError(
            f"coefs_ and intercepts_ must lead from {n_features} features over "
            f"{n_hidden} hidden layers to {n_classes} classes; they have the shapes "
            f"{shapes}"
        )
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError("coefs_ or intercepts_ have a number that is NaN or infinite")


def _unscaled(classifier, layers):
    """Layers of which the first takes X as it is, not scaled."""
    if classifier.divisor_ is None:
        return layers
    (W, b), *others = layers
    ones = np.ones(len(W))
    with np.errstate(over="ignore", invalid="ignore"):
        W = W / (classifier.divisor_ * ones)[:, np.newaxis]
        return [(W, b - (classifier.shift_ * ones) @ W), *others]


def _as_float32(layers):
    with np.errstate(over="ignore"):
        layers = [(np.float32(W), np.float32(b)) for W, b in layers]
    if not all(np.isfinite(array).all() for layer in layers for array in layer):
        raise ValueError("coefs_ or intercepts_ have a number too large for float32")
    return layers


# Each with a suffix f, since a microcontroller may have no float64.
C_ACTIVATIONS = {
    "tanh": "tanhf(u)",
    "selu": "u > 0.0f ? 1.05070099f * u : 1.75809934f * expm1f(u)",
    "relu": "u > 0.0f ? u : 0.0f",
    "logistic": "1.0f / (1.0f + expf(-u))",
    "identity": "u",
    "hardswish": "u * fminf(fmaxf((u + 3.0f) / 6.0f, 0.0f), 1.0f)",
}

C_ACTIVATION = """
static void {prefix}apply_{name}(float *a, int n)
{{
    for (int i = 0; i < n; i++) {{
        const float u = a[i];
        a[i] = {formula};
    }}
}}
"""

C_DENSE = """
/* out = x W + b, W being stored row by row. */
static void {prefix}dense(const float *x, int n_in, const float *W,
    const float *b, int n_out, float *out)
{{
    for (int j = 0; j < n_out; j++)
        out[j] = b[j];
    for (int i = 0; i < n_in; i++)
        for (int j = 0; j < n_out; j++)
            out[j] += x[i] * W[i * n_out + j];
}}
"""

C_PROBABILITIES = """
void {prefix}predict_probabilities(const float *x, float *probabilities)
{{
    float largest, sum = 0.0f;
    {prefix}predict_scores(x, probabilities);
    largest = probabilities[0];
    for (int k = 1; k < {prefix}N_CLASSES; k++)
        largest = fmaxf(largest, probabilities[k]);
    for (int k = 0; k < {prefix}N_CLASSES; k++) {{
        probabilities[k] = expf(probabilities[k] - largest);
        sum += probabilities[k];
    }}
    for (int k = 0; k < {prefix}N_CLASSES; k++)
        probabilities[k] /= sum;
}}
"""

C_CLASS = """
int {prefix}predict_class(const float *x)
{{
    float scores[{prefix}N_CLASSES];
    int best = 0;
    {prefix}predict_scores(x, scores);
    for (int k = 1; k < {prefix}N_CLASSES; k++)
        if (scores[k] > scores[best])
            best = k;
    return best;
}}
"""


def _c_source(classifier, names, layers, prefix):
    has_probabilities = _has_known_probabilities(classifier)
    parts = [
        _c_head(classifier, layers, prefix, has_probabilities),
        *(_c_array(f"{prefix}W{i}", W) for i, (W, _) in enumerate(layers, 1)),
        *(_c_array(f"{prefix}b{i}", b) for i, (_, b) in enumerate(layers, 1)),
        C_DENSE.format(prefix=prefix),
        *(
            C_ACTIVATION.format(prefix=prefix, name=name, formula=C_ACTIVATIONS[name])
            for name in dict.fromkeys(names)
        ),
        _c_scores(names, layers, prefix),
        C_PROBABILITIES.format(prefix=prefix) if has_probabilities else "",
        C_CLASS.format(prefix=prefix),
    ]
    return "".join(parts)


def _c_head(classifier, layers, prefix, has_probabilities):
    sizes = [classifier.n_features_in_, *(b.size for _, b in layers)]
    labels = "".join(
        f"\n     {index}: {_c_comment(label)}"
        for index, label in enumerate(classifier.classes_.tolist())
    )
    probabilities = (
        f"void {prefix}predict_probabilities(const float *x, float *probabilities);\n"
        if has_probabilities
        else ""
    )
    return (
        f"/* A network of {'-'.join(map(str, sizes))} units, exported by cymlp.\n"
        f"   Labels of the classes:{labels} */\n\n"
        "#include <math.h>\n\n"
        f"enum {{ {prefix}N_FEATURES = {sizes[0]}, "
        f"{prefix}N_CLASSES = {sizes[-1]} }};\n\n"
        f"void {prefix}predict_scores(const float *x, float *scores);\n"
        f"{probabilities}"
        f"int {prefix}predict_class(const float *x);\n"
    )


def _c_comment(label):
    """A label as JSON, with nothing in it that would end a comment or begin another."""
    return json.dumps(label, default=str).replace("*", r"\u002a")


def _c_array(name, array):
    numbers = [_c_float(value) for value in array.ravel().tolist()]
    lines = [", ".join(numbers[i : i + 5]) for i in range(0, len(numbers), 5)]
    body = ",\n    ".join(lines)
    return f"\nstatic const float {name}[{array.size}] = {{\n    {body}\n}};\n"


def _c_float(value):
    """A literal that reads back as the same float32."""
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _c_scores(names, layers, prefix):
    widths = [b.size for _, b in layers[:-1]]
    lines, source, n_in = [], "x", f"{prefix}N_FEATURES"
    for i, (name, width) in enumerate(zip(names, widths, strict=True), 1):
        target = "ab"[i % 2 == 0]
        lines += [
            f"{prefix}dense({source}, {n_in}, {prefix}W{i}, {prefix}b{i}, "
            f"{width}, {target});",
            f"{prefix}apply_{name}({target}, {width});",
        ]
        source, n_in = target, width
    i = len(layers)
    lines.append(
        f"{prefix}dense({source}, {n_in}, {prefix}W{i}, {prefix}b{i}, "
        f"{prefix}N_CLASSES, scores);"
    )
    arrays = [f"{name}[{max(widths)}]" for name in "ab"[: len(widths)]]
    if arrays:
        lines.insert(0, f"float {', '.join(arrays)};")
    body = "\n    ".join(lines)
    return (
        f"\nvoid {prefix}predict_scores(const float *x, float *scores)\n"
        f"{{\n    {body}\n}}\n"
    )
