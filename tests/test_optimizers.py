"""Gradient descent with momentum against its twin in reference.py."""

import numpy as np
import pytest
from reference import sgd_step

from cymlp.optimizers import SGD

SETTINGS = [
    {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0},
    {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.5},
    {"learning_rate": 0.3, "momentum": 0.5, "weight_decay": 0.01},
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_steps_agree_with_their_twin(settings, dtype):
    rng = np.random.default_rng(0)
    theta, velocity = rng.normal(size=(2, 37)).astype(dtype)
    expected = theta.astype(float), velocity.astype(float)
    optimizer = SGD(**settings)
    for _ in range(5):
        gradient = rng.normal(size=37).astype(dtype)
        optimizer.step(theta, velocity, gradient)
        expected = sgd_step(*expected, gradient, **settings)
    # Five steps of five roundings each, of numbers up to about 4.
    atol = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(theta, expected[0], rtol=0, atol=atol)
    np.testing.assert_allclose(velocity, expected[1], rtol=0, atol=atol)


def test_settings_can_be_read_and_changed_between_steps():
    optimizer = SGD(learning_rate=1.0, momentum=0.0, weight_decay=0.0)
    theta, velocity, gradient = np.zeros(1), np.zeros(1), np.ones(1)
    optimizer.step(theta, velocity, gradient)
    optimizer.learning_rate, optimizer.momentum, optimizer.weight_decay = 0.5, 2.0, 3.0
    optimizer.step(theta, velocity, gradient)
    # v = 2 · 1 + (1 + 3 · -1) = 0
    assert (theta[0], velocity[0]) == (-1.0, 0.0)
    assert (optimizer.learning_rate, optimizer.momentum) == (0.5, 2.0)
    assert optimizer.weight_decay == 3.0


def test_step_leaves_the_gradient_alone():
    gradient = np.ones(3)
    SGD(**SETTINGS[-1]).step(np.ones(3), np.ones(3), gradient)
    np.testing.assert_array_equal(gradient, np.ones(3))


def test_step_of_no_parameters_does_nothing():
    SGD(**SETTINGS[0]).step(np.empty(0), np.empty(0), np.empty(0))


@pytest.mark.parametrize("lengths", [(2, 3, 3), (3, 2, 3), (3, 3, 2)])
def test_step_names_lengths_that_differ(lengths):
    with pytest.raises(ValueError, match="got {}, {} and {}".format(*lengths)):
        SGD(**SETTINGS[0]).step(*map(np.zeros, lengths))


def test_step_refuses_a_mix_of_precisions():
    with pytest.raises(ValueError, match="dtype mismatch"):
        SGD(**SETTINGS[0]).step(np.zeros(3), np.zeros(3, np.float32), np.zeros(3))
