"""Export to ONNX."""

import numpy as np

from cymlp.classifier import MLPClassifier
from cymlp.export.parts import (
    as_float32,
    bounds_of,
    class_dtype,
    has_softmax,
    imported,
    parts_of,
    snapshot_of,
    without_scaling,
)


def to_onnx(classifier):
    """Convert a fitted classifier to an ONNX model.

    The input `X` of the model has shape (n_samples, n_features). It is float32, like
    all computations. The outputs are named as by skl2onnx: `label`, of shape
    (n_samples,), and `probabilities`, of shape (n_samples, n_classes). If the loss is
    user-defined or does not define probabilities, the output `scores` replaces
    `probabilities`. The model uses version 14 of the ONNX operator set. Requires onnx:
    ``pip install cymlp[onnx]``.

    Parameters
    ----------
    classifier : MLPClassifier
        Fitted classifier, without user-defined activations. The labels must be numbers,
        strings or booleans.

    Returns
    -------
    model : onnx.ModelProto
        Model that has passed the checks of onnx.

    Raises
    ------
    ImportError
        If onnx is not installed.
    NotFittedError
        If `classifier` is not fitted.
    TypeError
        If `classifier` is not an MLPClassifier.
    ValueError
        If an activation is user-defined, the labels have another type, or the weights
        have inconsistent shapes or values that are not finite in float32.

    Examples
    --------
    >>> from cymlp import MLPClassifier, export
    >>> clf = MLPClassifier((3,), "selu", random_state=0)
    >>> clf = clf.partial_fit([[0.0, 1.0], [1.0, 0.0]], [0, 1], classes=[0, 1])
    >>> model = export.to_onnx(clf)
    >>> [node.op_type for node in model.graph.node]
    ['Max', 'Min', 'Gemm', 'Selu', 'Gemm', 'ArgMax', 'Gather', 'Softmax']
    """
    onnx = imported("onnx", "cymlp[onnx]")
    make_value, float_type = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    classifier = snapshot_of(classifier)
    arrays, nodes = _graph_parts(classifier)
    initializers = {
        name: onnx.numpy_helper.from_array(array, name)
        for name, array in arrays.items()
    }
    label_type = initializers["classes"].data_type
    values = "probabilities" if has_softmax(classifier) else "scores"
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(operator, inputs, [output], **attributes)
            for operator, inputs, output, attributes in nodes
        ],
        "cymlp",
        [make_value("X", float_type, ["n_samples", classifier.n_features_in_])],
        [
            make_value("label", label_type, ["n_samples"]),
            make_value(values, float_type, ["n_samples", classifier.n_outputs_]),
        ],
        [*initializers.values()],
    )
    model = onnx.helper.make_model(
        graph,
        producer_name="cymlp",
        # The first version with HardSwish, for compatibility with old runtimes.
        opset_imports=[onnx.helper.make_opsetid("", 14)],
        ir_version=7,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def register_with_skl2onnx():
    """Let skl2onnx convert an MLPClassifier, alone or at the end of a pipeline.

    The outputs follow the conventions and options of skl2onnx, and numeric labels are
    int64. Requires skl2onnx: ``pip install skl2onnx``. Networks with "hardswish"
    require a ``target_opset`` of 14 or later. The conversion raises the errors of
    `to_onnx`, and a ValueError if the loss does not define probabilities.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

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
    skl2onnx = imported("skl2onnx", "skl2onnx")
    shapes = imported("skl2onnx.common.shape_calculator", "skl2onnx")
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
    """Add the operators of a classifier to a conversion by skl2onnx."""
    data_types = imported("skl2onnx.common.data_types", "skl2onnx")
    float_type = data_types.guess_proto_type(data_types.FloatTensorType())
    classifier = snapshot_of(operator.raw_operator)
    if not has_softmax(classifier):
        raise ValueError(
            "loss must define probabilities that skl2onnx can convert; got "
            f"{classifier._loss!r}. cymlp.export.to_onnx gives scores instead"
        )
    arrays, nodes = _graph_parts(classifier)
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


def _graph_parts(classifier):
    """Arrays by name, and nodes as (operator, inputs, output, attributes)."""
    activations, layers = parts_of(classifier)
    arrays = {"classes": _labels(classifier.classes_)}
    nodes, source = [], "X"
    if classifier.bounds_ is not None:
        lower, upper = bounds_of(classifier)
        arrays |= {"lower": lower, "upper": upper}
        nodes += [
            ("Max", ["X", "lower"], "X_bounded_below", {}),
            ("Min", ["X_bounded_below", "upper"], "X_bounded", {}),
        ]
        source = "X_bounded"
    layers = as_float32(without_scaling(classifier, layers))
    for i, (W, b) in enumerate(layers):
        arrays |= {f"coefs_{i}": W, f"intercepts_{i}": b}
        sums = "scores" if i == len(activations) else f"sums_{i}"
        nodes.append(("Gemm", [source, f"coefs_{i}", f"intercepts_{i}"], sums, {}))
        if i < len(activations):
            source = f"hidden_{i}"
            more_arrays, more_nodes = _activation_parts(activations[i], i, sums, source)
            arrays |= more_arrays
            nodes += more_nodes
    nodes += [
        ("ArgMax", ["scores"], "index", {"axis": 1, "keepdims": 0}),
        ("Gather", ["classes", "index"], "label", {}),
    ]
    if has_softmax(classifier):
        nodes.append(("Softmax", ["scores"], "probabilities", {"axis": 1}))
    return arrays, nodes


def _activation_parts(activation, i, sums, output):
    """Arrays and nodes of the activation of layer i, as from `_graph_parts`."""
    arrays, nodes = {}, []
    names = {"u": sums, "a": output}

    def name_of(value):
        if isinstance(value, float):
            name = f"constant_{value!r}"
            arrays[name] = np.array([value], np.float32)
            return name
        return names.get(value, f"{value}_{i}")

    for operator, inputs, result, attributes in activation.onnx_nodes:
        inputs = [name_of(value) for value in inputs]
        nodes.append((operator, inputs, name_of(result), attributes))
    return arrays, nodes


def _labels(classes):
    """Labels in one of the few types that all runtimes support."""
    name = class_dtype(classes)
    for label in classes.tolist():
        try:
            str(label).encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"classes_ must be text that UTF-8 can encode, for ONNX; got {label!r}"
            ) from error
    if name.startswith(("int", "uint")) and name != "uint64":
        return classes.astype(np.int64)
    return classes.astype(object) if name == "str" else classes
