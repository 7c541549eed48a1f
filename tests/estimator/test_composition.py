"""The classifier inside of what scikit-learn builds from classifiers."""

import tracemalloc

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import assert_same_history, assert_same_weights, make_mlp
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from cymlp import MLPClassifier
from cymlp.activations import LeakyRelu
from cymlp.losses import Focal


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# Pipelines


def test_a_pipeline_gives_the_network_what_its_scaler_makes(three_classes):
    X, y = three_classes
    X = X * [1, 10, 100, 1, 1, 1] + 1000
    pipeline = make_pipeline(StandardScaler(), make_mlp(batch_size=20)).fit(X, y)
    by_hand = make_mlp(batch_size=20).fit(StandardScaler().fit_transform(X), y)
    assert_same_weights(pipeline[-1], by_hand)
    assert pipeline.score(X, y) > 0.6


@pytest.mark.parametrize("sparse_threshold", [0, 1], ids=["dense", "sparse"])
def test_a_frame_of_numbers_and_words_goes_through_a_column_transformer(
    sparse_threshold,
):
    rng = np.random.RandomState(0)
    y = np.repeat(["bad", "good"], 60)
    frame = pd.DataFrame(
        {
            "size": rng.standard_normal(120) + 2 * (y == "good"),
            "colour": rng.choice(["red", "green", "blue"], 120),
            "shape": np.where(y == "good", "round", rng.choice(["flat", "round"], 120)),
        }
    )
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["size"]),
            ("words", OneHotEncoder(), ["colour", "shape"]),
        ],
        sparse_threshold=sparse_threshold,
    )
    pipeline = make_pipeline(columns, make_mlp(batch_size=10)).fit(frame, y)
    assert pipeline[-1].n_features_in_ == 1 + 3 + 2
    assert pipeline.score(frame, y) > 0.8
    # Columns are found by their names.
    again = frame[["shape", "size", "colour"]]
    np.testing.assert_array_equal(pipeline.predict(again), pipeline.predict(frame))


def test_a_pipeline_that_makes_frames_gives_the_network_their_names(three_classes):
    X, y = three_classes
    frame = pd.DataFrame(X, columns=list("abcdef"))
    pipeline = make_pipeline(StandardScaler(), make_mlp(max_iter=2))
    pipeline.set_output(transform="pandas").fit(frame, y)
    assert list(pipeline[-1].feature_names_in_) == list("abcdef")


# Searches and curves


def test_a_grid_search_reaches_the_loss_and_the_activations(three_classes):
    X, y = three_classes
    pipeline = make_pipeline(StandardScaler(), make_mlp(loss=Focal()))
    grid = {
        "mlpclassifier__loss__gamma": [0.0, 2.0],
        "mlpclassifier__activation": ["tanh", ["selu"]],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    best = search.best_estimator_[-1]
    assert best.loss.gamma == search.best_params_["mlpclassifier__loss__gamma"]
    assert best.activation == search.best_params_["mlpclassifier__activation"]
    # Candidates share no loss: the one that was given is as it was.
    assert pipeline[-1].loss.gamma == Focal().gamma


def test_a_grid_search_reaches_the_parameter_of_an_activation(three_classes):
    X, y = three_classes
    given = LeakyRelu()
    grid = {"activation__negative_slope": [1e-3, 0.99]}
    search = GridSearchCV(make_mlp(activation=given), grid, cv=2).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    best = search.best_estimator_
    assert (
        best.activation.negative_slope
        == (search.best_params_["activation__negative_slope"])
    )
    assert given.negative_slope == LeakyRelu().negative_slope


def test_a_halving_search_has_epochs_as_its_resource(three_classes):
    search = HalvingGridSearchCV(
        make_mlp(batch_size=20),
        {"learning_rate_init": [1e-6, 1e-5, 1e-1, 1e-2]},
        resource="max_iter",
        max_resources=16,
        min_resources=4,
        factor=2,
        cv=2,
        random_state=0,
    )
    search.fit(*three_classes)
    assert search.n_resources_ == [4, 8, 16]
    assert search.best_estimator_.n_iter_ == 16
    assert search.best_params_["learning_rate_init"] >= 1e-2


def test_cross_validation_returns_what_each_fold_has_learned(three_classes):
    X, y = three_classes
    folds = cross_validate(
        make_mlp(), X, y, cv=3, scoring=["accuracy", "neg_log_loss"],
        return_estimator=True, return_indices=True,
    )  # fmt: skip
    for mlp, test, score in zip(
        folds["estimator"], folds["indices"]["test"], folds["test_accuracy"],
        strict=True,
    ):  # fmt: skip
        assert mlp.history_.n_epochs == 10
        assert mlp.score(X[test], y[test]) == score
    assert np.isfinite(folds["test_neg_log_loss"]).all()


def test_a_learning_curve_may_go_on_with_more_samples_by_partial_fit(three_classes):
    X, y = three_classes
    sizes, train, test = learning_curve(
        make_mlp(batch_size=5), X, y, train_sizes=[20, 40, 80], cv=3,
        exploit_incremental_learning=True, shuffle=True, random_state=0,
    )  # fmt: skip
    np.testing.assert_array_equal(sizes, [20, 40, 80])
    assert train.shape == test.shape == (3, 3)
    assert test[-1].mean() > test[0].mean()


def test_a_validation_curve_runs_over_a_parameter(three_classes):
    X, y = three_classes
    _, test = validation_curve(
        make_mlp(batch_size=20), X, y, param_name="max_iter", param_range=[1, 30], cv=3
    )
    assert test[1].mean() > test[0].mean()


# Classifiers made of classifiers


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibration_makes_probabilities_of_any_scores(
    three_classes, loss, method, n_classes
):
    X, y = three_classes
    X, y = X[y < n_classes], y[y < n_classes]
    mlp = make_mlp(loss=loss, batch_size=10)
    assert hasattr(mlp, "predict_proba") == (loss != "hinge")
    calibrated = CalibratedClassifierCV(mlp, method=method, cv=3).fit(X, y)
    p = calibrated.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert calibrated.score(X, y) > 0.7


def test_bagging_trains_each_network_on_samples_and_features_of_its_own(three_classes):
    X, y = three_classes
    bagging = BaggingClassifier(
        make_mlp(batch_size=10), 12, max_features=4, random_state=0, oob_score=True
    ).fit(X, y)
    assert {mlp.n_features_in_ for mlp in bagging.estimators_} == {4}
    assert len({mlp.loss_ for mlp in bagging.estimators_}) == 12
    mean = np.mean(
        [
            mlp.predict_proba(X[:, features])
            for mlp, features in zip(
                bagging.estimators_, bagging.estimators_features_, strict=True
            )
        ],
        axis=0,
    )
    np.testing.assert_allclose(bagging.predict_proba(X), mean, rtol=1e-6)
    assert bagging.oob_score_ > 0.5


def test_soft_votes_are_means_of_probabilities(three_classes):
    X, y = three_classes
    labels = np.array(["a", "b", "c"])[y]
    members = [("tanh", make_mlp()), ("selu", make_mlp(activation="selu"))]
    voting = VotingClassifier([*members, ("lr", LogisticRegression())], voting="soft")
    voting.fit(X, labels)
    p = np.mean([one.predict_proba(X) for one in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict_proba(X), p, rtol=1e-6)
    np.testing.assert_array_equal(voting.predict(X), voting.classes_[p.argmax(axis=1)])


def test_stacking_learns_from_probabilities_or_else_from_scores(three_classes):
    X, y = three_classes
    members = [("soft", make_mlp()), ("hard", make_mlp(loss="hinge"))]
    stacking = StackingClassifier(members, LogisticRegression(), cv=3).fit(X, y)
    assert stacking.stack_method_ == ["predict_proba", "decision_function"]
    soft, hard = stacking.estimators_
    expected = np.hstack([soft.predict_proba(X), hard.decision_function(X)])
    np.testing.assert_allclose(stacking.transform(X), expected, rtol=1e-6)
    assert stacking.score(X, y) > 0.7


def test_a_network_may_be_what_stacks_others(three_classes):
    X, y = three_classes
    members = [("lr", LogisticRegression())]
    stacking = StackingClassifier(members, make_mlp(batch_size=10), cv=3).fit(X, y)
    assert stacking.final_estimator_.n_features_in_ == 3
    assert stacking.score(X, y) > 0.7


def test_a_network_for_each_label_of_many():
    X, Y = make_multilabel_classification(
        100, 8, n_classes=3, n_labels=2, random_state=0
    )
    multi = MultiOutputClassifier(make_mlp(max_iter=30, batch_size=10)).fit(X, Y)
    for output, mlp in enumerate(multi.estimators_):
        alone = make_mlp(max_iter=30, batch_size=10).fit(X, Y[:, output])
        assert_same_weights(mlp, alone)
    assert (multi.predict(X) == Y).mean() > 0.75


@pytest.mark.parametrize("loss", ["focal", "hinge"])
def test_one_network_for_each_class_against_the_rest(three_classes, loss):
    X, y = three_classes
    ovr = OneVsRestClassifier(make_mlp(loss=loss, batch_size=10)).fit(X, y)
    scores = [mlp.decision_function(X) for mlp in ovr.estimators_]
    np.testing.assert_allclose(ovr.decision_function(X), np.transpose(scores))
    assert ovr.score(X, y) > 0.7


def test_one_against_the_rest_takes_several_labels_at_once():
    X, Y = make_multilabel_classification(100, 8, n_classes=3, random_state=0)
    ovr = OneVsRestClassifier(make_mlp(max_iter=30, batch_size=10)).fit(X, Y)
    assert (ovr.predict(X) == Y).mean() > 0.75
    assert ovr.predict_proba(X).shape == (100, 3)


def test_permutation_finds_the_feature_that_matters():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((100, 4))
    mlp = make_mlp(max_iter=30, batch_size=10).fit(X, X[:, 2] > 0)
    found = permutation_importance(mlp, X, X[:, 2] > 0, n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 2
    assert found.importances_mean[2] > 0.3


# Sample weights and validation data by metadata routing


VALIDATION = dict.fromkeys(["X_val", "y_val", "sample_weight_val"], True)


@pytest.mark.usefixtures("routing")
def test_weights_and_validation_data_come_through_a_pipeline(three_classes):
    X, y = three_classes
    weights = np.linspace(0, 2, 90)
    scaler = StandardScaler().fit(X[:90])
    mlp = make_mlp().set_fit_request(sample_weight=True, **VALIDATION)
    pipeline = Pipeline(
        [("scaler", StandardScaler()), ("mlp", mlp)], transform_input=["X_val"]
    )
    others = {"y_val": y[90:], "sample_weight_val": np.linspace(1, 2, 30)}
    # The scaler has not been asked to take weights.
    pipeline["scaler"].set_fit_request(sample_weight=False)
    pipeline.fit(X[:90], y[:90], sample_weight=weights, X_val=X[90:], **others)
    by_hand = make_mlp().fit(
        scaler.transform(X[:90]), y[:90], weights, X_val=scaler.transform(X[90:]),
        **others,
    )  # fmt: skip
    assert_same_weights(pipeline["mlp"], by_hand)
    assert_same_history(pipeline["mlp"], by_hand)


@pytest.mark.usefixtures("routing")
def test_a_search_splits_weights_and_passes_validation_data_whole(three_classes):
    X, y = three_classes
    X, X_val, y, y_val = X[:90], X[90:], y[:90], y[90:]
    weights = np.linspace(0.1, 2, 90)
    mlp = make_mlp(early_stopping=True)
    mlp.set_fit_request(sample_weight=True, **VALIDATION)
    mlp.set_score_request(sample_weight=False)
    others = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weights[:30]}
    search = GridSearchCV(mlp, {"activation": ["tanh", "relu"]}, cv=3)
    search.fit(X, y, sample_weight=weights, **others)
    best = make_mlp(early_stopping=True, **search.best_params_)
    scores = [
        clone(best)
        .fit(X[train], y[train], weights[train], **others)
        .score(X[test], y[test])
        for train, test in StratifiedKFold(3).split(X, y)
    ]
    assert search.best_score_ == np.mean(scores)
    assert_same_weights(search.best_estimator_, best.fit(X, y, weights, **others))


MADE_OF_ONE = {
    # In scikit-learn 1.6, sigmoid calibration cannot weigh float32.
    "calibrated": lambda mlp: CalibratedClassifierCV(
        mlp, method="isotonic", ensemble=False
    ),
    # Hands what it is given to its final estimator too, which takes weights alone.
    "stacking": lambda mlp: StackingClassifier([("mlp", mlp)], cv=3),
    "voting": lambda mlp: VotingClassifier([("mlp", mlp)]),
}


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("kind", MADE_OF_ONE)
def test_weights_and_validation_data_reach_what_others_are_made_of(three_classes, kind):
    X, y = three_classes
    mlp = make_mlp().set_fit_request(sample_weight=True, **VALIDATION)
    given = {
        "sample_weight": np.linspace(0.1, 2, 90), "X_val": X[90:], "y_val": y[90:],
        "sample_weight_val": np.linspace(1, 2, 30),
    }  # fmt: skip
    if kind == "stacking":
        given = {"sample_weight": given["sample_weight"]}
    made = MADE_OF_ONE[kind](mlp).fit(X[:90], y[:90], **given)
    if kind == "calibrated":
        inner = made.calibrated_classifiers_[0].estimator
    else:
        inner = made.estimators_[0]
    by_hand = make_mlp().fit(X[:90], y[:90], **given)
    assert_same_weights(inner, by_hand)
    assert_same_history(inner, by_hand)


@pytest.mark.usefixtures("routing")
def test_validation_data_reach_every_network_of_a_bag_and_of_a_halving_search(
    three_classes,
):
    mlp = make_mlp().set_fit_request(**VALIDATION)
    X, y = three_classes
    validation = {"X_val": X[:30], "y_val": y[:30]}
    bag = BaggingClassifier(mlp, 3, random_state=0).fit(X, y, **validation)
    grid = {"activation": ["selu", "tanh"]}
    search = HalvingGridSearchCV(mlp, grid, resource="max_iter", max_resources=9, cv=2)
    search.fit(X, y, **validation)
    for fitted in (*bag.estimators_, search.best_estimator_):
        accuracy = fitted.score(X[:30], y[:30])
        assert fitted.history_["val_accuracy"][-1] == pytest.approx(accuracy)


@pytest.mark.usefixtures("routing")
def test_cross_validation_weighs_samples_in_training_and_in_scores(three_classes):
    X, y = three_classes
    weights = np.linspace(0.1, 2, 120)
    mlp = make_mlp().set_fit_request(sample_weight=True)
    mlp.set_score_request(sample_weight=True)
    folds = cross_validate(
        mlp, X, y, cv=3, params={"sample_weight": weights}, return_estimator=True,
        return_indices=True,
    )  # fmt: skip
    for fold in range(3):
        train, test = (folds["indices"][part][fold] for part in ("train", "test"))
        by_hand = make_mlp().fit(X[train], y[train], weights[train])
        assert_same_weights(folds["estimator"][fold], by_hand)
        score = by_hand.score(X[test], y[test], weights[test])
        assert folds["test_score"][fold] == score


@pytest.mark.usefixtures("routing")
def test_routing_refuses_weights_that_nobody_asked_for(three_classes):
    X, y = three_classes
    pipeline = make_pipeline(make_mlp())
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="X_val"):
        pipeline.fit(X, y, X_val=X, y_val=y)


def test_without_routing_a_pipeline_takes_them_by_the_steps_name(three_classes):
    X, y = three_classes
    weights = np.linspace(0, 2, 120)
    pipeline = make_pipeline(make_mlp()).fit(
        X, y, mlpclassifier__sample_weight=weights, mlpclassifier__X_val=X,
        mlpclassifier__y_val=y,
    )  # fmt: skip
    assert_same_weights(pipeline[-1], make_mlp().fit(X, y, weights))
    assert "val_loss" in pipeline[-1].history_


# Threads, clones, parameters


def test_threads_share_the_data_without_a_copy():
    X = np.random.RandomState(0).standard_normal((20_000, 50)).astype(np.float32)
    y = X[:, 0] > 0
    members = [(str(seed), make_mlp(random_state=seed, max_iter=1)) for seed in (0, 1)]
    voting = VotingClassifier(members, n_jobs=2)
    tracemalloc.start()
    try:
        with joblib.parallel_config("threading"):
            voting.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2
    for (_, alone), together in zip(members, voting.estimators_, strict=True):
        assert_same_weights(together, alone.fit(X, y))


def test_a_clone_has_the_parameters_and_nothing_learned(three_classes):
    X, y = three_classes
    mlp = make_mlp(loss=Focal(gamma=3), activation=["selu"], dropout=[0.1]).fit(X, y)
    copied = clone(mlp)
    assert not hasattr(copied, "coefs_")
    assert copied.loss is not mlp.loss
    assert repr(copied) == repr(mlp)
    assert_same_weights(copied.fit(X, y), mlp)


def test_parameters_of_parameters_are_set_from_outside():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(loss=Focal()))
    pipeline.set_params(
        mlpclassifier__loss__gamma=4, mlpclassifier__hidden_layer_sizes=(3, 2)
    )
    assert pipeline[-1].loss.gamma == 4
    assert pipeline.get_params()["mlpclassifier__hidden_layer_sizes"] == (3, 2)
    pipeline.set_params(mlpclassifier__loss="hinge")
    assert pipeline[-1].loss == "hinge"
    with pytest.raises(ValueError, match="Invalid parameter 'gama'"):
        MLPClassifier(loss=Focal()).set_params(loss__gama=1)


def test_a_warning_from_within_a_pipeline_is_that_of_the_classifier(three_classes):
    pipeline = make_pipeline(StandardScaler(), make_mlp(n_iter_no_change=10))
    with pytest.warns(ConvergenceWarning, match="max_iter=10"):
        pipeline.fit(*three_classes)
