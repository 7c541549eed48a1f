"""Export to ONNX."""

import numpy as np

from cymlp._fit.target_scaling import has_log_link
from cymlp.classifier import MLPClassifier
from cymlp.export.parts import (
    as_float32,
    bounds_of,
    class_dtype,
    has_probabilities,
    imported,
    parts_of,
    snapshot_of,
    without_scaling,
)
from cymlp.regressor import MLPRegressor

INT64 = 7  # onnx.TensorProto.INT64, for which onnx need not be imported


def to_onnx(estimator):
    """Convert a fitted network to an ONNX model.

    The input `X` of the model has shape (n_samples, n_features). It is float32, like
    all computations. The outputs are named as by skl2onnx. For a classifier, they are
    `label`, of shape (n_samples,), and `probabilities`, of shape (n_samples,
    n_classes). If the loss is user-defined or does not define probabilities, the output
    `scores` replaces `probabilities`. For several labels per sample, `label` has 0 and
    1 as int64, of shape (n_samples, n_labels). For a regressor, the output is
    `variable`, of shape (n_samples, n_outputs), in the units of y. The model uses
    version 14 of the ONNX operator set. Requires onnx: ``pip install cymlp[onnx]``.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted network, without user-defined activations. The labels must be numbers,
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
        If `estimator` is not fitted.
    TypeError
        If `estimator` is not an MLPClassifier or MLPRegressor.
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
    float_type = onnx.TensorProto.FLOAT
    estimator = snapshot_of(estimator)
    arrays, nodes, outputs = _graph_parts(estimator)
    initializers = {
        name: onnx.numpy_helper.from_array(array, name)
        for name, array in arrays.items()
    }
    types = {"float": float_type, "int": onnx.TensorProto.INT64}
    if "classes" in initializers:
        types["class"] = initializers["classes"].data_type

    def value(name, kind, *shape):
        return onnx.helper.make_tensor_value_info(
            name, types[kind], ["n_samples", *shape]
        )

    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node(operator, inputs, [output], **attributes)
            for operator, inputs, output, attributes in nodes
        ],
        "cymlp",
        [value("X", "float", estimator.n_features_in_)],
        [value(*output) for output in outputs],
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
    """Let skl2onnx convert networks, alone or at the end of a pipeline.

    The outputs follow the conventions and options of skl2onnx, and numeric labels are
    int64. Classifiers of several labels per sample are not supported. Requires
    skl2onnx: ``pip install skl2onnx``. Networks with "hardswish" require a
    ``target_opset`` of 14 or later. The conversion raises the errors of `to_onnx`, and
    a ValueError if the loss does not define probabilities.

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
    skl2onnx.update_registered_converter(
        MLPRegressor,
        "CymlpMLPRegressor",
        shapes.calculate_linear_regressor_output_shapes,
        _convert,
    )


def _convert(scope, operator, container):
    """Add the operators of a network to a conversion by skl2onnx."""
    data_types = imported("skl2onnx.common.data_types", "skl2onnx")
    float_type = data_types.guess_proto_type(data_types.FloatTensorType())
    estimator = snapshot_of(operator.raw_operator)
    if estimator._target_kind == "labels":
        raise ValueError(
            "skl2onnx cannot convert a classifier of several labels per sample; use "
            "cymlp.export.to_onnx"
        )
    if estimator._target_kind == "classes" and not has_probabilities(estimator):
        raise ValueError(
            "loss must define probabilities that skl2onnx can convert; got "
            f"{estimator._loss!r}. cymlp.export.to_onnx gives scores instead"
        )
    arrays, nodes, outputs = _graph_parts(estimator)
    names = {
        name: scope.get_unique_variable_name(name)
        for name in ("X", *arrays, *(output for _, _, output, _ in nodes))
    }
    for name, array in arrays.items():
        array_type = data_types.guess_data_type(array)[0][1]
        # Some releases of onnx take text as bytes only.
        values = [text.encode() for text in array] if array.dtype == object else array
        container.add_initializer(
            names[name], data_types.guess_proto_type(array_type), array.shape, values
        )
    container.add_node(
        "Cast", [operator.inputs[0].full_name], [names["X"]], to=float_type
    )
    for kind, inputs, output, attributes in nodes:
        container.add_node(
            kind, [names[name] for name in inputs], [names[output]], **attributes
        )
    for (name, *_), output in zip(outputs, operator.outputs, strict=True):
        container.add_node(
            "Cast",
            [names[name]],
            [output.full_name],
            to=data_types.guess_proto_type(output.type),
        )


def _graph_parts(estimator):
    """Arrays by name, nodes and outputs.

    Nodes are (operator, inputs, output, attributes), outputs (name, type, *shape)
    without the number of samples.
    """
    activations, layers = parts_of(estimator)
    arrays, nodes, source = {}, [], "X"
    if estimator.bounds_ is not None:
        lower, upper = bounds_of(estimator)
        arrays |= {"lower": lower, "upper": upper}
        nodes += [
            ("Max", ["X", "lower"], "X_bounded_below", {}),
            ("Min", ["X_bounded_below", "upper"], "X_bounded", {}),
        ]
        source = "X_bounded"
    layers = as_float32(without_scaling(estimator, layers))
    for i, (W, b) in enumerate(layers):
        arrays |= {f"coefs_{i}": W, f"intercepts_{i}": b}
        sums = "scores" if i == len(activations) else f"sums_{i}"
        nodes.append(("Gemm", [source, f"coefs_{i}", f"intercepts_{i}"], sums, {}))
        if i < len(activations):
            source = f"hidden_{i}"
            more_arrays, more_nodes = _activation_parts(activations[i], i, sums, source)
            arrays |= more_arrays
            nodes += more_nodes
    head = {"classes": _of_classes, "labels": _of_labels, "values": _of_values}
    more_arrays, more_nodes, outputs = head[estimator._target_kind](estimator)
    return arrays | more_arrays, nodes + more_nodes, outputs


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


def _of_classes(estimator):
    """The arrays, nodes and outputs that follow the scores of classes."""
    nodes = [
        ("ArgMax", ["scores"], "index", {"axis": 1, "keepdims": 0}),
        ("Gather", ["classes", "index"], "label", {}),
    ]
    values = "scores"
    if has_probabilities(estimator):
        values = "probabilities"
        nodes.append(("Softmax", ["scores"], values, {"axis": 1}))
    outputs = [("label", "class"), (values, "float", estimator.n_outputs_)]
    return {"classes": _labels(estimator.classes_)}, nodes, outputs


def _of_labels(estimator):
    """The arrays, nodes and outputs that follow the scores of labels."""
    nodes = [
        ("Greater", ["scores", "zero"], "is_present", {}),
        ("Cast", ["is_present"], "label", {"to": INT64}),
    ]
    values = "scores"
    if has_probabilities(estimator):
        values = "probabilities"
        nodes.append(("Sigmoid", ["scores"], values, {}))
    n_labels = estimator.n_outputs_
    outputs = [("label", "int", n_labels), (values, "float", n_labels)]
    return {"zero": np.zeros(1, np.float32)}, nodes, outputs


def _of_values(estimator):
    """The node and the output that follow the scores of values."""
    operator = "Exp" if has_log_link(estimator) else "Identity"
    nodes = [(operator, ["scores"], "variable", {})]
    return {}, nodes, [("variable", "float", estimator.n_outputs_)]


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
