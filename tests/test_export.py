"""Classifiers that leave as C."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from cymlp import MLPClassifier, activations, export
from cymlp.losses import CrossEntropy, Focal, Hinge

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
ACTIVATIONS = sorted(activations.known())
LOSSES = {
    "cross_entropy": CrossEntropy(label_smoothing=0.1),
    "kl_div": "kl_div",
    "focal": Focal(alpha=[1.0, 2.0, 3.0], gamma=1),
    "hinge": "hinge",
    "hinge of probabilities": Hinge(margin=1.0, softmax=True),
}
HIDDEN = {name: ((7,), name) for name in ACTIVATIONS} | {
    "none": ((), "tanh"),
    "all of them": ((9, 8, 7, 6, 5, 4), ACTIVATIONS),
}


class Squared:
    def value(self, U):
        return U * U

    def derivative(self, U, A):
        return 2 * U


class MyTanh(activations.Tanh):
    pass


class SquaredError:
    def value_and_gradient(self, Z, T):
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T

    def probabilities(self, Z):
        return np.full_like(Z, 1 / Z.shape[1])


def fitted(X, y, hidden=(7,), activation="tanh", loss="cross_entropy", **parameters):
    clf = MLPClassifier(
        hidden, activation, loss, max_iter=3, n_iter_no_change=np.inf,
        batch_size=20, random_state=0, **parameters,
    )  # fmt: skip
    return clf.fit(X, y)


def scores_of(clf, X):
    Z = clf.decision_function(X)
    return np.column_stack([np.zeros_like(Z), Z]) if Z.ndim == 1 else Z


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


@pytest.mark.parametrize("loss", LOSSES)
def test_c_has_probabilities_where_the_loss_has(three_classes, tmp_path, loss):
    clf = fitted(*three_classes, loss=LOSSES[loss])
    compiled = Compiled(clf, tmp_path)
    assert hasattr(clf, "predict_proba") == ("predict_probabilities" in compiled.text)


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
    assert [export.json.loads(label) for label in shown] == clf.classes_.tolist()


def test_c_keeps_extreme_weights_to_the_last_bit(three_classes, tmp_path):
    clf = fitted(*three_classes, hidden=())
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


WRITERS = {"to_c": export.to_c}


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    return lambda clf: WRITERS[request.param](clf, tmp_path / "model")


@pytest.mark.parametrize("activation", [Squared(), MyTanh()])
def test_a_users_activation_is_refused(three_classes, tmp_path, write, activation):
    clf = fitted(*three_classes, activation=activation)
    with pytest.raises(ValueError, match=f"{type(activation).__name__}.*not one of"):
        write(clf)
    assert not list(tmp_path.iterdir())


def test_what_is_not_fitted_is_refused(write):
    with pytest.raises(NotFittedError):
        write(MLPClassifier())


def test_what_is_no_classifier_of_ours_is_refused(write):
    with pytest.raises(TypeError, match="must be an MLPClassifier; got dict"):
        write({})


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(three_classes, write, number):
    clf = fitted(*three_classes)
    clf.intercepts_[1][0] = number
    with pytest.raises(ValueError, match="NaN or infinite"):
        write(clf)


def test_weights_that_do_not_fit_are_refused(three_classes, write):
    clf = fitted(*three_classes)
    clf.coefs_[1] = clf.coefs_[1].T
    with pytest.raises(ValueError, match=r"from 6 features .*\(3, 7\)"):
        write(clf)


def test_c_refuses_weights_too_large_for_float32(three_classes, tmp_path):
    clf = fitted(*three_classes, dtype="float64")
    clf.coefs_[0][0, 0] = 1e39
    with pytest.raises(ValueError, match="too large for float32"):
        export.to_c(clf, tmp_path / "model.c")
