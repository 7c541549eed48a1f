"""The examples of the gallery."""

import runpy
from pathlib import Path

import pytest
from matplotlib import pyplot

pyplot.switch_backend("agg")

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def test_the_examples_are_found():
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_it_runs_and_draws(example, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda: None)
    runpy.run_path(str(example))
    assert all(pyplot.figure(number).axes for number in pyplot.get_fignums())
    assert pyplot.get_fignums()
    pyplot.close("all")
