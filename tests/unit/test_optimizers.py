"""Steps of each optimiser against its twin in reference.py."""

import copy
import functools
import pickle

import numpy as np
import pytest
from reference import OPTIMIZERS

from cymlp._engine.optimizers import SGD, Adam, Optimizer

ADAM = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-8, "weight_decay": 0.0}
CASES = [
    (SGD, {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.5}),
    (SGD, {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.01}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0,
           "nesterov": True}),
    (SGD, {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.5,
           "nesterov": True}),
    (Adam, {"learning_rate": 0.1, **ADAM}),
    (Adam, {"learning_rate": 0.1, **ADAM, "beta_1": 0.0}),
    (Adam, {"learning_rate": 0.1, **ADAM, "beta_2": 0.0}),
    (Adam, {"learning_rate": 0.3, **ADAM, "epsilon": 0.5, "weight_decay": 0.5}),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=repr)
def case(request):
    return request.param


@pytest.fixture
def optimizer(case):
    member, settings = case
    return member(**settings)


@pytest.fixture
def twin(case):
    member, settings = case
    return functools.partial(OPTIMIZERS[member.__name__], **settings)


def fresh_state(optimizer, dtype="float64", count=37):
    state = np.zeros((1 + optimizer.n_slots, count), dtype)
    state[0] = np.random.default_rng(0).normal(size=count)
    return state


def random_gradients(n, dtype="float64", count=37):
    return np.random.default_rng(1).normal(size=(n, count)).astype(dtype)


def test_every_optimizer_has_a_twin():
    ours = [m for m in Optimizer.__subclasses__() if m.__module__ == SGD.__module__]
    assert {member.__name__ for member in ours} == set(OPTIMIZERS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_agree_with_their_twin(optimizer, twin, dtype):
    state = fresh_state(optimizer, dtype)
    expected = state.astype(float)
    for t, gradient in enumerate(random_gradients(5, dtype), start=1):
        optimizer.step(state, gradient)
        expected = twin(expected, gradient.astype(float), t)
        assert optimizer.n_steps == t
    # Five steps of at most ten roundings each, of numbers up to about 6.
    atol = 200 * np.finfo(dtype).eps
    np.testing.assert_allclose(state, expected, rtol=0, atol=atol)


def test_learning_rate_can_be_changed_between_steps(optimizer, twin):
    state = fresh_state(optimizer)
    first, second = random_gradients(2)
    expected = twin(twin(state, first, 1), second, 2, learning_rate=0.7)
    optimizer.step(state, first)
    optimizer.learning_rate = 0.7
    optimizer.step(state, second)
    assert optimizer.learning_rate == 0.7
    np.testing.assert_allclose(state, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("value", [0, -0.1, np.nan, np.inf, -np.inf])
def test_learning_rate_that_is_not_positive_and_finite_is_refused(case, value):
    member, settings = case
    message = f"learning_rate must be a positive finite number; got {float(value)}"
    with pytest.raises(ValueError, match=message):
        member(**settings | {"learning_rate": value})
    optimizer = member(**settings)
    with pytest.raises(ValueError, match=message):
        optimizer.learning_rate = value
    with pytest.raises(TypeError):
        optimizer.learning_rate = "0.1"
    assert optimizer.learning_rate == settings["learning_rate"]


@pytest.mark.parametrize(
    ("member", "name", "values"),
    [
        *((member, "weight_decay", [-1e-9, np.nan, np.inf]) for member in (SGD, Adam)),
        (SGD, "momentum", [-0.1, 1, np.nan]),
        (Adam, "beta_1", [-0.1, 1, np.nan]),
        (Adam, "beta_2", [-0.1, 1, np.nan]),
        (Adam, "epsilon", [0, -1e-8, 1e-40, np.nan, np.inf]),
    ],
)
def test_settings_out_of_range_are_refused_by_name(member, name, values):
    settings = next(settings for other, settings in CASES if other is member)
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be .*; got {float(value)}"):
            member(**settings | {name: value})


def test_settings_can_be_read(case, optimizer):
    for name, value in case[1].items():
        assert getattr(optimizer, name) == value


def test_going_back_takes_the_state_and_the_number_of_steps(optimizer):
    state = fresh_state(optimizer)
    first, second, third = random_gradients(3)
    optimizer.step(state, first)
    before, n_steps = state.copy(), optimizer.n_steps
    optimizer.step(state, second)
    optimizer.step(state, third)
    again, optimizer.n_steps = before.copy(), n_steps
    optimizer.step(again, second)
    optimizer.step(again, third)
    np.testing.assert_array_equal(again, state)


def test_number_of_steps_cannot_be_negative(optimizer):
    with pytest.raises(ValueError, match="n_steps must be a whole number >= 0; got -1"):
        optimizer.n_steps = -1


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))]
)
def test_copies_go_on_alike(optimizer, copied):
    state = fresh_state(optimizer)
    first, second = random_gradients(2)
    optimizer.step(state, first)
    optimizer.learning_rate = 0.01
    again, state_again = copied(optimizer), state.copy()
    optimizer.step(state, second)
    again.step(state_again, second)
    assert again.n_steps == 2
    np.testing.assert_array_equal(state_again, state)


def test_a_gradient_of_0_moves_nothing():
    optimizer = Adam(learning_rate=0.1, **ADAM | {"epsilon": 1e-37})
    for dtype in ("float32", "float64"):
        state = fresh_state(optimizer, dtype)
        before = state.copy()
        optimizer.step(state, np.zeros(37, dtype))
        np.testing.assert_array_equal(state, before)


def test_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    gradient = np.array([1e-3, -1.0, 1e6])
    optimizer = Adam(learning_rate=0.1, **ADAM)
    state = np.zeros((3, 3))
    optimizer.step(state, gradient)
    np.testing.assert_allclose(state[0], [-0.1, 0.1, -0.1], rtol=1e-4)


def test_step_leaves_the_gradient_alone(optimizer):
    gradient = np.ones(37)
    optimizer.step(fresh_state(optimizer), gradient)
    np.testing.assert_array_equal(gradient, np.ones(37))


def test_step_of_no_parameters_does_nothing(optimizer):
    optimizer.step(fresh_state(optimizer, count=0), np.empty(0))


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (-1, 0), (0, 1)])
def test_step_names_shapes_that_do_not_fit(optimizer, rows, columns):
    shape = (1 + optimizer.n_slots + rows, 3)
    with pytest.raises(ValueError, match=r"state must have shape .*; got .* and"):
        optimizer.step(np.zeros(shape), np.zeros(3 + columns))


def test_step_refuses_a_mix_of_precisions(optimizer):
    with pytest.raises(ValueError, match="dtype mismatch"):
        optimizer.step(fresh_state(optimizer), np.zeros(37, np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_derived_from_the_base_is_refused(dtype):
    class Mine(Optimizer):
        pass

    optimizer = Mine(learning_rate=0.1, weight_decay=0.0)
    with pytest.raises(NotImplementedError, match="Mine is no optimiser of cymlp"):
        optimizer.step(np.zeros((1, 3), dtype), np.zeros(3, dtype))
