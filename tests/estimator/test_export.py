"""Networks that leave as C or as a model file."""

import ctypes
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from exports import (
    ACTIVATIONS,
    HIDDEN,
    LABEL_LOSSES,
    LABELS,
    LOSSES,
    REFUSED,
    SCALES,
    VALUE_LOSSES,
    Gamma,
    SquaredError,
    assert_close_to_scale,
    assert_refused,
    fitted,
    fitted_regressor,
    indicator,
    rewrite,
    values,
)
from safetensors.numpy import save

from cymlp import activations, export
from cymlp.activations import LeakyRelu
from cymlp.export import model_file
from cymlp.losses import Focal

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Compiled:
    """The functions of an exported file, called for each row of X."""

    def __init__(self, clf, folder, prefix=""):
        if COMPILER is None:
            pytest.skip("there is no C compiler")
        source, library = folder / "model.c", folder / "model.so"
        export.to_c(clf, source, prefix=prefix)
        self.text = source.read_text("ascii")
        subprocess.run(
            [COMPILER, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
             "-Wdouble-promotion", "-Wmissing-prototypes", "-Werror", "-shared",
             "-fPIC", "-o", library, source, "-lm"],
            check=True,
        )  # fmt: skip
        self.library, self.prefix = ctypes.CDLL(str(library)), prefix
        self.n_classes = clf.n_outputs_

    def _rows(self, name, X):
        function = self.library[self.prefix + name]
        X = np.ascontiguousarray(X, np.float32)
        out = np.empty((len(X), self.n_classes), np.float32)
        for x, row in zip(X, out, strict=True):
            function(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(row.ctypes.data))
        return out

    def scores(self, X):
        return self._rows("predict_scores", X)

    def probabilities(self, X):
        return self._rows("predict_probabilities", X)

    def predictions(self, X):
        return self._rows("predict", X)

    def labels(self, X):
        function = self.library[f"{self.prefix}predict_labels"]
        X = np.ascontiguousarray(X, np.float32)
        out = np.full((len(X), self.n_classes), -1, np.intc)
        for x, row in zip(X, out, strict=True):
            function(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(row.ctypes.data))
        return out

    def classes(self, X):
        function = self.library[f"{self.prefix}predict_class"]
        X = np.ascontiguousarray(X, np.float32)
        return [function(ctypes.c_void_p(x.ctypes.data)) for x in X]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_c_computes_what_the_classifier_does(three_classes, tmp_path, hidden, dtype):
    X, y = three_classes
    clf = fitted(X, y, *HIDDEN[hidden], dtype=dtype)
    compiled = Compiled(clf, tmp_path)
    X = np.concatenate([X, 4 * X])
    np.testing.assert_allclose(
        compiled.scores(X), clf.decision_function(X), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        compiled.probabilities(X), clf.predict_proba(X), rtol=0, atol=1e-5
    )
    assert clf.classes_[compiled.classes(X)].tolist() == clf.predict(X).tolist()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_c_has_the_same_activations_up_to_infinity(three_classes, tmp_path, name):
    X, y = three_classes
    clf = fitted(X[:, :1], y, (1,), name, loss="hinge", scale=None)
    clf.coefs_ = [np.ones((1, 1)), np.ones((1, 3))]
    clf.intercepts_ = [np.zeros(1), np.zeros(3)]
    ends = [20, 50, 100, 150, 1e4, 1e30, np.inf]
    u = np.float32([*np.linspace(-10, 10, 2001), *np.negative(ends), *ends])
    expected = activations.ACTIVATIONS[name]().value(u)
    scores = Compiled(clf, tmp_path).scores(u[:, np.newaxis])
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_c_scales(three_classes, tmp_path, scale):
    X, y = three_classes
    clf = fitted(X, y, scale=scale)
    np.testing.assert_allclose(
        Compiled(clf, tmp_path).scores(X),
        clf.decision_function(X),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_c_has_probabilities_where_the_loss_has(three_classes, tmp_path, loss):
    clf = fitted(*three_classes, loss=loss)
    compiled = Compiled(clf, tmp_path)
    assert hasattr(clf, "predict_proba") == ("predict_probabilities" in compiled.text)


@pytest.mark.parametrize("loss", LABEL_LOSSES, ids=str)
def test_c_has_several_labels(three_classes, tmp_path, loss):
    X, y = three_classes
    clf = fitted(X, indicator(y), loss=loss, scale="standard")
    compiled = Compiled(clf, tmp_path, prefix="some_")
    X = np.concatenate([X, 40 * X])
    np.testing.assert_allclose(
        compiled.scores(X), clf.decision_function(X), rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        compiled.probabilities(X), clf.predict_proba(X), rtol=0, atol=1e-5
    )
    np.testing.assert_array_equal(compiled.labels(X), clf.predict(X))
    assert "some_N_LABELS = 3" in compiled.text
    assert "Labels of the classes" not in compiled.text


def test_c_leaves_out_probabilities_of_labels_that_a_users_loss_computes(
    three_classes, tmp_path
):
    X, y = three_classes
    clf = fitted(X, indicator(y), loss=SquaredError())
    compiled = Compiled(clf, tmp_path)
    assert "predict_probabilities" not in compiled.text
    np.testing.assert_array_equal(compiled.labels(X), clf.predict(X))


@pytest.mark.parametrize("target_scale", ["standard", None])
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("loss", [*VALUE_LOSSES, Gamma()], ids=str)
def test_c_predicts_values(three_classes, tmp_path, loss, hidden, target_scale):
    X, _ = three_classes
    Y = values(X) if target_scale else values(X) / 100
    reg = fitted_regressor(
        X, Y, *HIDDEN[hidden], loss=loss, scale="standard", target_scale=target_scale
    )
    compiled = Compiled(reg, tmp_path, prefix="my_")
    assert_close_to_scale(compiled.predictions(X), reg.predict(X), Y)
    assert "my_N_OUTPUTS = 2" in compiled.text
    declared = re.findall(r"^void \w+|^int \w+", compiled.text, re.MULTILINE)
    assert set(declared) == {"void my_predict"}


def test_c_leaves_out_probabilities_that_a_users_loss_computes(three_classes, tmp_path):
    X, y = three_classes
    clf = fitted(X, y, loss=SquaredError())
    compiled = Compiled(clf, tmp_path)
    assert "predict_probabilities" not in compiled.text
    np.testing.assert_allclose(compiled.scores(X), clf.decision_function(X), atol=1e-5)


def test_c_knows_two_classes_and_a_prefix(three_classes, tmp_path):
    X, y = three_classes
    clf = fitted(X, y == 1)
    compiled = Compiled(clf, tmp_path, prefix="first_")
    scores = compiled.scores(X)
    np.testing.assert_allclose(
        scores[:, 1] - scores[:, 0], clf.decision_function(X), atol=1e-5
    )
    assert (np.array(compiled.classes(X)) == clf.predict(X)).all()


def test_two_c_files_with_prefixes_fit_in_one(three_classes, tmp_path):
    if COMPILER is None:
        pytest.skip("there is no C compiler")
    clf = fitted(*three_classes)
    for prefix in ("a_", "b_"):
        export.to_c(clf, tmp_path / f"{prefix}.c", prefix=prefix)
    both = tmp_path / "both.c"
    both.write_text('#include "a_.c"\n#include "b_.c"\n')
    subprocess.run(
        [COMPILER, "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", both,
         "-o", tmp_path / "both.o"],
        check=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "labels", [["*/ int", "/* a", 'q"\n??/\\'], [0.0, 1.0, 20.0], ["ä", "€", "\ud800"]]
)
def test_labels_are_in_a_comment_and_stay_there(three_classes, tmp_path, labels):
    X, y = three_classes
    clf = fitted(X, np.array(labels, dtype=object if "ä" in labels else None)[y])
    text = Compiled(clf, tmp_path).text
    comment = text[: text.index("*/")]
    shown = re.findall(r"^     \d: (.*?)(?: $|$)", comment, re.MULTILINE)
    assert [json.loads(label) for label in shown] == clf.classes_.tolist()


def test_c_keeps_extreme_weights_to_the_last_bit(three_classes, tmp_path):
    clf = fitted(*three_classes, hidden=(), scale=None)
    numbers = np.finfo(np.float32)
    extreme = [numbers.max, -numbers.max, numbers.tiny, numbers.smallest_subnormal,
               1.0, -0.0, 1 / 3, 1e7, 16777217 / 3]  # fmt: skip
    clf.coefs_[0].flat[: len(extreme)] = extreme
    export.to_c(clf, tmp_path / "model.c")
    text = (tmp_path / "model.c").read_text()
    array = re.search(r"W1\[18\] = \{(.*?)\}", text, re.DOTALL)[1]
    written = np.float32([number.strip(" \nf") for number in array.split(",")])
    assert written.tobytes() == clf.coefs_[0].tobytes()
    Compiled(clf, tmp_path)


@pytest.mark.parametrize("prefix", ["1a", "a-b", "_a", "é", "a b", "a;"])
def test_a_prefix_that_is_no_identifier_is_refused(three_classes, tmp_path, prefix):
    with pytest.raises(ValueError, match=f"prefix must be .*{prefix}"):
        export.to_c(fitted(*three_classes), tmp_path / "model.c", prefix=prefix)
    assert not list(tmp_path.iterdir())


def test_a_prefix_that_is_no_string_is_refused(three_classes, tmp_path):
    with pytest.raises(TypeError, match="prefix must be a string; got None"):
        export.to_c(fitted(*three_classes), tmp_path / "model.c", prefix=None)


@pytest.mark.parametrize("write", [export.to_c, export.save])
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(three_classes, tmp_path, write, case):
    assert_refused(lambda clf: write(clf, tmp_path / "model"), case, *three_classes)
    assert not list(tmp_path.iterdir())


def test_c_refuses_weights_too_large_for_float32(three_classes, tmp_path):
    clf = fitted(*three_classes, dtype="float64")
    clf.coefs_[0][0, 0] = 1e39
    with pytest.raises(ValueError, match="too large for float32"):
        export.to_c(clf, tmp_path / "model.c")


def saved_and_loaded(clf, folder):
    export.save(clf, folder / "model")
    return export.load(folder / "model")


def assert_same_predictions(clf, other, X):
    methods = ["predict", "decision_function"]
    if hasattr(clf, "predict_proba"):
        methods += ["predict_proba", "predict_log_proba"]
    assert hasattr(clf, "predict_proba") == hasattr(other, "predict_proba")
    for method in methods:
        ours, theirs = getattr(clf, method)(X), getattr(other, method)(X)
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_is_loaded_predicts_the_same_bits(three_classes, tmp_path, hidden, dtype):
    X, y = three_classes
    clf = fitted(X, y, *HIDDEN[hidden], dtype=dtype)
    assert_same_predictions(clf, saved_and_loaded(clf, tmp_path), X)


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_what_is_loaded_scales(three_classes, tmp_path, scale):
    X, y = three_classes
    clf = fitted(X, y, scale=scale)
    loaded = saved_and_loaded(clf, tmp_path)
    assert_same_predictions(clf, loaded, X)
    loaded.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.shift_, clf.shift_)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_what_is_loaded_has_the_loss(three_classes, tmp_path, loss):
    X, y = three_classes
    clf = fitted(X, y, loss=loss)
    loaded = saved_and_loaded(clf, tmp_path)
    assert_same_predictions(clf, loaded, X)
    assert str(loaded._loss) == str(clf._loss)
    assert str(loaded.loss) == str(clf.loss)


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: str(labels.dtype))
def test_what_is_loaded_has_the_labels(three_classes, tmp_path, labels):
    X, y = three_classes
    clf = fitted(X, labels[y])
    loaded = saved_and_loaded(clf, tmp_path)
    assert loaded.classes_.dtype == clf.classes_.dtype
    assert loaded.predict(X).tolist() == clf.predict(X).tolist()


def test_what_is_loaded_has_all_public_attributes_but_those_of_training(
    three_classes, tmp_path
):
    X, y = three_classes
    X = pd.DataFrame(X, columns=list("abcdef"))
    clf = fitted(X, y)
    loaded = saved_and_loaded(clf, tmp_path)
    missing = {name for name in vars(clf) if name not in vars(loaded)}
    assert missing == {"loss_", "n_iter_"}
    assert not hasattr(loaded, "loss_curve_")
    assert loaded.history_.n_epochs == 0
    assert loaded.feature_names_in_.tolist() == list("abcdef")
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(clf, name)
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict(X[list("fedcba")])


def test_what_is_loaded_has_the_parameters(three_classes, tmp_path):
    X, y = three_classes
    clf = fitted(
        X, y, np.array([4, 3]), (activations.Selu(), "tanh"), Focal(alpha=[1, 2, 3]),
        dtype=np.float64, class_weight={0: 2.0, 1: 0.5}, dropout=[0.0, 0.1],
        learning_rate_init=np.float64(0.1),
    )  # fmt: skip
    loaded = saved_and_loaded(clf, tmp_path).get_params(deep=False)
    expected = clf.get_params(deep=False)
    changed = {"hidden_layer_sizes": [4, 3], "dtype": "float64"}
    for name, value in (expected | changed).items():
        assert str(loaded[name]) == str(value), name


def test_the_network_as_it_was_fitted_is_saved_not_later_parameters(
    three_classes, tmp_path
):
    X, y = three_classes
    clf = fitted(X, y, activation=LeakyRelu(negative_slope=0.5))
    before = clf.decision_function(X)
    clf.set_params(activation__negative_slope=0.1, loss="hinge")
    np.testing.assert_array_equal(clf.decision_function(X), before)
    loaded = saved_and_loaded(clf, tmp_path)
    assert_same_predictions(clf, loaded, X)
    assert loaded.activation.negative_slope == 0.1
    assert loaded.loss == "hinge"


@pytest.mark.parametrize("loss", LABEL_LOSSES, ids=str)
def test_what_is_loaded_has_several_labels(three_classes, tmp_path, loss):
    X, y = three_classes
    clf = fitted(X, indicator(y), loss=loss, class_weight=[{1: 2.0}, {}, {0: 0.5}])
    loaded = saved_and_loaded(clf, tmp_path)
    assert_same_predictions(clf, loaded, X)
    assert loaded.predict(X).shape == (120, 3)
    assert loaded.out_activation_ == "logistic"
    assert str(loaded._loss) == str(clf._loss)
    assert str(loaded.get_params()) == str(clf.get_params())
    loaded.partial_fit(X, indicator(y))
    with pytest.raises(ValueError, match="y must have several labels per sample"):
        loaded.partial_fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target_scale", ["standard", None, (0, 3)])
@pytest.mark.parametrize("loss", VALUE_LOSSES, ids=str)
def test_what_is_loaded_predicts_the_same_values(
    three_classes, tmp_path, loss, target_scale, dtype
):
    X, _ = three_classes
    Y = values(X) / 100
    reg = fitted_regressor(X, Y, loss=loss, target_scale=target_scale, dtype=dtype)
    loaded = saved_and_loaded(reg, tmp_path)
    assert loaded.predict(X).tobytes() == reg.predict(X).tobytes()
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(reg, name)
    np.testing.assert_array_equal(loaded.target_shift_, reg.target_shift_)
    np.testing.assert_array_equal(loaded.target_divisor_, reg.target_divisor_)
    assert not hasattr(loaded, "classes_")
    loaded.partial_fit(X, Y)
    np.testing.assert_array_equal(loaded.target_divisor_, reg.target_divisor_)


def test_a_model_file_of_a_regressor_with_another_scale_is_refused(
    three_classes, tmp_path
):
    X, _ = three_classes
    reg = fitted_regressor(X, values(X))
    reg.target_divisor_ = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"'target_scale' parameter.*the 2 outputs"):
        export.save(reg, tmp_path / "model")


def test_training_goes_on_from_what_is_loaded(three_classes, tmp_path):
    X, y = three_classes
    loaded = saved_and_loaded(fitted(X, y), tmp_path)
    before = loaded.decision_function(X)
    loaded.partial_fit(X, y)
    assert loaded.history_.n_epochs == 1
    step = np.abs(loaded.decision_function(X) - before).max()
    assert 0 < step < np.abs(before).max()


def test_the_same_classifier_makes_the_same_file(three_classes, tmp_path):
    for name in "ab":
        export.save(fitted(*three_classes), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("loss", SquaredError()),
        ("learning_rate", lambda epoch: 0.1),
        ("random_state", np.random.RandomState(0)),
    ],
)
def test_what_only_python_knows_is_not_saved(three_classes, tmp_path, parameter, value):
    clf = fitted(*three_classes).set_params(**{parameter: value})
    with pytest.raises(ValueError, match=f"{parameter}=.* cannot be saved"):
        export.save(clf, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_an_invalid_parameter_is_not_saved(three_classes, tmp_path):
    clf = fitted(*three_classes).set_params(momentum=2)
    with pytest.raises(ValueError, match="'momentum' parameter"):
        export.save(clf, tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_refused(three_classes, tmp_path):
    export.save(fitted(*three_classes), tmp_path / "model")
    whole = (tmp_path / "model").read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 97)]
    damaged += [whole + b"0", b"\xff" * 100, b"\x80\x04N."]
    for position in range(0, len(whole), 41):
        flipped = bytes([whole[position] ^ 4])
        damaged.append(whole[:position] + flipped + whole[position + 1 :])
    for content in damaged:
        (tmp_path / "damaged").write_bytes(content)
        with pytest.raises(ValueError, match="damaged' is not a model file of cymlp"):
            export.load(tmp_path / "damaged")


def change_parameter(name, value):
    return lambda model, tensors: model["parameters"].update({name: value})


def change(name, value):
    return lambda model, tensors: model.update({name: value})


def change_tensor(name, tensor):
    return lambda model, tensors: tensors.update({name: tensor})


NAN = np.full((6, 7), np.nan, np.float32)
DEEP = json.loads("[" * 900 + "]" * 900)
TANH = {"object": "tanh", "parameters": {}}
HOSTILE = {
    "newer format": (
        lambda model, tensors: model.update(format=4, version="9.8"),
        "its format must be 3; got 4, written by cymlp '9.8'",
    ),
    "version": (change("version", 1), "its version must be a str; got 1"),
    "training": (change("training", 1), "its training must have the keys"),
    "training without its keys": (
        lambda model, tensors: tensors.update({"training.parameters": NAN}),
        "it lacks the training of",
    ),
    "other estimator": (change("estimator", "SVC"), "its estimator must be one of"),
    "regressor": (change("estimator", "MLPRegressor"), "unexpected keyword argument"),
    "targets of no kind": (change("target_kind", "x"), "target_kind must be one of"),
    "loss for other targets": (change("target_kind", "labels"), "its loss must be one"),
    "several labels with names": (
        lambda model, tensors: model.update(
            target_kind="labels",
            loss={"object": "binary_focal", "parameters": {}},
            class_dtype="str",
            classes=["a", "b", "c"],
        ),
        "must be 0, 1, ... for several labels",
    ),
    "unknown key": (change("code", "1"), "it must have the keys"),
    "missing key": (lambda model, tensors: model.pop("loss"), "must have the keys"),
    "unknown parameter": (change_parameter("code", 1), "unexpected keyword.*code=1"),
    "invalid parameter": (change_parameter("tol", -1), "'tol' parameter"),
    "long parameter": (change_parameter("monitor", "x" * 10**6), "'monitor' parameter"),
    "invalid dtype": (change_parameter("dtype", "object"), "'dtype' parameter"),
    "parameter of no kind": (change_parameter("tol", {"call": "f"}), "unknown type"),
    "parameter of two kinds": (
        change_parameter("tol", {"float": "inf", "tuple": []}), "unknown type",
    ),
    "key that is a list": (
        change_parameter("class_weight", {"dict": [[[0], 1]]}), "unhashable",
    ),
    "parameters no dict": (change("parameters", [1]), "no attribute 'items'"),
    "activation for a loss": (
        change("loss", {"object": "tanh", "parameters": {}}), "its loss must be one of",
    ),
    "unknown loss": (change("loss", {"object": "mse", "parameters": {}}), "mse"),
    "loss with an invalid parameter": (
        change("loss", {"object": "focal", "parameters": {"gamma": -1}}), "'gamma'",
    ),
    "loss for other classes": (
        change("loss", {"object": "focal", "parameters": {"alpha": [1.0, 2.0]}}),
        "each of the 3 classes",
    ),
    "unknown activation": (
        change("activations", [{"object": "exp", "parameters": {}}]), "exp",
    ),
    "loss for an activation": (
        change("activations", [{"object": "hinge", "parameters": {}}]),
        "its activations must be of .*'tanh'.*; got Hinge",
    ),
    "activation with an invalid parameter": (
        change(
            "activations",
            [{"object": "leaky_relu", "parameters": {"negative_slope": 2}}],
        ),
        "'negative_slope'",
    ),
    "too few activations": (change("activations", []), "of 1 layers"),
    "too many activations": (change("activations", [TANH] * 2), "of 3 layers"),
    "too few classes": (change("classes", [0, 1]), r"to 2 outputs.*\(7, 3\)"),
    "one class": (change("classes", [0]), "at least two"),
    "classes unsorted": (change("classes", [0, 2, 1]), "sorted"),
    "classes twice": (change("classes", [0, 1, 1]), "distinct"),
    "classes of other types": (change("classes", [0, True, 2]), "of dtype int64"),
    "classes too large": (change("classes", [0, 1, 2**70]), "too large"),
    "classes nested": (change("classes", [[0], [1], [2]]), "of dtype int64"),
    "classes of code": (change("class_dtype", "object"), "must be strings"),
    "classes of long strings": (
        lambda model, tensors: model.update(
            {"class_dtype": "str", "classes": [*"ab", "c" * 2**25]}
        ),
        "more than 256 MB",
    ),
    "classes of dates": (change("class_dtype", "M8[s]"), "class_dtype must be one of"),
    "too few names": (change("feature_names", ["a"]), "must be 6 strings"),
    "names no strings": (change("feature_names", [1] * 6), "must be 6 strings"),
    "scale of one number": (change("scale", [1.0]), "'scale' parameter"),
    "scale without end": (change("scale", [0.0, 0.0]), "'scale' parameter"),
    "scale for other features": (change("scale", [0.0, [1.0]]), "'scale' parameter"),
    "scale that is text": (change("scale", "standard"), "'scale' parameter"),
    "deep": (change_parameter("tol", DEEP), ""),
    "NaN": (change_tensor("coefs.0", NAN), "must be finite"),
    "too large": (change_tensor("coefs.0", np.full((6, 7), 1e39)), "too large for"),
    "wrong shape": (change_tensor("coefs.0", NAN.T), "from 7 features"),
    "no rows": (change_tensor("coefs.0", NAN[:0]), "from 0 features"),
    "wrong dimension": (change_tensor("coefs.0", NAN[0]), "have consistent shapes"),
    "scalar": (
        change_tensor("coefs.0", np.array(NAN[0, 0])), "have consistent shapes",
    ),
    "wrong dtype": (
        change_tensor("coefs.0", np.zeros((6, 7), np.uint32)), "coefs.0 is uint32",
    ),
    "type of other files": (
        change_tensor("coefs.0", np.float16(NAN)), "'F16' for 'coefs.0'",
    ),
    "one array more": (change_tensor("coefs.9", NAN), "of 2 layers"),
    "one array less": (
        lambda model, tensors: tensors.pop("intercepts.1"), "of 2 layers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_deceive_is_refused(three_classes, tmp_path, name):
    file = tmp_path / "model"
    export.save(fitted(*three_classes), file)
    spoil, message = HOSTILE[name]
    rewrite(file, spoil)
    with pytest.raises(
        ValueError, match=f"(?s)is not a model file.*{message}"
    ) as caught:
        export.load(file)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    "document", ["", "[]", "1", "{", '{"model": NaN, "sha256": ""}', "[" * 10**5, "{}"]
)
def test_a_file_with_other_json_is_refused(tmp_path, document):
    content = save({"a": NAN}, metadata={"cymlp": document})
    (tmp_path / "model").write_bytes(content)
    with pytest.raises(ValueError, match="is not a model file"):
        export.load(tmp_path / "model")


def header_of(content):
    n_bytes = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + n_bytes]), content[8 + n_bytes :]


def with_header(header, arrays, n_bytes=None):
    header = json.dumps(header).encode()
    n_bytes = len(header) if n_bytes is None else n_bytes
    return n_bytes.to_bytes(8, "little") + header + arrays


@pytest.mark.parametrize("n_bytes", [0, 1, 8, 10**8, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_another_length_is_refused(three_classes, tmp_path, n_bytes):
    export.save(fitted(*three_classes), tmp_path / "model")
    whole = header_of((tmp_path / "model").read_bytes())
    (tmp_path / "model").write_bytes(with_header(*whole, n_bytes))
    with pytest.raises(ValueError, match="is not a model file"):
        export.load(tmp_path / "model")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shape", [-6, 7]),
        ("shape", [-6, -7]),
        ("shape", [2**64, 0]),
        ("shape", [2**32, 2**32]),
        ("shape", [42.0]),
        ("shape", None),
        ("dtype", "F8_E4M3"),
        ("dtype", "F16"),
        ("dtype", None),
        ("data_offsets", [-8, 160]),
        ("data_offsets", [168, 0]),
        ("data_offsets", [0, 2**62]),
        ("data_offsets", []),
    ],
)
def test_an_array_that_is_not_where_the_header_says_is_refused(
    three_classes, tmp_path, key, value
):
    export.save(fitted(*three_classes), tmp_path / "model")
    header, arrays = header_of((tmp_path / "model").read_bytes())
    header["coefs.0"][key] = value
    (tmp_path / "model").write_bytes(with_header(header, arrays))
    with pytest.raises(ValueError, match="is not a model file"):
        export.load(tmp_path / "model")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_stored_with_the_lowest_byte_first(three_classes, tmp_path, dtype):
    clf = fitted(*three_classes, dtype=dtype)
    export.save(clf, tmp_path / "model")
    header, arrays = header_of((tmp_path / "model").read_bytes())
    for i, W in enumerate(clf.coefs_):
        start, end = header[f"coefs.{i}"]["data_offsets"]
        assert arrays[start:end] == W.astype(W.dtype.newbyteorder("<")).tobytes()


def test_arrays_with_the_highest_byte_first_are_refused(three_classes, tmp_path):
    export.save(fitted(*three_classes), tmp_path / "model")
    header, arrays = header_of((tmp_path / "model").read_bytes())
    swapped = np.frombuffer(arrays, np.float32).byteswap().tobytes()
    (tmp_path / "model").write_bytes(with_header(header, swapped))
    with pytest.raises(ValueError, match="its SHA-256 does not match"):
        export.load(tmp_path / "model")


@pytest.mark.parametrize("dtype", [">f4", ">f8"])
def test_assigned_weights_may_have_the_highest_byte_first(
    three_classes, tmp_path, dtype
):
    clf, other = fitted(*three_classes), fitted(*three_classes)
    other.coefs_ = [W.astype(dtype) for W in clf.coefs_]
    other.intercepts_ = [b.astype(dtype) for b in clf.intercepts_]
    export.save(other, tmp_path / "model")
    for same in other, export.load(tmp_path / "model"):
        assert_same_predictions(clf, same, three_classes[0])


def test_anothers_safetensors_file_is_refused(tmp_path):
    half = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
    for metadata in ({}, {"__metadata__": {"format": "pt"}}):
        content = with_header({"a": half} | metadata, b"1234")
        (tmp_path / "model").write_bytes(content)
        with pytest.raises(ValueError, match="its metadata lack a model of cymlp"):
            export.load(tmp_path / "model")


def test_refusing_takes_memory_in_proportion_to_the_file(three_classes, tmp_path):
    n_classes = 5000
    classes = [f"{label:04}" for label in range(n_classes - 1)] + ["9" * 100_000]
    export.save(fitted(*three_classes), tmp_path / "model")
    header, _ = header_of((tmp_path / "model").read_bytes())
    model = json.loads(header["__metadata__"]["cymlp"])["model"]
    model |= {"classes": classes, "class_dtype": "str"}
    tensors = {
        "coefs.0": np.zeros((1, 1)), "coefs.1": np.zeros((1, n_classes)),
        "intercepts.0": np.zeros(1), "intercepts.1": np.zeros(n_classes),
    }  # fmt: skip
    document = {"model": model, "sha256": model_file._digest(model, tensors)}
    content = save(tensors, metadata={"cymlp": json.dumps(document)})
    (tmp_path / "model").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 256 MB"):
            export.load(tmp_path / "model")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(content)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="model"):
        export.load(tmp_path / "model")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        export.load(tmp_path)


@pytest.mark.parametrize("file", [None, 3, b"model"])
def test_what_is_no_path_is_refused(three_classes, file):
    message = f"^file must be .*; got {type(file).__name__}$"
    with pytest.raises(TypeError, match=message):
        export.load(file)
    clf = fitted(*three_classes)
    for write in (export.save, export.to_c):
        with pytest.raises(TypeError, match=message):
            write(clf, file)


@pytest.mark.parametrize("write", [export.to_c, export.save])
def test_a_full_disk_leaves_the_old_file(three_classes, tmp_path, monkeypatch, write):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    clf = fitted(*three_classes)
    write(clf, tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    monkeypatch.setattr(os, "fsync", fail)
    clf.coefs_[0][:] = 0
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "model"))):
        write(clf, tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model").read_bytes() == before


def test_a_path_may_have_any_letters(three_classes, tmp_path):
    clf = fitted(*three_classes)
    export.save(clf, tmp_path / "модель ☃.safetensors")
    loaded = export.load(str(tmp_path / "модель ☃.safetensors"))
    assert_same_predictions(clf, loaded, three_classes[0])


def test_a_missing_library_is_named_with_its_extra(
    three_classes, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install cymlp\[safetensors\]"):
        export.save(fitted(*three_classes), tmp_path / "model")
    with pytest.raises(ImportError, match=r"pip install cymlp\[safetensors\]"):
        export.load(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install cymlp\[onnx\]"):
        export.to_onnx(fitted(*three_classes))
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="pip install skl2onnx"):
        export.register_with_skl2onnx()
