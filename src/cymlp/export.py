"""A fitted classifier as a file for elsewhere.

All that a file has to hold are weights, biases, the names of activations and loss, and
labels. What a user has written in Python cannot go along, and is refused.
"""

import json
import re
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from cymlp import activations, losses
from cymlp.classifier import MLPClassifier


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
    layers = _as_float32(layers)
    Path(file).write_text(
        _c_source(classifier, names, layers, prefix), "ascii", newline="\n"
    )


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
