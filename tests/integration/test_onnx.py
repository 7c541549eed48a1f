"""Networks that leave as ONNX."""

import platform
import sys

import numpy as np
import pytest
import skl2onnx
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
    values,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cymlp import MLPClassifier, MLPRegressor, export


@pytest.fixture
def run_onnx():
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        pytest.skip("onnxruntime is not published for Macs with Intel processors")
    import onnxruntime

    def run(model, X):
        if isinstance(model, MLPClassifier | MLPRegressor):
            model, X = export.to_onnx(model), np.float32(X)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(None, {"X": X}), strict=True))

    return run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_onnx_computes_what_the_classifier_does(three_classes, run_onnx, hidden, dtype):
    X, y = three_classes
    clf = fitted(X, y, *HIDDEN[hidden], dtype=dtype)
    X = np.concatenate([X, 4 * X])
    outputs = run_onnx(clf, X)
    assert list(outputs) == ["label", "probabilities"]
    np.testing.assert_allclose(
        outputs["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5
    )
    assert outputs["label"].tolist() == clf.predict(X).tolist()


@pytest.mark.parametrize("scale", SCALES, ids=str)
def test_onnx_scales(three_classes, run_onnx, scale):
    X, y = three_classes
    clf = fitted(X, y, scale=scale)
    np.testing.assert_allclose(
        run_onnx(clf, X)["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_onnx_has_the_same_activations(three_classes, run_onnx, name):
    X, y = three_classes
    clf = fitted(X, y, (6,), name, loss="hinge")
    clf.coefs_ = [np.eye(6), np.eye(6, 3)]
    clf.intercepts_ = [np.zeros(6), np.zeros(3)]
    u = [*np.linspace(-10, 10, 2001), -100, -1e4, -1e30, 100, 1e4, 1e30]
    X = np.zeros((len(u), 6), np.float32)
    X[:, 0] = u
    # onnxruntime's Sigmoid is accurate to 1e-7, and silu multiplies it by up to 10.
    atol = 1e-6 if name == "silu" else 2e-7
    np.testing.assert_allclose(
        run_onnx(clf, X)["scores"], clf.decision_function(X), rtol=1e-6, atol=atol
    )


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_onnx_has_probabilities_where_the_loss_has(three_classes, run_onnx, loss):
    X, y = three_classes
    clf = fitted(X, y, loss=loss)
    outputs = run_onnx(clf, X)
    assert hasattr(clf, "predict_proba") == ("probabilities" in outputs)
    if "probabilities" in outputs:
        np.testing.assert_allclose(
            outputs["probabilities"], clf.predict_proba(X), rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("loss", ["hinge", SquaredError()])
def test_onnx_has_scores_instead_of_other_probabilities(three_classes, run_onnx, loss):
    X, y = three_classes
    clf = fitted(X, y, loss=loss)
    outputs = run_onnx(clf, X)
    assert list(outputs) == ["label", "scores"]
    np.testing.assert_allclose(
        outputs["scores"], clf.decision_function(X), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: str(labels.dtype))
def test_onnx_has_the_labels(three_classes, run_onnx, labels):
    X, y = three_classes
    clf = fitted(X, labels[y])
    assert run_onnx(clf, X)["label"].tolist() == clf.predict(X).tolist()


@pytest.mark.parametrize("dtype", [str, object])
def test_onnx_refuses_labels_that_are_no_unicode(three_classes, dtype):
    X, y = three_classes
    labels = np.array(["a", "b\ud800", "c"], dtype)
    with pytest.raises(ValueError, match=r"^classes_ must be text.*got 'b\\ud800'"):
        export.to_onnx(fitted(X, labels[y]))


@pytest.mark.parametrize("loss", [*LABEL_LOSSES, SquaredError()], ids=str)
def test_onnx_has_several_labels(three_classes, run_onnx, loss):
    X, y = three_classes
    clf = fitted(X, indicator(y), loss=loss, scale="standard")
    outputs = run_onnx(clf, X)
    assert outputs["label"].dtype == np.int64
    np.testing.assert_array_equal(outputs["label"], clf.predict(X))
    if isinstance(loss, SquaredError):
        assert list(outputs) == ["label", "scores"]
        outputs = clf.decision_function(X), outputs["scores"]
    else:
        assert list(outputs) == ["label", "probabilities"]
        outputs = clf.predict_proba(X), outputs["probabilities"]
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target_scale", ["standard", None])
@pytest.mark.parametrize("hidden", [(), (7,)])
@pytest.mark.parametrize("loss", [*VALUE_LOSSES, Gamma()], ids=str)
def test_onnx_predicts_values(three_classes, run_onnx, loss, hidden, target_scale):
    X, _ = three_classes
    Y = values(X) if target_scale else values(X) / 100
    reg = fitted_regressor(
        X, Y, hidden, loss=loss, scale="standard", target_scale=target_scale
    )
    outputs = run_onnx(reg, X)
    assert list(outputs) == ["variable"]
    assert_close_to_scale(outputs["variable"], reg.predict(X), Y)


def test_onnx_refuses_weights_too_large_for_float32(three_classes):
    clf = fitted(*three_classes, dtype="float64")
    clf.coefs_[0][0, 0] = 1e39
    with pytest.raises(ValueError, match="too large for float32"):
        export.to_onnx(clf)


@pytest.fixture
def registered():
    export.register_with_skl2onnx()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: str(labels.dtype))
def test_skl2onnx_converts_a_pipeline(
    three_classes, run_onnx, registered, labels, dtype
):
    X, y = three_classes
    X = X.astype(dtype)
    clf = MLPClassifier((7, 6), ["hardswish", "selu"], tol=0.1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), clf).fit(X, labels[y])
    model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
    outputs = run_onnx(model, X)
    assert outputs["label"].tolist() == pipeline.predict(X).tolist()
    np.testing.assert_allclose(
        outputs["probabilities"], pipeline.predict_proba(X), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_skl2onnx_converts_a_regressor(
    three_classes, run_onnx, registered, loss, n_outputs, dtype
):
    X = three_classes[0].astype(dtype)
    reg = MLPRegressor((7,), loss=loss, tol=0.1, random_state=0)
    Y = values(X)[:, :n_outputs]
    pipeline = make_pipeline(StandardScaler(), reg).fit(X, Y)
    outputs = run_onnx(skl2onnx.to_onnx(pipeline, X[:1]), X)
    assert list(outputs) == ["variable"]
    predicted = pipeline.predict(X).reshape(120, -1)
    assert_close_to_scale(outputs["variable"].reshape(120, -1), predicted, Y)


def test_skl2onnx_refuses_several_labels(three_classes, registered):
    X, y = three_classes
    with pytest.raises(ValueError, match=r"several labels per sample; use cymlp\.exp"):
        skl2onnx.to_onnx(fitted(X, indicator(y)), X[:1])


@pytest.mark.parametrize("loss", ["hinge", SquaredError()])
def test_skl2onnx_is_told_that_there_are_no_probabilities(
    three_classes, registered, loss
):
    X, y = three_classes
    with pytest.raises(ValueError, match="to_onnx gives scores instead"):
        skl2onnx.to_onnx(fitted(X, y, loss=loss), X[:1])


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_written_is_refused(three_classes, case):
    assert_refused(export.to_onnx, case, *three_classes)
