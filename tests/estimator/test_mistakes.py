"""Mistakes of a first day: what the errors say to write instead."""

import inspect
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from helpers import make_mlp
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from cymlp import MLPClassifier, MLPRegressor
from cymlp.activations import Relu
from cymlp.losses import Focal

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = np.arange(30) % 3
FRAME = pd.DataFrame(X, columns=[*"abcd"])
T = RNG.dirichlet(np.ones(3), 30)
SCORE = X.sum(axis=1)
WORDS = np.array(["ant", "bee", "cat"], object)[Y]


def make_regressor(**parameters):
    return lambda: MLPRegressor(**parameters)


def fit_regressor(*data, **parameters):
    X_and_y = data or (X, SCORE)
    return lambda: MLPRegressor((4,), max_iter=2, **parameters).fit(*X_and_y)


def make(**parameters):
    return lambda: MLPClassifier(**parameters)


def fit_with(**parameters):
    return lambda: make_mlp(**parameters).fit(X, Y)


def fit(*data, **named_data):
    return lambda: make_mlp().fit(*data, **named_data)


def fitted():
    return make_mlp(max_iter=1).fit(X, Y)


def with_missing(y, missing):
    return pd.Series([missing, *y[1:]], dtype=y.dtype)


# A call -> the type of its error and words that it has.
MISTAKES = {
    "alpha of scikit-learn": (
        make(alpha=0.001),
        TypeError,
        "alpha=0.001. Write weight_decay=0.001 / batch_size: scikit-learn divides",
    ),
    "max_fun of scikit-learn": (make(max_fun=9), TypeError, "max_fun=9. Leave it out:"),
    "multi_class of LogisticRegression": (
        make(multi_class="ovr"),
        TypeError,
        "multi_class='ovr'. Leave it out: y may have any number of classes.",
    ),
    "epochs of Keras": (make(epochs=5), TypeError, "epochs=5. Write max_iter=5."),
    "lr of PyTorch": (make(lr=0.1), TypeError, "lr=0.1. Write learning_rate_init=0.1."),
    "optimizer of Keras": (
        make(optimizer="Adam"),
        TypeError,
        "optimizer='Adam'. Write solver='adam'.",
    ),
    "hidden_sizes": (
        make(hidden_sizes=[64]),
        TypeError,
        "Write hidden_layer_sizes=[64].",
    ),
    "patience of Keras": (
        make(patience=5),
        TypeError,
        "Write early_stopping=True, n_iter_no_change=5.",
    ),
    "a misspelt parameter": (
        make(hiden_layer_size=9),
        TypeError,
        "hiden_layer_size=9. Did you mean hidden_layer_sizes?",
    ),
    "an unknown parameter": (
        make(zzz=1),
        TypeError,
        "zzz=1. Valid parameters are: ['activation', 'batch_size',",
    ),
    "several of them": (
        make(alpha=1, epochs=5),
        TypeError,
        "mini-batches. Also epochs=5. Write max_iter=5.",
    ),
    "the order of scikit-learn's parameters": (
        lambda: MLPClassifier((8,), "relu", "cross_entropy", "adam"),
        TypeError,
        "takes only hidden_layer_sizes, activation, loss by position; got 4 arguments, "
        "the last is 'adam'. Write the others with their names (solver=,",
    ),
    "the solver in third place": (
        fit_with(loss="adam"),
        ValueError,
        "Got 'adam' instead. Write solver='adam': the third argument",
    ),
    "set_params of scikit-learn's alpha": (
        lambda: MLPClassifier().set_params(alpha=1),
        ValueError,
        "Invalid parameter 'alpha' for estimator MLPClassifier(). Write weight_decay=1",
    ),
    "a grid over alpha": (
        lambda: GridSearchCV(make_mlp(), {"alpha": [1]}, cv=2).fit(X, Y),
        ValueError,
        "Write weight_decay=1 / batch_size",
    ),
    "a grid in a pipeline": (
        lambda: make_pipeline(StandardScaler(), make_mlp()).set_params(
            mlpclassifier__epochs=5
        ),
        ValueError,
        "Write max_iter=5.",
    ),
    "a parameter of a loss given by name": (
        lambda: MLPClassifier(loss="focal").set_params(loss__gamma=1),
        ValueError,
        "loss='focal' has no parameters to set. Write loss=Focal(gamma=...).",
    ),
    "a rate as learning_rate": (
        fit_with(learning_rate=0.01),
        ValueError,
        "Got 0.01 instead. Write learning_rate_init=0.01;",
    ),
    "a schedule as learning_rate_init": (
        fit_with(learning_rate_init="adaptive"),
        ValueError,
        "Write learning_rate='adaptive';",
    ),
    "solver lbfgs": (
        fit_with(solver="lbfgs"),
        ValueError,
        "Got 'lbfgs' instead. It needs all samples at each step",
    ),
    "solver AdamW": (fit_with(solver="AdamW"), ValueError, "Write solver='adam'."),
    "solver rmsprop": (fit_with(solver="rmsprop"), ValueError, "Write solver='adam'."),
    "activation sigmoid": (
        fit_with(activation="sigmoid"),
        ValueError,
        "Got 'sigmoid' instead. Write activation='logistic'.",
    ),
    "activation linear": (
        fit_with(activation="linear"),
        ValueError,
        "Write activation='identity'.",
    ),
    "activation ReLU": (
        fit_with(activation="ReLU"),
        ValueError,
        "Write activation='relu'.",
    ),
    "one wrong activation of several": (
        fit_with(hidden_layer_sizes=(4, 4), activation=["relu", "sigmoid"]),
        ValueError,
        "Got 'sigmoid' instead. Write activation=['relu', 'logistic'].",
    ),
    "activation softmax": (
        fit_with(activation="softmax"),
        ValueError,
        "The output layer has the activation that the loss needs.",
    ),
    "a class as activation": (
        fit_with(activation=Relu),
        ValueError,
        "Write activation=Relu().",
    ),
    "a function as activation": (
        fit_with(activation=np.tanh),
        ValueError,
        "Write activation='tanh'.",
    ),
    "a function of one's own as activation": (
        fit_with(activation=lambda U: U),
        ValueError,
        "Write an object with the methods value(U) and derivative(U, A)",
    ),
    "a misspelt activation": (
        fit_with(activation="hardswitch"),
        ValueError,
        "Did you mean activation='hardswish'?",
    ),
    "loss log_loss": (
        fit_with(loss="log_loss"),
        ValueError,
        "Got 'log_loss' instead. Write loss='cross_entropy'.",
    ),
    "loss of Keras": (
        fit_with(loss="categorical_crossentropy"),
        ValueError,
        "Write loss='cross_entropy'.",
    ),
    "loss of PyTorch": (
        fit_with(loss=type("CrossEntropyLoss", (), {})()),
        ValueError,
        "Write loss='cross_entropy'.",
    ),
    "loss mse": (
        fit_with(loss="mse"),
        ValueError,
        "That is a loss for real values: use MLPRegressor to predict them. For classes "
        "write loss='cross_entropy'.",
    ),
    "a class as loss": (fit_with(loss=Focal), ValueError, "Write loss=Focal()."),
    "dtype float16": (fit_with(dtype="float16"), ValueError, "Write dtype='float32'."),
    "dtype that NumPy cannot parse": (
        fit_with(dtype="2(i)"),
        ValueError,
        "Got '2(i)' instead.",
    ),
    "dtype float": (fit_with(dtype=float), ValueError, "Write dtype='float64'."),
    "scale=True": (fit_with(scale=True), ValueError, "Write scale='standard'."),
    "scale robust": (
        fit_with(scale="robust"),
        ValueError,
        "Write scale=(shift, divisor), with the center_ and scale_ of a fitted",
    ),
    "scale by a number": (
        fit_with(scale=255),
        ValueError,
        "Write scale=(0, 255): a shift of 0",
    ),
    "early_stopping by loss": (
        fit_with(early_stopping="loss"),
        ValueError,
        "Write early_stopping=True, monitor='loss'.",
    ),
    "early_stopping with patience": (
        fit_with(early_stopping=5),
        ValueError,
        "Write early_stopping=True, n_iter_no_change=5.",
    ),
    "monitor of Keras": (
        fit_with(monitor="val_loss"),
        ValueError,
        "Write monitor='loss'.",
    ),
    "class_weight auto": (
        fit_with(class_weight="auto"),
        ValueError,
        "Write class_weight='balanced'.",
    ),
    "class_weight of PyTorch": (
        fit_with(class_weight=[1, 2, 5]),
        ValueError,
        "Write a dict of label to weight: {0: 1, 1: 5}.",
    ),
    "sizes as a string": (
        fit_with(hidden_layer_sizes="100, 50"),
        ValueError,
        "Got '100, 50' instead. Write hidden_layer_sizes=(100, 50).",
    ),
    "sizes as a float": (
        fit_with(hidden_layer_sizes=100.0),
        ValueError,
        "Write hidden_layer_sizes=(100,).",
    ),
    "sizes as floats of NumPy": (
        fit_with(hidden_layer_sizes=np.array([8.0, 4.0])),
        ValueError,
        "Write hidden_layer_sizes=(8, 4).",
    ),
    "no sizes": (
        fit_with(hidden_layer_sizes=None),
        ValueError,
        "For a network without hidden layers write hidden_layer_sizes=().",
    ),
    "max_iter as a float": (
        fit_with(max_iter=1e3),
        ValueError,
        "Write max_iter=1000.",
    ),
    "a number as a string": (
        fit_with(weight_decay="0.01"),
        ValueError,
        "Write weight_decay=0.01.",
    ),
    "None for 0": (
        fit_with(weight_decay=None),
        ValueError,
        "Write weight_decay=0.0.",
    ),
    "None for no limit": (
        fit_with(n_iter_no_change=None),
        ValueError,
        "Write n_iter_no_change=numpy.inf.",
    ),
    "validation_fraction 0": (
        fit_with(validation_fraction=0),
        ValueError,
        "To train on all samples write early_stopping=False",
    ),
    "validation_fraction as a count": (
        fit_with(validation_fraction=30),
        ValueError,
        "Write a fraction of the samples",
    ),
    "dropout in per cent": (
        fit_with(dropout=50),
        ValueError,
        "Write the fraction of the units to drop, such as dropout=0.5.",
    ),
    "shuffle=1": (fit_with(shuffle=1), ValueError, "Write shuffle=True."),
    "a Generator": (
        fit_with(random_state=np.random.default_rng(0)),
        ValueError,
        "Write an int, such as random_state=0.",
    ),
    "epochs of fit": (
        fit(X, Y, epochs=5),
        TypeError,
        "fit got an unexpected keyword argument epochs=5. It is a parameter of the "
        "class: write MLPClassifier(max_iter=5).",
    ),
    "validation_data of Keras": (
        fit(X, Y, validation_data=(X, Y)),
        TypeError,
        "validation_data=(<ndarray of shape (30, 4)>, <ndarray of shape (30,)>). Write "
        "X_val=X_val, y_val=y_val.",
    ),
    "validation data by position": (
        fit(X, Y, None, X, Y),
        TypeError,
        "fit takes only X, y, sample_weight by position; got 5 arguments",
    ),
    "a misspelt argument of fit": (
        fit(X, Y, sample_wieght=None),
        TypeError,
        "Did you mean sample_weight?",
    ),
    "an unknown argument of fit": (
        fit(X, Y, zzz=1),
        TypeError,
        "zzz=1. It takes X, y, sample_weight, X_val, y_val, sample_weight_val, "
        "checkpoint.",
    ),
    "X_val without y_val": (
        fit(X, Y, X_val=X),
        ValueError,
        "X_val and y_val must be given together; got None for y_val",
    ),
    "floats of 0 and 1": (
        fit(X, np.eye(3)[Y] + [1, 0, 0]),
        ValueError,
        "For several labels per sample, pass integers, y.astype(int).",
    ),
    "y with None": (
        fit(X, with_missing(WORDS, None)),
        ValueError,
        "y contains NaN or None, for missing labels: 1 of 30, the first at index 0. "
        "Leave these samples out: with keep = ~pandas.isna(y), pass X[keep] and y",
    ),
    "y with NaN among strings": (
        fit(X, with_missing(WORDS, np.nan)),
        ValueError,
        "y contains NaN or None",
    ),
    "y with NA of pandas": (
        fit(X, pd.Series([pd.NA, *WORDS[1:]], dtype="string")),
        ValueError,
        "y contains NaN or None",
    ),
    "y of real values": (
        fit(X, X[:, 0]),
        ValueError,
        "labels. Use MLPRegressor to predict real values; if they are labels, pass "
        "y.astype(str).",
    ),
    "y of two types": (
        fit(X, np.array([1, "a"] * 15, object)),
        ValueError,
        "y has dtype object and labels of type int and str. Make all labels of one "
        "type: pass y.astype(str).",
    ),
    "y of objects": (
        fit(X, Y.astype(object)),
        ValueError,
        "labels of type int. Make all labels of one type: pass y.astype(int).",
    ),
    "y_val with other labels": (
        fit(X, Y, X_val=X, y_val=Y + 1),
        ValueError,
        "y_val: labels that are not among the classes: [3]; the 3 classes are 0, 1, 2,",
    ),
    "X of one dimension": (
        fit(X[:, 0], Y),
        ValueError,
        "Reshape your data either using array.reshape(-1, 1) if",
    ),
    "X of strings": (
        fit([["red", "big"]] * 30, Y),
        ValueError,
        "X: could not convert string to float: 'red'. Turn categories into numbers "
        "first, for example with sklearn.preprocessing.OneHotEncoder",
    ),
    "X of texts": (fit(["a text"] * 30, Y), ValueError, "TfidfVectorizer"),
    "X with a categorical column": (
        fit(FRAME.assign(a=pd.Categorical(WORDS), b=WORDS), Y),
        ValueError,
        "Columns without numbers: ['a', 'b'].",
    ),
    "X with dates": (
        fit(FRAME.assign(c=pd.Timestamp(0)), Y),
        TypeError,
        "Columns without numbers: ['c'].",
    ),
    "partial_fit without classes": (
        lambda: make_mlp().partial_fit(X, Y),
        ValueError,
        "partial_fit(X, y, classes=numpy.unique(all_labels))",
    ),
    "a class that comes late": (
        lambda: make_mlp().partial_fit(X, Y, [0, 1, 2]).partial_fit(X, Y + 1),
        ValueError,
        "y: labels that are not among the classes: [3]; the 3 classes are 0, 1, 2,",
    ),
    "prediction before fit": (
        lambda: make_mlp().predict(X),
        NotFittedError,
        "is not fitted yet. Call 'fit'",
    ),
    "score before fit": (
        lambda: make_mlp().score(X, T),
        NotFittedError,
        "is not fitted yet. Call 'fit'",
    ),
    "prediction from other features": (
        lambda: fitted().predict(X[:, :3]),
        ValueError,
        "X has 3 features, but MLPClassifier is expecting 4 features",
    ),
    "prediction from features of other names": (
        lambda: make_mlp().fit(FRAME, Y).predict(FRAME.rename(columns={"a": "z"})),
        ValueError,
        "Feature names unseen at fit time:\n- z\n",
    ),
    "prediction from text": (
        lambda: fitted().predict([["red"] * 4]),
        ValueError,
        "OneHotEncoder",
    ),
    "alpha given to the regressor": (
        make_regressor(alpha=0.001),
        TypeError,
        "MLPRegressor got an unexpected keyword argument alpha=0.001. Write "
        "weight_decay=0.001 / batch_size",
    ),
    "criterion of a tree": (
        make_regressor(criterion="absolute_error"),
        TypeError,
        "Write loss='quantile'.",
    ),
    "class_weight given to the regressor": (
        make_regressor(class_weight="balanced"),
        TypeError,
        "Leave it out: only classes have weights. Those of samples are for fit",
    ),
    "a quantile without its loss": (
        make_regressor(quantile=0.9),
        TypeError,
        "quantile=0.9. Write loss=Quantile(0.9), with the class of cymlp.losses.",
    ),
    "the transformer of another estimator": (
        make_regressor(func=np.log),
        TypeError,
        "sklearn.compose.TransformedTargetRegressor(MLPRegressor(), func=numpy.log1p",
    ),
    "normalize_y of GaussianProcessRegressor": (
        make_regressor(normalize_y=True),
        TypeError,
        "Write target_scale='standard'.",
    ),
    "loss mse of the regressor": (
        fit_regressor(loss="mse"),
        ValueError,
        "Got 'mse' instead. Write loss='squared_error'.",
    ),
    "loss mae of the regressor": (
        fit_regressor(loss="mae"),
        ValueError,
        "Got 'mae' instead. Write loss='quantile'.",
    ),
    "loss squared_loss": (
        fit_regressor(loss="squared_loss"),
        ValueError,
        "Write loss='squared_error'.",
    ),
    "loss of classes": (
        fit_regressor(loss="log_loss"),
        ValueError,
        "That is a loss for classes: use MLPClassifier to predict them. For real "
        "values write loss='squared_error'.",
    ),
    "loss gamma": (
        fit_regressor(loss="gamma"),
        ValueError,
        "Write an object with the method value_and_gradient(Z, T) for a loss of your",
    ),
    "solver lbfgs of the regressor": (
        fit_regressor(solver="lbfgs"),
        ValueError,
        "It needs all samples at each step",
    ),
    "monitor of classes": (
        fit_regressor(monitor="accuracy"),
        ValueError,
        "Got 'accuracy' instead. Write monitor='r2'.",
    ),
    "monitor rmse": (
        fit_regressor(monitor="rmse"),
        ValueError,
        "Write monitor='loss'.",
    ),
    "monitor of values": (
        fit_with(monitor="r2"),
        ValueError,
        "Got 'r2' instead. Write monitor='accuracy'.",
    ),
    "target_scale minmax": (
        fit_regressor(target_scale="minmax"),
        ValueError,
        "Write target_scale=(y.min(), y.max() - y.min()).",
    ),
    "target_scale by a number": (
        fit_regressor(target_scale=1000),
        ValueError,
        "Write target_scale=(0, 1000): a shift of 0 and this divisor.",
    ),
    "target_scale=True": (
        fit_regressor(target_scale=True),
        ValueError,
        "Write target_scale='standard'.",
    ),
    "classes given to the regressor": (
        fit_regressor(X, WORDS),
        ValueError,
        "y must have real values; got the label 'ant'. Use MLPClassifier to predict "
        "labels.",
    ),
    "values with NaN": (
        fit_regressor(X, [np.nan, *SCORE[1:]]),
        ValueError,
        "y contains NaN or None, for missing values: 1 of 30, the first at index 0. "
        "Leave these samples out: with keep = ~pandas.isna(y), pass X[keep] and y",
    ),
    "values with NA of pandas": (
        fit_regressor(X, pd.Series([pd.NA, *SCORE[1:]], dtype=object)),
        ValueError,
        "y contains NaN or None",
    ),
    "rows of values with NaN": (
        fit_regressor(X, np.where(X > 2, np.nan, X)),
        ValueError,
        "y contains NaN or None",
    ),
    "infinite values": (
        fit_regressor(X, [np.inf, *SCORE[1:]]),
        ValueError,
        "Input y contains infinity",
    ),
    "a sparse matrix of values": (
        fit_regressor(X, csr_array(X)),
        ValueError,
        "y must be a dense array; got a sparse matrix of shape (30, 4). Pass "
        "y.toarray().",
    ),
    "classes of partial_fit given to the regressor": (
        lambda: MLPRegressor().partial_fit(X, SCORE, classes=[0, 1]),
        TypeError,
        "Leave it out: only partial_fit of MLPClassifier takes it.",
    ),
    "sets of labels": (
        fit(X, [[0, 1], [2], []] * 10),
        ValueError,
        "y has sets of labels of different sizes. Turn them into 0 and 1 with "
        "sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y).",
    ),
    "several labels as objects": (
        fit(X, pd.DataFrame(np.eye(3)[Y]).astype("Int64")),
        ValueError,
        "If these are 0 and 1, pass y.astype(int).",
    ),
    "a warm start with fewer classes": (
        lambda: make_mlp(warm_start=True).fit(X, Y).fit(X, Y % 2),
        ValueError,
        "Previously got [0 1 2], `y` has [0 1]. Write warm_start=False to start again",
    ),
    "a warm start with more classes": (
        lambda: make_mlp(warm_start=True).fit(X, Y % 2).fit(X, Y),
        ValueError,
        "Previously got [0 1], `y` has [0 1 2]. Write warm_start=False",
    ),
    "a warm start with other features": (
        lambda: make_mlp(warm_start=True).fit(X, Y).fit(X[:, :3], Y),
        ValueError,
        "X has 3 features, but MLPClassifier is expecting 4 features",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_error_says_what_to_write(mistake):
    call, kind, words = MISTAKES[mistake]
    with pytest.raises(kind, match=re.escape(words)) as info:
        call()
    # Not an error that scikit-learn turned into another, nor a bug in a hint.
    assert type(info.value).__name__ in (kind.__name__, "InvalidParameterError")


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
def test_hinge_says_why_it_has_no_probabilities(method):
    with pytest.raises(AttributeError, match=f"no attribute '{method}'") as info:
        getattr(make_mlp(loss="hinge").fit(X, Y), method)
    message = "loss='hinge' does not define probabilities. Use decision_function, or"
    assert message in str(info.value.__cause__)


def test_parameters_are_found_as_without_the_decorator():
    parameters = inspect.signature(MLPClassifier).parameters
    assert [*parameters][:4] == ["hidden_layer_sizes", "activation", "loss", "solver"]
    assert sorted(parameters) == MLPClassifier._get_param_names()
    assert parameters["solver"].kind is inspect.Parameter.KEYWORD_ONLY
    assert has_fit_parameter(MLPClassifier(), "sample_weight_val")
    mlp = MLPClassifier((3,), "tanh", "focal", max_iter=7)
    for copy in (clone(mlp), pickle.loads(pickle.dumps(mlp))):
        assert copy.get_params() == mlp.get_params()


class Preset(MLPClassifier):
    """A user's own subclass, with parameters of its own."""

    def __init__(self, epochs=3, solver="sgd"):
        super().__init__((4,), solver=solver, n_iter_no_change=np.inf)
        self.epochs = epochs
        self.max_iter = epochs


def test_a_subclass_may_have_other_parameters():
    assert clone(Preset(epochs=2)).fit(X, Y).n_iter_ == 2
    message = r"'alpha'.*Valid parameters are: \['epochs', 'solver'\]|Write weight"
    with pytest.raises(ValueError, match=message):
        Preset().set_params(alpha=3)
    with pytest.raises(ValueError, match=r"Preset must.*Write solver='adam'"):
        Preset(solver="adamw").fit(X, Y)


def test_a_refused_set_params_changes_nothing():
    mlp = MLPClassifier(loss="focal", max_iter=3)
    for wrong in ({"alpha": 1}, {"loss__gamma": 1}):
        with pytest.raises(ValueError, match="Invalid parameter"):
            mlp.set_params(max_iter=9, **wrong)
        assert mlp.max_iter == 3
    assert mlp.set_params(loss=Focal(), loss__gamma=3).loss.gamma == 3


# Scores against rows of probabilities


@pytest.mark.parametrize("weights", [None, np.linspace(0, 1, 30)])
def test_score_takes_the_most_likely_class_of_probabilities(weights):
    mlp = make_mlp().fit(X, T)
    assert mlp.score(X, T, weights) == mlp.score(X, T.argmax(axis=1), weights)
    mlp.fit(X, T, X_val=X, y_val=T, sample_weight_val=weights)
    score = mlp.score(X, T, weights)
    assert score == pytest.approx(mlp.history_["val_accuracy"][-1])
    assert 0.1 < score < 0.9
    scores = cross_val_score(mlp, X, T, cv=3, error_score="raise")
    assert np.isfinite(scores).all()


def test_score_refuses_targets_that_fit_would_refuse():
    mlp = make_mlp().fit(X, WORDS)
    assert mlp.score(X, WORDS) > 0
    for y, words in (
        (T, "the 3 classes are 'ant', 'bee', 'cat'"),
        (2 * T, "row 0 has sum 2"),
        (csr_array(T), "y must have one class per sample"),
    ):
        with pytest.raises(ValueError, match=words):
            mlp.score(X, y)
