"""scikit-learn's callbacks during a fit."""

import numpy as np
import pytest
from helpers import (
    HAS_CALLBACKS,
    assert_same_history,
    assert_same_weights,
    make_mlp,
    needs_callbacks,
)
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cymlp import MLPClassifier, fit_many


class Recorder:
    """Records its calls; may stop training, or fail, after some epochs."""

    def __init__(self, stop_after=None, fail_after=None):
        self.stop_after = stop_after
        self.fail_after = fail_after
        self.calls, self.arguments, self.snapshots = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.calls.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, estimator, context, *, X, y, metadata, fitted_estimator
    ):  # fmt: skip
        self.calls.append(f"end {context.task_name} {context.task_id}")
        self.arguments.append((X, y, metadata))
        self.snapshots.append(fitted_estimator)
        if context.task_name == "epoch":
            if context.task_id + 1 == self.fail_after:
                raise ArithmeticError("enough")
            return context.task_id + 1 == self.stop_after
        return None


def test_they_can_be_set_where_scikit_learn_has_them():
    assert hasattr(MLPClassifier, "set_callbacks") == HAS_CALLBACKS


@needs_callbacks
def test_they_are_called_for_the_fit_and_for_each_epoch(three_classes):
    recorder, weights = Recorder(), np.ones(120)
    mlp = make_mlp(max_iter=2).set_callbacks(recorder)
    mlp.fit(*three_classes, sample_weight=weights)
    assert recorder.calls == [
        "setup", "begin fit 0", "begin epoch 0", "end epoch 0", "begin epoch 1",
        "end epoch 1", "end fit 0", "teardown",
    ]  # fmt: skip
    for X, y, metadata in recorder.arguments:
        assert X is three_classes[0]
        assert y is three_classes[1]
        assert metadata["sample_weight"] is weights


@needs_callbacks
def test_they_change_nothing(three_classes):
    watched = make_mlp(dropout=0.1).set_callbacks(Recorder()).fit(*three_classes)
    alone = make_mlp(dropout=0.1).fit(*three_classes)
    assert_same_weights(watched, alone)
    assert_same_history(watched, alone)
    assert set(vars(watched)) == set(vars(alone)) | {"_skl_callbacks"}


@needs_callbacks
@pytest.mark.parametrize("warm_start", [False, True])
def test_they_get_the_classifier_as_if_the_fit_had_stopped_there(
    three_classes, warm_start
):
    recorder = Recorder()
    mlp = make_mlp(max_iter=3, warm_start=warm_start).set_callbacks(recorder)
    mlp.fit(*three_classes)
    for n_epochs, snapshot in enumerate(recorder.snapshots[:3], start=1):
        alone = make_mlp(max_iter=n_epochs).fit(*three_classes)
        assert_same_weights(snapshot, alone)
        assert_same_history(snapshot, alone)
        assert snapshot.n_iter_ == n_epochs
        assert snapshot.loss_curve_ == alone.loss_curve_
    assert_same_weights(recorder.snapshots[3], mlp)


class Reader(Recorder):
    """Reads the history of the classifier that is being fitted."""

    def on_fit_task_end(self, estimator, context, *, X=None):
        metrics = {name: column[-1] for name, column in estimator.history_.items()}
        self.arguments.append((context.task_name, metrics))


@needs_callbacks
def test_they_find_the_metrics_of_the_epoch_in_the_history(three_classes):
    X, y = three_classes
    reader = Reader()
    mlp = make_mlp(max_iter=3).set_callbacks(reader).fit(X, y, X_val=X, y_val=y)
    epochs = mlp.history_.to_frame().to_dict("records")
    assert reader.arguments == [
        *(("epoch", epoch) for epoch in epochs),
        ("fit", epochs[-1]),
    ]
    assert "val_loss" in epochs[-1]


@needs_callbacks
def test_a_callback_may_end_the_fit(three_classes):
    mlp = make_mlp(n_iter_no_change=10).set_callbacks(Recorder(stop_after=4))
    mlp.fit(*three_classes)  # without a ConvergenceWarning
    assert mlp.n_iter_ == mlp.history_.n_epochs == 4
    assert_same_weights(mlp, make_mlp(max_iter=4).fit(*three_classes))


@needs_callbacks
@pytest.mark.parametrize("within", ["pipeline", "search"])
def test_a_callback_may_end_every_fit_in_a_pipeline_or_search(three_classes, within):
    mlp = make_mlp().set_callbacks(Recorder(stop_after=4))
    if within == "pipeline":
        fits = [make_pipeline(StandardScaler(), mlp).fit(*three_classes)[-1]]
    else:
        search = GridSearchCV(mlp, {"activation": ["tanh", "selu"]}, cv=2)
        folds = cross_validate(mlp, *three_classes, cv=2, return_estimator=True)
        fits = [search.fit(*three_classes).best_estimator_, *folds["estimator"]]
    assert [one.n_iter_ for one in fits] == [4] * len(fits)


@needs_callbacks
def test_a_fit_that_a_callback_ends_has_the_best_weights(three_classes):
    mlp = make_mlp(early_stopping=True).set_callbacks(Recorder(stop_after=7))
    alone = make_mlp(early_stopping=True, max_iter=7).fit(*three_classes)
    assert mlp.fit(*three_classes).best_epoch_ == alone.best_epoch_
    assert_same_weights(mlp, alone)


@needs_callbacks
def test_an_error_of_a_callback_ends_with_their_teardown(three_classes):
    recorder = Recorder(fail_after=3)
    with pytest.raises(ArithmeticError, match="enough"):
        make_mlp().set_callbacks(recorder).fit(*three_classes)
    assert recorder.calls[-1] == "teardown"


@needs_callbacks
def test_a_refused_fit_calls_no_callback_for_an_epoch(three_classes):
    recorder = Recorder()
    with pytest.raises(ValueError, match="max_iter"):
        make_mlp(max_iter=-1).set_callbacks(recorder).fit(*three_classes)
    assert recorder.calls == []
    with pytest.raises(ValueError, match="NaN"):
        make_mlp().set_callbacks(recorder).fit([[np.nan], [1.0]], [0, 1])
    assert recorder.calls == ["setup", "begin fit 0", "teardown"]


@needs_callbacks
def test_warnings_still_point_at_the_call_of_fit(three_classes):
    mlp = make_mlp(n_iter_no_change=10).set_callbacks(Recorder())
    with pytest.warns(ConvergenceWarning) as caught:
        mlp.fit(*three_classes)
    assert caught[0].filename == __file__


@needs_callbacks
def test_clones_have_them_and_fits_in_threads_call_them(three_classes):
    recorders = [Recorder(), Recorder()]
    networks = [clone(make_mlp(max_iter=2).set_callbacks(one)) for one in recorders]
    fit_many(networks, *three_classes, n_jobs=2)
    for recorder in recorders:
        assert recorder.calls.count("end epoch 1") == 1


@needs_callbacks
@pytest.mark.parametrize("within", ["alone", "pipeline", "search"])
def test_a_monitor_scores_every_epoch(three_classes, within):
    from sklearn.callback import ScoringMonitor

    X, y = three_classes
    mlp = make_mlp(max_iter=3)
    monitor = ScoringMonitor(scoring="accuracy")
    mlp.set_callbacks(monitor)
    estimator, n_fits = mlp, 1
    if within == "pipeline":
        estimator = make_pipeline(StandardScaler(), mlp)
    elif within == "search":
        estimator = GridSearchCV(mlp, {"activation": ["tanh", "selu"]}, cv=2)
        n_fits = 2 * 2 + 1
    estimator.fit(X, y)
    scores = [
        row["accuracy"]
        for row in monitor.get_logs().data
        if row["task_name"] == "epoch"
    ]
    assert len(scores) == 3 * n_fits
    if within == "alone":
        by_hand = [
            make_mlp(max_iter=n_epochs).fit(X, y).score(X, y) for n_epochs in (1, 2, 3)
        ]
        assert scores == by_hand


@needs_callbacks
@pytest.mark.parametrize("within", ["alone", "pipeline", "search"])
def test_a_progress_bar_shows_the_epochs(three_classes, within, capsys):
    from sklearn.callback import ProgressBar

    estimator = make_mlp(max_iter=3)
    if within == "pipeline":
        estimator = make_pipeline(StandardScaler(), estimator)
    if within == "search":
        estimator = GridSearchCV(estimator, {"activation": ["tanh", "selu"]}, cv=2)
    estimator.set_callbacks(ProgressBar()).fit(*three_classes)
    printed = capsys.readouterr().out
    assert "MLPClassifier" in printed
    assert "100%" in printed
