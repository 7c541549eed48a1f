"""Every loss of the registry against its twin in reference.py."""

import functools
import itertools
import pickle
import re

import numpy as np
import pytest
from mpmath import mp
from reference import LOSSES, entropy, label_terms, probabilities
from sklearn.base import clone

from cymlp import losses
from cymlp._engine.network import Network
from cymlp.losses import (
    BinaryCrossEntropy,
    BinaryFocal,
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    KLDiv,
    Poisson,
    Quantile,
    SquaredError,
)

N_CLASSES = 3

# What a loss with parameters is tested with; one not listed, with its defaults.
SETTINGS = {
    "binary_cross_entropy": [{"label_smoothing": s} for s in (0.0, 0.1, 1.0)],
    "binary_focal": [
        *({"gamma": gamma} for gamma in (0, 0.5, 1, 2, 5)),
        {"alpha": 0.25},
        {"alpha": [0.2, 1.0, 0.75], "gamma": 0.5},
    ],
    "cross_entropy": [{"label_smoothing": s} for s in (0.0, 0.1, 1.0)],
    "focal": [
        *({"gamma": gamma} for gamma in (0, 0.5, 1, 2, 5)),
        {"alpha": 0.25},
        {"alpha": [0.2, 0.0, 3.0], "gamma": 0.5},
    ],
    "hinge": [
        {"margin": margin, "softmax": softmax}
        for margin in (0.5, 1.0, 5.0)
        for softmax in (False, True)
    ],
    "huber": [{"delta": delta} for delta in (0.3, 1.0, 2.5)],
    "quantile": [{"quantile": q} for q in (0.5, 0.9, [0.25, 0.5, 0.95])],
}
CASES = [
    member(**settings)
    for name, member in sorted(losses.LOSSES.items())
    for settings in SETTINGS.get(name, [{}])
]
CLASS_CASES = [loss for loss in CASES if loss.target_kind == "classes"]


@pytest.fixture(params=CASES, ids=repr)
def loss(request):
    return request.param


@pytest.fixture
def twin(loss):
    return functools.partial(LOSSES[loss.name], **loss.get_params())


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


def hard_targets(n, n_classes=N_CLASSES):
    return np.eye(n_classes)[np.arange(n) % n_classes]


def soft_targets(n):
    T = np.random.default_rng(1).dirichlet(np.ones(N_CLASSES), n)
    T[::3, 0] = 0  # 0 ln 0
    return T / T.sum(axis=1, keepdims=True)


def targets_for(loss, n):
    """Hard ones, and all others below them that the loss takes."""
    hard, rng = hard_targets(n), np.random.default_rng(2)
    if loss.target_kind == "labels":
        return np.concatenate([hard, 1 - hard, rng.uniform(size=hard.shape)])
    if loss.target_kind == "values":
        values = rng.normal(scale=2, size=hard.shape)
        return np.concatenate([hard, np.abs(values) if loss.log_link else values])
    return hard if loss.hard_labels_only else np.concatenate([hard, soft_targets(n)])


def ordinary_scores(n, n_classes=N_CLASSES):
    return np.random.default_rng(0).normal(scale=2, size=(n, n_classes))


def extreme_scores(largest=1e4):
    """All combinations; no two are equal, and no hinge term is near its kink."""
    ends = list(itertools.product([-1e4, -100, 0, 80, largest], repeat=N_CLASSES))
    return np.array(ends) + [0, 0.25, -0.5]


def assert_close(computed, expected, atol=1.0):
    """Within 8 units in the last place of the true value or, for what is left of larger
    numbers, of `atol`.

    The units are 3 for exp, and one for each product and sum on the longest way; focal
    multiplies what 1 - p has by its gamma.
    """
    tolerance = 8 * np.finfo(computed.dtype).eps
    np.testing.assert_allclose(
        computed, expected, rtol=tolerance, atol=tolerance * atol
    )


def assert_equal(computed, expected):
    """Both the values and the gradients."""
    for part, expected_part in zip(computed, expected, strict=True):
        np.testing.assert_array_equal(part, expected_part)


def test_every_loss_has_a_twin():
    assert set(losses.LOSSES) == set(LOSSES), "the twins are in tests/reference.py"


@pytest.mark.parametrize("extreme", [False, True])
def test_agrees_with_its_twin(loss, twin, dtype, extreme):
    scores = ordinary_scores(125)
    if extreme:
        # The exponentials of larger ones are not finite.
        largest = 85 if getattr(loss, "log_link", False) else 1e4
        scores = extreme_scores(largest)
    T = targets_for(loss, len(scores)).astype(dtype)
    Z = np.resize(scores, T.shape).astype(dtype)
    value, gradient = loss.value_and_gradient(Z, T)
    true_value, true_gradient = twin(Z.astype(np.float64), T.astype(np.float64))
    assert np.isfinite(true_value).all()
    assert np.isfinite(true_gradient).all()
    assert_close(value, true_value)
    assert_close(gradient, true_gradient)


def test_gradient_agrees_with_differences(loss):
    T = targets_for(loss, 30)
    Z = np.resize(ordinary_scores(30), T.shape)
    h = 1e-5
    for j in range(N_CLASSES):
        step = h * np.eye(N_CLASSES)[j]
        above, below = (loss.value_and_gradient(Z + d, T)[0] for d in (step, -step))
        # The difference is wrong by about h² and by 1e-15 / h.
        np.testing.assert_allclose(
            loss.value_and_gradient(Z, T)[1][:, j],
            (above - below) / (2 * h),
            rtol=0,
            atol=2e-9,
        )


@pytest.mark.parametrize("loss", CLASS_CASES, ids=repr)
def test_losses_next_to_zero_keep_their_digits(loss, twin, dtype):
    """And so does the gradient in the scores of the wrong classes."""
    Z = np.array([[1, 0, -0.5]] * 4) * [[5], [10], [20], [80]]
    Z, T = Z.astype(dtype), np.eye(N_CLASSES, dtype=dtype)[[0] * 4]
    value, gradient = loss.value_and_gradient(Z, T)
    true_value, true_gradient = twin(Z.astype(np.float64), T)
    smallest = np.finfo(dtype).tiny / np.finfo(dtype).eps
    assert_close(value, true_value, atol=smallest)
    assert_close(gradient[:, 1:], true_gradient[:, 1:], atol=smallest)


@pytest.mark.parametrize(
    "loss",
    [
        loss
        for loss in CASES
        if loss.target_kind == "labels" and "smooth" not in repr(loss)
    ],
    ids=repr,
)
def test_losses_of_labels_keep_their_digits_next_to_zero(loss, twin, dtype):
    Z = np.array([[5, 5, -5], [10, 20, -20], [80, 40, -80]], dtype)
    T = (Z > 0).astype(dtype)
    smallest = np.finfo(dtype).tiny / np.finfo(dtype).eps
    for part, true_part in zip(
        loss.value_and_gradient(Z, T), twin(Z.astype(float), T), strict=True
    ):
        assert_close(part, true_part, atol=smallest)


@pytest.mark.parametrize("n_classes", [1, 2, 10])
@pytest.mark.parametrize("name", sorted(losses.LOSSES))
def test_takes_any_number_of_classes(name, n_classes):
    Z, T = ordinary_scores(20, n_classes), hard_targets(20, n_classes)
    value, gradient = losses.LOSSES[name]().value_and_gradient(Z, T)
    true_value, true_gradient = LOSSES[name](Z, T)
    assert_close(value, true_value)
    assert_close(gradient, true_gradient)


DEFINITIONS = {
    "focal": lambda p, y, gamma: -((1 - p[y]) ** gamma) * mp.log(p[y]),
    "hinge": lambda p, y, margin, softmax: (
        sum(margin + p_k - p[y] for p_k in p) - margin
    ),
}


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *(("focal", {"gamma": gamma}) for gamma in (0, 0.5, 2)),
        ("hinge", {"margin": 1, "softmax": True}),
    ],
)
@pytest.mark.parametrize("best", [1, 100, 1000])
@pytest.mark.parametrize("y", [0, 1])
def test_twin_is_right_next_to_0_and_1(name, settings, best, y):
    """Against the definition itself, with more digits than 1 - p needs."""
    scores = [0, best, -0.5]

    def value(*scores):
        p = [mp.exp(score) for score in scores]
        return DEFINITIONS[name]([p_k / sum(p) for p_k in p], y, **settings)

    with mp.workdps(50 + 2 * best):
        true_value = float(value(*scores))
        true_gradient = [
            float(mp.diff(value, scores, tuple(which)))
            for which in np.eye(3, dtype=int)
        ]
    T = np.eye(N_CLASSES)[[y]]
    twin_value, twin_gradient = LOSSES[name](np.array([scores]), T, **settings)
    assert_close(twin_value, [true_value], atol=0)
    # Where one score dwarfs two others, the gradient in these is a difference.
    assert_close(twin_gradient, [true_gradient], atol=1e-40)


@pytest.mark.parametrize(
    ("wrong", "position"), [*((np.nan, j) for j in range(3)), (np.inf, 0), (np.inf, 2)]
)
def test_scores_that_are_not_finite_show_in_the_value(loss, dtype, wrong, position):
    Z, T = ordinary_scores(9).astype(dtype), hard_targets(9)
    before, _ = loss.value_and_gradient(Z, T)
    Z[4, position] = wrong  # where class 1 is right
    value, _ = loss.value_and_gradient(Z, T)
    np.testing.assert_array_equal(np.isfinite(value), np.arange(9) != 4)
    np.testing.assert_array_equal(np.delete(value, 4), np.delete(before, 4))


def test_output_has_shape_and_dtype_of_the_scores(loss, dtype):
    T = hard_targets(6).astype(int)
    for Z in (ordinary_scores(6).astype(dtype), np.empty((0, N_CLASSES), dtype)):
        value, gradient = loss.value_and_gradient(Z, T[: len(Z)])
        assert value.shape == Z.shape[:1]
        assert gradient.shape == Z.shape
        assert value.dtype == gradient.dtype == dtype


def test_takes_lists_and_any_memory_order(loss):
    Z, T = ordinary_scores(6), hard_targets(6)
    expected = loss.value_and_gradient(Z, T)
    for other in (np.asfortranarray, np.ndarray.tolist):
        value, gradient = loss.value_and_gradient(other(Z), other(T))
        assert_equal((value, gradient), expected)
        assert value.dtype == gradient.dtype == np.float64


def test_inputs_are_left_alone(loss):
    Z, T = ordinary_scores(6), hard_targets(6)
    loss.value_and_gradient(Z, T)
    np.testing.assert_array_equal(Z, ordinary_scores(6))
    np.testing.assert_array_equal(T, hard_targets(6))


def derived(loss):
    return type("Derived", (type(loss),), {})(**loss.get_params())


@pytest.mark.parametrize(
    "copy", [clone, lambda loss: pickle.loads(pickle.dumps(loss)), derived]
)
def test_copies_compute_the_same(loss, copy):
    again = copy(loss)
    assert again.get_params() == loss.get_params()
    Z, T = ordinary_scores(6), hard_targets(6)
    assert_equal(again.value_and_gradient(Z, T), loss.value_and_gradient(Z, T))


def test_repr_is_how_it_is_made(loss):
    again = eval(repr(loss), {type(loss).__name__: type(loss)})
    assert again.get_params() == loss.get_params()


def test_set_params_changes_what_is_computed():
    Z, T = ordinary_scores(6), hard_targets(6)
    focal = Focal(gamma=2)
    focal.value_and_gradient(Z, T)
    assert_equal(
        focal.set_params(gamma=0.5).value_and_gradient(Z, T),
        Focal(gamma=0.5).value_and_gradient(Z, T),
    )


@pytest.mark.parametrize("targets", [hard_targets, soft_targets])
def test_label_smoothing_mixes_cross_entropies(targets):
    """With those of the targets themselves and of targets that are all the same."""
    Z, T = ordinary_scores(30), targets(30)
    own, same, mixed = (
        CrossEntropy(label_smoothing=s).value_and_gradient(Z, T) for s in (0, 1, 0.25)
    )
    uniform = CrossEntropy().value_and_gradient(Z, np.full_like(T, 1 / N_CLASSES))
    for index in (0, 1):
        assert_close(same[index], uniform[index])
        assert_close(mixed[index], 0.75 * own[index] + 0.25 * same[index])


@pytest.mark.parametrize("targets", [hard_targets, soft_targets])
@pytest.mark.parametrize("label_smoothing", [0, 0.1, 0.7, 1])
def test_label_smoothing_agrees_with_torch(label_smoothing, targets):
    torch = pytest.importorskip("torch")
    Z = np.concatenate([ordinary_scores(25), extreme_scores()])
    T = targets(len(Z))
    scores = torch.tensor(Z, requires_grad=True)
    criterion = torch.nn.CrossEntropyLoss(
        reduction="none", label_smoothing=label_smoothing
    )
    expected = criterion(scores, torch.tensor(T))
    expected.sum().backward()
    loss = CrossEntropy(label_smoothing=label_smoothing)
    value, gradient = loss.value_and_gradient(Z, T)
    # PyTorch loses what is left of a probability next to 1.
    np.testing.assert_allclose(value, expected.detach(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, scores.grad, rtol=0, atol=1e-15)


def test_kl_div_equals_cross_entropy_on_hard_targets():
    Z, T = extreme_scores(), hard_targets(125)
    ce = CrossEntropy().value_and_gradient(Z, T)
    assert_equal(KLDiv().value_and_gradient(Z, T), ce)


def test_kl_div_is_cross_entropy_less_the_entropy_of_soft_targets():
    Z, T = ordinary_scores(30), soft_targets(30)
    ce, gradient = CrossEntropy().value_and_gradient(Z, T)
    kl, same_gradient = KLDiv().value_and_gradient(Z, T)
    assert entropy(T).min() > 0.01
    assert_close(kl, ce - entropy(T))
    np.testing.assert_array_equal(same_gradient, gradient)


def test_kl_div_is_0_where_probabilities_equal_targets():
    T = soft_targets(30)[1:3]
    assert_close(KLDiv().value_and_gradient(np.log(T), T)[0], [0, 0])


@pytest.mark.parametrize("targets", [hard_targets, soft_targets])
def test_focal_with_gamma_0_and_alpha_1_equals_cross_entropy(targets):
    Z, T = np.concatenate([ordinary_scores(25), extreme_scores()]), targets(150)
    focal, gradient = Focal(alpha=1, gamma=0).value_and_gradient(Z, T)
    ce, same_gradient = CrossEntropy().value_and_gradient(Z, T)
    assert_close(focal, ce)
    assert_close(gradient, same_gradient)


def test_softmax_hinge_with_margin_1_is_k_times_1_minus_p_y():
    Z, T = ordinary_scores(30, 5), hard_targets(30, 5)
    value, _ = Hinge(margin=1, softmax=True).value_and_gradient(Z, T)
    p_y = CrossEntropy().probabilities(Z)[T == 1]
    assert_close(value, 5 * (1 - p_y))


@pytest.mark.parametrize("scores", [ordinary_scores(125), extreme_scores()])
@pytest.mark.parametrize(
    "loss", [loss for loss in CLASS_CASES if hasattr(loss, "probabilities")], ids=repr
)
def test_probabilities_are_softmax(loss, dtype, scores):
    Z = scores.astype(dtype)
    p, _, log_p = probabilities(Z.astype(np.float64))
    assert loss.probabilities(Z).dtype == loss.log_probabilities(Z).dtype == dtype
    smallest = np.finfo(dtype).tiny / np.finfo(dtype).eps
    assert_close(loss.probabilities(Z), p, atol=smallest)
    assert_close(loss.log_probabilities(Z), log_p, atol=smallest)


@pytest.mark.parametrize("scores", [ordinary_scores(125), extreme_scores()])
def test_probabilities_of_labels_are_logistic(dtype, scores):
    loss, Z = BinaryCrossEntropy(), scores.astype(dtype)
    p, _, minus_log_p, _ = label_terms(Z.astype(np.float64))
    assert loss.probabilities(Z).dtype == loss.log_probabilities(Z).dtype == dtype
    smallest = np.finfo(dtype).tiny / np.finfo(dtype).eps
    assert_close(loss.probabilities(Z), p, atol=smallest)
    assert_close(loss.log_probabilities(Z), -minus_log_p, atol=smallest)


@pytest.mark.parametrize("method", ["probabilities", "log_probabilities"])
def test_losses_without_probabilities(loss, method):
    """Those of real values, and the plain hinge."""
    plain_hinge = isinstance(loss, Hinge) and not loss.softmax
    expected = not plain_hinge and loss.target_kind != "values"
    assert hasattr(loss, method) is expected


NEITHER_NUMBER_NOR_FINITE = [np.nan, np.inf, -np.inf, "1", None, 1j]


@pytest.mark.parametrize(
    ("member", "parameter", "value", "allowed"),
    [
        *((Hinge, "margin", value, r"float in the range \(0.0, inf\)")
          for value in [0, -1, *NEITHER_NUMBER_NOR_FINITE]),
        *((Hinge, "softmax", value, "bool") for value in ("yes", 2, None)),
        *((CrossEntropy, "label_smoothing", value, r"float in the range \[0.0, 1.0\]")
          for value in [-0.1, 1.1, *NEITHER_NUMBER_NOR_FINITE]),
        *((Focal, "gamma", value, r"float in the range \[0.0, inf\)")
          for value in [-0.1, *NEITHER_NUMBER_NOR_FINITE]),
        *((Focal, "alpha", value, r"float in the range \(0.0, inf\)")
          for value in [0, -1, *NEITHER_NUMBER_NOR_FINITE]),
        *((Huber, "delta", value, r"float in the range \(0.0, inf\)")
          for value in [0, -1, *NEITHER_NUMBER_NOR_FINITE]),
        *((Quantile, "quantile", value, r"float in the range \(0.0, 1.0\)")
          for value in [0, 1, 2, *NEITHER_NUMBER_NOR_FINITE]),
        *((Quantile, "quantile", value, "one for each output")
          for value in ([0.1], [0.1, 0.5, 1], [0.1, 0.5, np.nan], [["a"]])),
        *((BinaryCrossEntropy, "label_smoothing", value,
           r"float in the range \[0.0, 1.0\]") for value in (-0.1, 1.1, None)),
        *((BinaryFocal, "gamma", value, r"float in the range \[0.0, inf\)")
          for value in [-0.1, *NEITHER_NUMBER_NOR_FINITE]),
        *((BinaryFocal, "alpha", value, r"float in the range \(0.0, 1.0\]")
          for value in [0, 1.5, *NEITHER_NUMBER_NOR_FINITE]),
        *((BinaryFocal, "alpha", value, "one for each label")
          for value in ([0.5], [0.5, 0.5, 0], [0.5, 0.5, 2], [0.5, 0.5, np.nan])),
        *((Focal, "alpha", value, "each of the 3 classes")
          for value in ([1, 2], [1, 2, 3, 4], [], [[1, 2, 3]], [1, -1, 1],
                        [1, np.nan, 1], [1, np.inf, 1], ["a", "b", "c"], [[1, 2], [3]],
                        {1: 2})),
    ],
)  # fmt: skip
def test_names_the_wrong_parameter_its_value_and_what_is_allowed(
    member, parameter, value, allowed
):
    loss = member(**{parameter: value})
    message = f"'{parameter}' parameter of {member.__name__} .*{allowed}.*" + re.escape(
        f"Got {value!r} instead"
    )
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(ordinary_scores(3), hard_targets(3))
    with pytest.raises(ValueError, match=message):
        Network([2, N_CLASSES], [], loss)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("row", [[0.5, 0.5, 0], [1, 1, 0], [0, 0, 0], [1, 0, np.nan]])
def test_hinge_refuses_targets_that_are_not_hard(softmax, row):
    T = np.array([[1, 0, 0], row])
    with pytest.raises(ValueError, match="Hinge takes hard labels only"):
        Hinge(softmax=softmax).value_and_gradient(np.zeros((2, 3)), T)


@pytest.mark.parametrize(
    ("Z_shape", "T_shape"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (3, 2)),
        ((2, 0), (2, 0)),
        ((1, 2, 3),) * 2,
    ],
)
def test_refuses_shapes_that_do_not_fit(loss, Z_shape, T_shape):
    with pytest.raises(ValueError, match=r"shape \(n_samples, n_outputs\); got shapes"):
        loss.value_and_gradient(np.zeros(Z_shape), np.zeros(T_shape))


@pytest.mark.parametrize("shape", [(3,), (2, 0), (1, 2, 3)])
@pytest.mark.parametrize("method", ["probabilities", "log_probabilities"])
def test_probabilities_refuse_scores_that_are_not_rows(method, shape):
    with pytest.raises(ValueError, match=r"shape \(n_samples, n_classes\); got shape"):
        getattr(CrossEntropy(), method)(np.zeros(shape))


@pytest.mark.parametrize("row", [[5, 5, 0], [-1, 2, 0], [0.5, 0.4, 0], [0, np.nan, 1]])
def test_targets_that_are_no_probabilities_are_refused(row):
    for loss in (CrossEntropy(), KLDiv(), Focal()):
        with pytest.raises(ValueError, match="each row of T must have values"):
            loss.value_and_gradient(np.zeros((1, 3)), [row])


def test_targets_are_made_to_add_up_to_1():
    rounded = np.float32([[0.33333, 0.33333, 0.33333]])
    exact = np.full((1, 3), 1 / 3, np.float32)
    Z = np.float32([[1, 2, 3]])
    for loss in (CrossEntropy(), KLDiv(), Focal()):
        for a, b in zip(
            loss.value_and_gradient(Z, rounded),
            loss.value_and_gradient(Z, exact),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), BinaryFocal()], ids=repr)
@pytest.mark.parametrize("row", [[0, 1, 1.1], [-0.1, 0, 1], [0, np.nan, 1]])
def test_targets_that_are_no_labels_are_refused(loss, row):
    with pytest.raises(ValueError, match="T must have values from 0 to 1; got"):
        loss.value_and_gradient(np.zeros((1, 3)), [row])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("member", [SquaredError, Huber, Quantile, Poisson])
def test_targets_that_are_not_finite_are_refused(member, value):
    with pytest.raises(ValueError, match="T must have finite values"):
        member().value_and_gradient(np.zeros((1, 3)), [[0, value, 1]])


def test_poisson_refuses_negative_targets():
    with pytest.raises(ValueError, match="T must have finite values >= 0; got a min"):
        Poisson().value_and_gradient(np.zeros((1, 3)), [[0, -1, 1]])


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_binary_focal_with_alpha_and_its_complement_is_the_unweighted_loss(gamma):
    Z, T = ordinary_scores(30), targets_for(BinaryFocal(), 10)
    halves = [BinaryFocal(a, gamma).value_and_gradient(Z, T) for a in (0.25, 0.75)]
    whole = BinaryFocal(1.0, gamma).value_and_gradient(Z, T)
    for one, other, both in zip(*halves, whole, strict=True):
        assert_close(one + other, both)
