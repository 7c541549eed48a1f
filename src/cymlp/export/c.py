"""Export to C99."""

import json
import re

from cymlp._files import write_file
from cymlp._fit.target_scaling import has_log_link
from cymlp.export.parts import (
    as_float32,
    as_path,
    bounds_of,
    has_probabilities,
    parts_of,
    snapshot_of,
    without_scaling,
)


def to_c(estimator, file, prefix=""):
    """Write a fitted network as C99, for example for a microcontroller.

    The file requires nothing but ``<math.h>`` and allocates no memory. Its stack holds
    two arrays of the width of the widest hidden layer. All computations are in float32.
    For a classifier, the file defines these functions::

        void predict_scores(const float *x, float *scores);
        void predict_probabilities(const float *x, float *probabilities);
        int predict_class(const float *x);

    The array x has the features of one sample. `predict_class` returns an index into
    `classes_`, and a comment in the file lists the labels. If samples have several
    labels, it is replaced by `predict_labels`, which writes 0 or 1 for each of them.
    `predict_probabilities` is defined only if the loss is one of cymlp's and defines
    probabilities. For a regressor, there is only `predict`, in the units of y::

        void predict_labels(const float *x, int *labels);
        void predict(const float *x, float *y);

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted network, without user-defined activations.
    file : str or path-like
        File to write. An existing file is replaced once the new one is complete.
    prefix : str, default=""
        Prefix for the names of all functions and constants: empty, or a C identifier
        that begins with a letter.

    Raises
    ------
    NotFittedError
        If `estimator` is not fitted.
    OSError
        If the file cannot be written.
    TypeError
        If an argument has the wrong type.
    ValueError
        If `prefix` is not a C identifier, an activation is user-defined, or the weights
        have inconsistent shapes or values that are not finite in float32.

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
    estimator = snapshot_of(estimator)
    activations, layers = parts_of(estimator)
    layers = as_float32(without_scaling(estimator, layers))
    source = _source(estimator, activations, layers, prefix)
    write_file(as_path(file), source.encode("ascii"))


def _check_prefix(prefix):
    if not isinstance(prefix, str):
        raise TypeError(f"prefix must be a string; got {prefix!r}")
    # C reserves names that begin with an underscore.
    if prefix and not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", prefix):
        raise ValueError(
            "prefix must be empty or a C identifier: a letter, followed by letters "
            f"without accents, digits and underscores; got {prefix!r}"
        )


ACTIVATION = """
static void {prefix}{function}(float *a, int n)
{{
    for (int i = 0; i < n; i++) {{
        const float u = a[i];
        a[i] = {formula};
    }}
}}
"""

DENSE = """
/* out = x W + b, W being stored row by row{note}. */
static void {prefix}{name}(const float *x, int n_in, const float *W,
    const float *b, int n_out, float *out)
{{
    for (int j = 0; j < n_out; j++)
        out[j] = b[j];
    for (int i = 0; i < n_in; i++) {{
        const float value = {value};
        for (int j = 0; j < n_out; j++)
            out[j] += value * W[i * n_out + j];
    }}
}}
"""

SOFTMAX = """
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

CLASS = """
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

LOGISTIC = """
void {prefix}predict_probabilities(const float *x, float *probabilities)
{{
    {prefix}predict_scores(x, probabilities);
    for (int k = 0; k < {prefix}N_LABELS; k++)
        probabilities[k] = 1.0f / (1.0f + expf(-probabilities[k]));
}}
"""

LABELS = """
void {prefix}predict_labels(const float *x, int *labels)
{{
    float scores[{prefix}N_LABELS];
    {prefix}predict_scores(x, scores);
    for (int k = 0; k < {prefix}N_LABELS; k++)
        labels[k] = scores[k] > 0.0f;
}}
"""

EXPONENTIAL = """
void {prefix}predict(const float *x, float *y)
{{
    {prefix}predict_scores(x, y);
    for (int k = 0; k < {prefix}N_OUTPUTS; k++)
        y[k] = expf(y[k]);
}}
"""

CONSTANTS = {"classes": "N_CLASSES", "labels": "N_LABELS", "values": "N_OUTPUTS"}


def _source(estimator, activations, layers, prefix):
    constant = prefix + CONSTANTS[estimator._target_kind]
    names = _function_names(activations)
    functions = _functions(
        estimator, [names[a.c_formula] for a in activations], layers, prefix, constant
    )
    parts = [
        _head(estimator, layers, prefix, constant, functions),
        *(_array(f"{prefix}W{i}", W) for i, (W, _) in enumerate(layers, 1)),
        *(_array(f"{prefix}b{i}", b) for i, (_, b) in enumerate(layers, 1)),
        _dense(estimator, layers, prefix),
        *(
            ACTIVATION.format(prefix=prefix, function=function, formula=formula)
            for formula, function in names.items()
        ),
        *functions,
    ]
    return "".join(parts)


def _dense(estimator, layers, prefix):
    """The functions for layers, and the bounds of the first if X has bounds."""
    parts = []
    if estimator.bounds_ is not None:
        names = [f"{prefix}lower", f"{prefix}upper"]
        parts += map(_array, names, bounds_of(estimator))
        value = "fminf(fmaxf(x[i], {}[i]), {}[i])".format(*names)
        note = ", with x clipped"
        parts.append(
            DENSE.format(prefix=prefix, name="first_layer", note=note, value=value)
        )
    if estimator.bounds_ is None or len(layers) > 1:
        parts.append(DENSE.format(prefix=prefix, name="dense", note="", value="x[i]"))
    return "".join(parts)


def _functions(estimator, activations, layers, prefix, constant):
    """The function for the scores, and those that call it."""
    name, callers = "void {prefix}predict_scores", []
    if estimator._target_kind == "values":
        if has_log_link(estimator):
            name, callers = "static void {prefix}predict_scores", [EXPONENTIAL]
        else:
            name = "void {prefix}predict"
    elif estimator._target_kind == "labels":
        callers = [LOGISTIC, LABELS]
    else:
        callers = [SOFTMAX, CLASS]
    if estimator._target_kind != "values" and not has_probabilities(estimator):
        callers = callers[1:]
    first = "dense" if estimator.bounds_ is None else "first_layer"
    scores = _scores(name, first, activations, layers, prefix, constant)
    return [scores, *(caller.format(prefix=prefix) for caller in callers)]


def _head(estimator, layers, prefix, constant, functions):
    sizes = [estimator.n_features_in_, *(b.size for _, b in layers)]
    labels = ""
    if estimator._target_kind == "classes":
        labels = "\n   Labels of the classes:" + "".join(
            f"\n     {index}: {_comment(label)}"
            for index, label in enumerate(estimator.classes_.tolist())
        )
    public = [function.strip().splitlines()[0] for function in functions]
    declarations = "".join(
        f"{line};\n" for line in public if not line.startswith("static")
    )
    return (
        f"/* A network of {'-'.join(map(str, sizes))} units, exported by "
        f"cymlp.{labels} */\n\n"
        "#include <math.h>\n\n"
        f"enum {{ {prefix}N_FEATURES = {sizes[0]}, {constant} = {sizes[-1]} }};\n\n"
        f"{declarations}"
    )


def _comment(label):
    """A label as JSON, safe within a C comment."""
    return json.dumps(label, default=str).replace("*", r"\u002a")


def _array(name, array):
    values = [_float(value) for value in array.ravel().tolist()]
    lines = [", ".join(values[i : i + 5]) for i in range(0, len(values), 5)]
    body = ",\n    ".join(lines)
    return f"\nstatic const float {name}[{array.size}] = {{\n    {body}\n}};\n"


def _float(value):
    """A C literal that represents exactly this float32."""
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _function_names(activations):
    """A function for each formula, named after the first layer that applies it."""
    names = {}
    for i, activation in enumerate(activations, 1):
        names.setdefault(activation.c_formula, f"apply_{activation.name}_{i}")
    return names


def _scores(name, layer, activations, layers, prefix, constant):
    widths = [b.size for _, b in layers[:-1]]
    lines, source, n_in = [], "x", f"{prefix}N_FEATURES"
    for i, (activation, width) in enumerate(zip(activations, widths, strict=True), 1):
        target = "ab"[i % 2 == 0]
        lines += [
            f"{prefix}{layer}({source}, {n_in}, {prefix}W{i}, {prefix}b{i}, "
            f"{width}, {target});",
            f"{prefix}{activation}({target}, {width});",
        ]
        source, n_in, layer = target, width, "dense"
    i = len(layers)
    lines.append(
        f"{prefix}{layer}({source}, {n_in}, {prefix}W{i}, {prefix}b{i}, {constant}, "
        "scores);"
    )
    arrays = [f"{name}[{max(widths)}]" for name in "ab"[: len(widths)]]
    if arrays:
        lines.insert(0, f"float {', '.join(arrays)};")
    body = "\n    ".join(lines)
    return (
        f"\n{name.format(prefix=prefix)}(const float *x, float *scores)\n"
        f"{{\n    {body}\n}}\n"
    )
