"""The committed report and the runs that it is about."""

from pathlib import Path

import pytest

from benchmarks.datasets import DataSet
from benchmarks.report import document, pictures, sections
from benchmarks.report.__main__ import read_runs
from benchmarks.report.rows import published

RESULTS = Path(__file__).parents[1] / "results"


def without_overflow_table(text):
    """Last digits of exp, and so of the plain formulas, differ between processors."""
    lines = text.splitlines()
    return [line for line in lines if not line.startswith(("| tanh ", "| loss by "))]


@pytest.mark.skipif(
    not RESULTS.exists(), reason="a source distribution lacks the committed report"
)
def test_the_committed_report_is_what_its_runs_give(monkeypatch):
    for name in ("draw_row", "draw_grid", "draw_comparison", "draw_diagnostics"):
        monkeypatch.setattr(pictures, name, lambda *_: None)
    monkeypatch.setattr(pictures, "png", lambda _: b"")
    runs = [run for name in ("runs", "probes") for run in read_runs(RESULTS, name)]
    source = "the official MNIST files, from a local folder"
    mnist = DataSet("mnist", None, None, None, None, source, comparable=True)
    blocks = sections.report(runs, mnist, published()["rows"])
    committed = (RESULTS / "report.md").read_text("utf-8")
    text = document.as_markdown(blocks)
    assert without_overflow_table(text) == without_overflow_table(committed)
    named = {block.name for block in blocks if isinstance(block, document.Picture)}
    assert named == {path.name for path in RESULTS.glob("*.png")}
