"""A classifier in a console, in a notebook and in scikit-learn's plots."""

import matplotlib.pyplot
import numpy as np
import pytest
from helpers import make_mlp
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from cymlp import MLPClassifier
from cymlp.activations import HardSwish
from cymlp.losses import CrossEntropy, Focal, Hinge, KLDiv

matplotlib.use("agg")

NAMES = {
    one.__name__: one
    for one in (MLPClassifier, CrossEntropy, Focal, Hinge, KLDiv, HardSwish, np.array)
} | {"inf": np.inf}
PRINTED = [
    "MLPClassifier()",
    "MLPClassifier(scale=(128, 255))",
    "MLPClassifier(loss=Focal(gamma=1), n_iter_no_change=inf)",
    "MLPClassifier(activation=[HardSwish(), 'selu'], hidden_layer_sizes=(8, 4))",
    "MLPClassifier(class_weight={'no': 1, 'yes': 9.5}, dropout=[0.1, 0.2])",
    "MLPClassifier(loss=Focal(alpha=array([1., 2., 3.])))",
    "MLPClassifier(hidden_layer_sizes=array([3, 4]))",
    "CrossEntropy(label_smoothing=0.1)",
    "Focal(alpha=[1.0, 2.0], gamma=1)",
    "Hinge(margin=1, softmax=True)",
    "KLDiv()",
]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("code", PRINTED)
def test_it_prints_as_the_code_that_makes_it(code):
    assert " ".join(repr(eval(code, NAMES)).split()) == code


def test_a_function_is_printed_by_its_name():
    def halving(epoch):
        return 0.5**epoch

    assert "learning_rate=<function " in repr(MLPClassifier(learning_rate=halving))
    assert "halving" in repr(MLPClassifier(learning_rate=halving))


def test_only_the_ends_of_a_long_array_are_printed():
    options = np.get_printoptions()
    scaled = MLPClassifier(scale=(np.arange(784.0), np.ones(784)))
    printed = " ".join(repr(scaled).split())
    assert printed.replace(", shape=(784,)", "") == (
        "MLPClassifier(scale=(array([ 0., 1., ..., 782., 783.]), "
        "array([1., 1., ..., 1., 1.])))"
    )
    assert np.get_printoptions() == options


@pytest.fixture(params=["new", "fitted", "in a pipeline"])
def classifier(request, three_classes):
    mlp = make_mlp(
        activation=[HardSwish()], loss=Focal(alpha=np.ones(3)), scale=(np.arange(6), 2),
        learning_rate=lambda epoch: 0.1, early_stopping=True, diagnostics=True,
        class_weight={0: 2.0},
    )  # fmt: skip
    if request.param == "new":
        return mlp
    if request.param == "fitted":
        return mlp.fit(*three_classes)
    return make_pipeline(StandardScaler(), mlp).fit(*three_classes)


def test_a_notebook_shows_a_diagram_with_the_changed_parameters(classifier):
    page = classifier._repr_mimebundle_()
    assert page["text/plain"] == repr(classifier)
    assert classifier._repr_html_().count("MLPClassifier") >= 1
    for html in (page["text/html"], estimator_html_repr(classifier)):
        assert "MLPClassifier" in html
        for name in ("activation", "loss", "scale", "learning_rate", "class_weight"):
            assert name in html
        assert "HardSwish()" in html


def test_a_diagram_does_not_link_to_the_pages_of_scikit_learn():
    # scikit-learn has a class of the same name.
    assert 'href="https://scikit-learn.org' not in MLPClassifier()._repr_html_()
    assert 'href="https://scikit-learn.org' in StandardScaler()._repr_html_()


def test_a_confusion_matrix_has_the_labels(three_classes):
    X, y = three_classes
    labels = np.array(["low", "middle", "high"])[y]
    mlp = make_mlp().fit(X, labels)
    shown = ConfusionMatrixDisplay.from_estimator(mlp, X, labels)
    np.testing.assert_array_equal(
        shown.confusion_matrix, confusion_matrix(labels, mlp.predict(X))
    )
    ticks = [tick.get_text() for tick in shown.ax_.get_xticklabels()]
    assert ticks == ["high", "low", "middle"]


def test_a_learning_curve_is_drawn(three_classes):
    settings = {"train_sizes": [20, 60], "cv": 3}
    shown = LearningCurveDisplay.from_estimator(make_mlp(), *three_classes, **settings)
    sizes, train, test = learning_curve(make_mlp(), *three_classes, **settings)
    np.testing.assert_array_equal(shown.train_sizes, sizes)
    np.testing.assert_array_equal(shown.train_scores, train)
    np.testing.assert_array_equal(shown.test_scores, test)


def test_a_validation_curve_is_drawn_over_a_parameter_of_the_loss(three_classes):
    settings = {"param_name": "loss__gamma", "param_range": [0.0, 4.0], "cv": 3}
    mlp = make_mlp(loss=Focal(), batch_size=20)
    shown = ValidationCurveDisplay.from_estimator(mlp, *three_classes, **settings)
    train, test = validation_curve(mlp, *three_classes, **settings)
    assert shown.ax_.get_xlabel() == "loss__gamma"
    np.testing.assert_array_equal(shown.train_scores, train)
    np.testing.assert_array_equal(shown.test_scores, test)
    assert (train[0] != train[1]).any()


def test_a_decision_boundary_is_drawn(three_classes):
    X, y = three_classes
    mlp = make_mlp().fit(X[:, :2], y)
    shown = DecisionBoundaryDisplay.from_estimator(
        mlp, X[:, :2], response_method="predict", grid_resolution=5
    )
    grid = np.column_stack([shown.xx0.ravel(), shown.xx1.ravel()])
    np.testing.assert_array_equal(shown.response.ravel(), mlp.predict(grid))
