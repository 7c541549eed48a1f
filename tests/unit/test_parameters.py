"""The parameters of a network in training, with the state of their optimiser."""

import numpy as np
import pytest

from cymlp._fit.parameters import Parameters

SIZES = [3, 2, 4]
N_PARAMETERS = (3 * 2 + 2) + (2 * 4 + 4)


def make_parameters(dtype="float64", n_slots=2, n_steps=0):
    parameters = Parameters(SIZES, n_slots, dtype)
    parameters.values[:] = np.arange(parameters.values.size).reshape(1 + n_slots, -1)
    parameters.n_steps = n_steps
    return parameters


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_slots", [0, 1, 2])
def test_new_parameters_are_zeros_before_the_first_step(n_slots, dtype):
    parameters = Parameters(SIZES, n_slots, dtype)
    assert parameters.values.shape == (1 + n_slots, N_PARAMETERS)
    assert parameters.values.dtype == dtype
    assert not parameters.values.any()
    assert parameters.n_steps == 0


def test_weights_and_biases_have_the_shapes_of_the_layers():
    parameters = make_parameters()
    assert [W.shape for W in parameters.coefs] == [(3, 2), (2, 4)]
    assert [b.shape for b in parameters.intercepts] == [(2,), (4,)]


def test_weights_and_biases_are_views_of_all_parameters_and_of_no_slot():
    parameters = Parameters(SIZES, 2, "float64")
    arrays = [*parameters.coefs, *parameters.intercepts]
    for i, array in enumerate(arrays, start=1):
        array[...] = i
    values, counts = np.unique(parameters.values[0], return_counts=True)
    np.testing.assert_array_equal(values, [1, 2, 3, 4])
    np.testing.assert_array_equal(counts, [array.size for array in arrays])
    assert not parameters.values[1:].any()
    parameters.values[0] = 7
    assert all(np.all(array == 7) for array in arrays)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_has_the_values_and_steps_in_memory_of_its_own(dtype):
    parameters = make_parameters(dtype, n_steps=5)
    copied = parameters.copy()
    assert copied.n_steps == 5
    assert copied.values.dtype == dtype
    np.testing.assert_array_equal(copied.values, parameters.values)
    parameters.values[:] = -1
    parameters.n_steps = 6
    assert copied.values.min() == 0
    assert copied.n_steps == 5
    for array in (*copied.coefs, *copied.intercepts):
        assert np.shares_memory(array, copied.values)
        assert not np.shares_memory(array, parameters.values)


def test_assigned_values_appear_in_the_arrays_that_exist():
    parameters, other = make_parameters(), make_parameters(n_steps=3)
    other.values *= 2
    values, coefs = parameters.values, parameters.coefs
    parameters.assign(other)
    assert parameters.values is values
    assert parameters.coefs is coefs
    np.testing.assert_array_equal(values, other.values)
    np.testing.assert_array_equal(coefs[0], other.coefs[0])
    assert parameters.n_steps == 3
    other.values[:] = -1
    assert values.min() == 0


def test_parameters_of_another_network_are_not_assigned():
    parameters, before = make_parameters(n_steps=1), make_parameters(n_steps=1)
    with pytest.raises(ValueError, match="shape"):
        parameters.assign(Parameters([3, 2, 5], 2, "float64"))
    np.testing.assert_array_equal(parameters.values, before.values)
    assert parameters.n_steps == 1
