"""What a user with a type checker writes; test_typing.py has mypy read it and runs it.

In `wrong`, mypy has to find fault with every line that says so.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import cymlp
from cymlp import (
    Checkpoint,
    History,
    MLPClassifier,
    MLPRegressor,
    export,
    fit_many,
    kernels,
    neural_network,
    plots,
)
from cymlp.activations import (
    ACTIVATIONS,
    Activation,
    BoundActivation,
    Gelu,
    HardSwish,
    Identity,
    LeakyRelu,
    Logistic,
    Mish,
    Relu,
    Selu,
    Silu,
    Tanh,
)
from cymlp.activations import bind as bind_activation
from cymlp.losses import (
    LOSSES,
    BinaryCrossEntropy,
    BoundLoss,
    ClassLoss,
    CrossEntropy,
    Focal,
    Hinge,
    KLDiv,
    LabelLoss,
    Loss,
    Quantile,
    ValueLoss,
    bind,
)
from cymlp.typing import ActivationLike, LossLike


class Sine:
    """An activation of the user's own."""

    def value(self, U: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.sin(U)

    def derivative(
        self, U: NDArray[np.float32], A: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return np.cos(U)


class SquaredError:
    """A loss of the user's own."""

    def value_and_gradient(
        self, Z: NDArray[Any], T: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        return ((Z - T) ** 2).sum(axis=1) / 2, Z - T


def halving(epoch: int) -> float:
    return 0.1 * 0.5**epoch


def drop_in(X: NDArray[Any], y: NDArray[Any]) -> None:
    neural_network.MLPRegressor(max_iter=2).fit(X, y)


def build(X: NDArray[Any]) -> list[MLPClassifier]:
    losses: list[LossLike] = [
        CrossEntropy(label_smoothing=0.1), KLDiv(), Hinge(margin=1, softmax=True),
        Focal(alpha=[1.0, 2.0], gamma=1), Focal(alpha=np.ones(2)), SquaredError(),
        *(member() for member in LOSSES.values() if issubclass(member, ClassLoss)),
    ]  # fmt: skip
    activations: list[ActivationLike] = [
        Tanh(), Selu(), Relu(), Logistic(), Identity(), HardSwish(), Sine(),
        Gelu(), Silu(), Mish(), LeakyRelu(), LeakyRelu(negative_slope=0.1),
        *(member() for member in ACTIVATIONS.values()),
    ]  # fmt: skip
    settings: dict[str, Any] = {"max_iter": 2, "n_iter_no_change": np.inf}
    return [
        MLPClassifier(),
        MLPClassifier(7, "selu", "focal", max_iter=10, n_iter_no_change=np.inf),
        MLPClassifier(np.array([4, 3]), [Selu(), "tanh"], tol=1, **settings),
        MLPClassifier(
            (4,), (Sine(),), SquaredError(), solver="adam", learning_rate=halving,
            batch_size=10, init=0.1, dtype=np.float64, scale=(X.mean(axis=0), 2),
            shuffle=False, random_state=np.random.RandomState(0), max_iter=2,
            n_iter_no_change=float("inf"), dropout=[0.5], class_weight={0: 1, 1: 2.5},
            record_batches=True, diagnostics=True,
        ),
        MLPClassifier(
            scale="standard", early_stopping=True, monitor="loss", dtype="float64",
            class_weight="balanced", learning_rate="adaptive", verbose=False,
        ),
        *(MLPClassifier(loss=loss, **settings) for loss in losses),
        *(MLPClassifier(activation=one, **settings) for one in activations),
        *(MLPClassifier(activation=name, **settings) for name in ACTIVATIONS),
        *(MLPClassifier(loss=name, **settings) for name in ("hinge", "kl_div")),
    ]  # fmt: skip


def train(X: NDArray[Any], y: NDArray[Any], folder: Path) -> None:
    clf = MLPClassifier((4,), max_iter=2, n_iter_no_change=np.inf, diagnostics=True)
    weights = np.ones(len(y))
    assert_type(clf.fit(X, y), MLPClassifier)
    clf.fit(X.tolist(), y.tolist(), weights)
    clf.fit(X, y, X_val=X, y_val=y, sample_weight_val=weights)
    clf.fit(X, y, checkpoint=Checkpoint(folder / "fit.safetensors", every=5))
    assert_type(
        clf.partial_fit(X, y, classes=[0, 1], sample_weight=weights), MLPClassifier
    )
    assert_type(clf.predict(X), NDArray[Any])
    assert_type(clf.predict_proba(X), NDArray[Any])
    assert_type(clf.predict_log_proba(X), NDArray[Any])
    assert_type(clf.decision_function(X), NDArray[Any])
    assert_type(clf.score(X, y, sample_weight=weights), float)
    assert_type(clf.get_params(), dict[str, Any])
    assert_type(clf.set_params(max_iter=3), MLPClassifier)
    assert_type(clf.coefs_, list[NDArray[Any]])
    assert_type(clf.loss_curve_, list[float])
    assert_type(clf.n_iter_ + clf.n_layers_ + clf.n_outputs_ + clf.n_features_in_, int)
    assert_type(clf.history_, History)
    look_at(clf.history_)
    leave(clf, folder)


def regress(X: NDArray[Any], Y: NDArray[Any], folder: Path) -> None:
    reg = MLPRegressor(
        (4,), loss=Quantile([0.1, 0.9]), target_scale=(0, np.ones(2)), monitor="r2",
        max_iter=2, n_iter_no_change=np.inf,
    )  # fmt: skip
    assert_type(reg.fit(X, Y, X_val=X, y_val=Y), MLPRegressor)
    reg.fit(X, Y, checkpoint=Checkpoint(folder / "checkpoint", every=2))
    assert_type(reg.partial_fit(X, Y, sample_weight=np.ones(len(Y))), MLPRegressor)
    assert_type(reg.predict(X), NDArray[Any])
    assert_type(reg.score(X, Y), float)
    assert_type(reg.target_shift_, NDArray[Any] | None)
    assert_type(reg.history_, History)
    assert_type(reg.set_fit_request(sample_weight=True), MLPRegressor)
    export.to_c(reg, folder / "regressor.c")
    export.save(reg, folder / "regressor")
    loaded: MLPRegressor = export.load(folder / "regressor")
    assert_type(fit_many([loaded], X, Y), list[MLPRegressor])


def look_at(history: History) -> None:
    as_mapping: Mapping[str, NDArray[Any]] = history
    assert_type(as_mapping["train_loss"], NDArray[Any])
    assert_type(history["train_loss"][-1], Any)
    assert_type(history.n_epochs, int)
    assert_type(history.batches, dict[str, NDArray[Any]] | None)
    assert_type(history.plot(), NDArray[Any])
    assert_type(plots.plot_history(history), NDArray[Any])
    assert_type(plots.plot_history([history, history], burn_in=0.1), NDArray[Any])
    plots.plot_comparison({"a": history}, "train_loss", plots.new_axes()[0]).grid()
    assert_type(plots.plot_grid({"a": history}, share="row"), NDArray[Any])
    history.to_frame()
    own = History()
    own.append(epoch=1, train_loss=0.5, batches={"loss": [0.5]}, dead_units=[0.5])


def leave(clf: MLPClassifier, folder: Path) -> None:
    export.to_c(clf, folder / "model.c", prefix="my_")
    export.save(clf, os.fspath(folder / "model"))
    loaded: MLPClassifier = export.load(folder / "model")
    assert_type(loaded.predict(clf.coefs_[0].T), NDArray[Any])
    export.to_onnx(clf).SerializeToString()
    export.register_with_skl2onnx()
    assert_type(cymlp.get_include(), str)
    assert_type(cymlp.__version__, str)


def train_many(X: NDArray[Any], y: NDArray[Any]) -> None:
    one, other = (MLPClassifier(max_iter=1, n_iter_no_change=np.inf) for _ in "ab")
    assert_type(fit_many([one, other], X, y, n_jobs=2), list[MLPClassifier])
    assert_type(fit_many({"a": one}, X, y, X_val=X, y_val=y), dict[str, MLPClassifier])


def call_parts(X: NDArray[Any], y: NDArray[Any]) -> None:
    T = np.eye(2)[y]
    assert_type(
        Focal().value_and_gradient(X[:, :2], T), tuple[NDArray[Any], NDArray[Any]]
    )
    assert_type(Focal().probabilities(X), NDArray[Any])
    assert_type(Hinge(softmax=True).log_probabilities(X), NDArray[Any])
    label_loss: LabelLoss = BinaryCrossEntropy()
    assert_type(label_loss.probabilities(X), NDArray[Any])
    value_loss: ValueLoss = Quantile([0.1, 0.9])
    assert_type(value_loss.log_link, bool)
    assert_type(Focal(gamma=3).gamma, float)
    assert_type(Focal().set_params(gamma=1), Focal)
    assert_type(Selu().value(X), NDArray[Any])
    assert_type(Selu().derivative(X, Selu().value(X)), NDArray[Any])
    assert_type(kernels.isa(), str)
    assert_type(kernels.available(), list[str])
    assert_type(bind(SquaredError(), n_outputs=2), BoundLoss)
    assert_type(bind_activation(Sine()), BoundActivation)
    assert_type(LeakyRelu().c_formula, str)
    assert_type(LeakyRelu().onnx_nodes[0][0], str)
    assert_type(LOSSES, dict[str, type[Loss]])
    assert_type(ACTIVATIONS, dict[str, type[Activation]])


def route(clf: MLPClassifier) -> MLPClassifier:
    clf.set_fit_request(sample_weight=True, X_val="X_val", y_val="y_val")
    clf.set_partial_fit_request(sample_weight=None)
    return clf.set_score_request(sample_weight=False)


def use_all(X: NDArray[Any], y: NDArray[Any], folder: Path) -> None:
    for clf in build(X):
        clf.fit(X, y)
    train(X, y, folder)
    regress(X, np.column_stack([y, y]), folder)
    assert_type(route(MLPClassifier()), MLPClassifier)
    train_many(X, y)
    call_parts(X, y)


def wrong(X: NDArray[Any], y: NDArray[Any], clf: MLPClassifier) -> None:
    MLPClassifier(hidden_layer_sizes="many")  # type: ignore[arg-type]
    MLPClassifier(hidden_layer_sizes=[2.5])  # type: ignore[list-item]
    MLPClassifier(hidden_layers=(3,))  # type: ignore[call-arg]
    MLPClassifier((3,), "tanh", "focal", "adam")  # type: ignore[call-arg]
    MLPClassifier().fit(X, y, checkpoint="file")  # type: ignore[arg-type]
    MLPClassifier(solver="lbfgs")  # type: ignore[arg-type]
    MLPClassifier(dtype="float16")  # type: ignore[arg-type]
    MLPClassifier(activation=SquaredError())  # type: ignore[arg-type]
    MLPClassifier(activation=3)  # type: ignore[arg-type]
    MLPClassifier(loss=Sine())  # type: ignore[arg-type]
    MLPClassifier(loss=Focal)  # type: ignore[arg-type]
    MLPClassifier(loss=lambda Z, T: Z)  # type: ignore[arg-type]
    MLPClassifier(learning_rate=0.1)  # type: ignore[arg-type]
    MLPClassifier(scale=(1, 2, 3))  # type: ignore[arg-type]
    MLPClassifier(class_weight=[1, 2])  # type: ignore[list-item]
    MLPRegressor(class_weight="balanced")  # type: ignore[call-arg]
    MLPRegressor(monitor="accuracy")  # type: ignore[arg-type]
    MLPRegressor(target_scale="minmax")  # type: ignore[arg-type]
    Focal(gama=1)  # type: ignore[call-arg]
    Hinge(margin="1")  # type: ignore[arg-type]
    clf.fit(X)  # type: ignore[call-arg]
    clf.fit(X, y, None, X, y)  # type: ignore[call-arg]
    clf.predict(X, y)  # type: ignore[call-arg]
    clf.history_["train_loss"] = X  # type: ignore[index]
    clf.history_.plots()  # type: ignore[attr-defined]
    fit_many([clf, X], X, y)  # type: ignore[type-var]
    fit_many({"a": X}, X, y)  # type: ignore[type-var]
    export.load(3)  # type: ignore[arg-type]
    export.save(X, "file")  # type: ignore[arg-type]
    plots.plot_grid({}, share="column")  # type: ignore[arg-type]
