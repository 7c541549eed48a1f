"""Measures of a run."""

import math

import pytest

from benchmarks.report import measures


def make_record(**curves):
    return {
        "curves": {
            name: {"epochs": list(range(1, len(values) + 1)), "values": values}
            for name, values in curves.items()
        },
        "seconds": 10.0,
    }


def test_speed_is_the_first_epoch_that_reaches_the_level():
    record = make_record(train_accuracy=[0.5, 0.96, 0.9, 0.97])
    assert measures.epochs_to("train_accuracy", 0.95)(record) == 2
    assert measures.epochs_to("train_accuracy", 0.965)(record) == 4
    assert measures.epochs_to("train_accuracy", 0.99)(record) == 4  # never


def test_the_last_epoch_has_all_its_blocks():
    record = make_record()
    record["curves"]["train_loss"] = {
        "epochs": [98.4167, 98.833, 99.4167, 99.833], "values": [9, 9, 1, 2],
    }  # fmt: skip
    assert measures.last_epoch("train_loss")(record) == 1.5
    whole = [99.0833, 99.5, 100.0]
    record["curves"]["train_loss"] = {"epochs": [99.0, *whole], "values": [9, 1, 2, 3]}
    assert measures.last_epoch("train_loss")(record) == 2


def test_roughness_ignores_a_trend():
    straight = [0.5, 0.1, 0.7, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert measures.roughness(make_record(test_accuracy=straight)) < 1e-12
    zigzag = [*straight[:4], 0.2, 0.4, 0.2, 0.4]
    bends = measures.roughness(make_record(test_accuracy=zigzag))
    assert bends == pytest.approx(0.4)


def test_a_slope_is_taken_at_the_end():
    record = make_record(test_loss=[9, 1, 5, 3, 1.0, 2.0, 3.0, 4.0])
    assert measures.slope(record, "test_loss", 0.4) == pytest.approx(1)


def test_too_few_points_give_nan():
    record = make_record(test_accuracy=[0.5], test_loss=[1.0])
    assert math.isnan(measures.roughness(record))
    assert math.isnan(measures.slope(record, "test_loss", 0.5))
    assert math.isnan(measures.at_epoch("test_loss", 2)(record))


def test_measures_that_a_run_lacks_are_left_out():
    record = make_record(
        train_loss=[3.0, 2.0, 1.0], train_accuracy=[0.5, 0.6, 0.7],
        test_loss=[1.0, 2.0, 3.0], test_accuracy=[0.5, 0.6, 0.5],
        gradient_norm=[1.0, 2.0, 3.0],
    ) | {"test_loss": 2.0, "test_accuracy": 0.6}  # fmt: skip
    found = measures.measured(record)
    assert found["gap"] == pytest.approx(0.7 - 0.6)
    assert found["gradient_norm"] == 2.5
    assert not {"saturation", "score_range", "time", "hard_accuracy"} & set(found)
    diagnostics = {"saturation": [[0.1], [0.3]], "dead_units": [[0], [0.5]],
                   "zero_gradients": [[0, 0], [0.2, 0.4]]}  # fmt: skip
    found = measures.measured(record | {"diagnostics": diagnostics})
    assert (found["saturation"], found["zero_at_scores"]) == (0.3, 0.4)
