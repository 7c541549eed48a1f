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
    assert measures.epochs_to(record) == 2
    assert measures.seconds_to(record) == 2 * 10 / 4
    assert measures.epochs_to(record, 0.99) == 4


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
