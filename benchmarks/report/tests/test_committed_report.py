"""The committed report and the runs that it is about."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.datasets import DataSet
from benchmarks.report import document, pictures, sections, summaries
from benchmarks.report.rows import published

RESULTS = Path(__file__).parents[1] / "results"
pytestmark = pytest.mark.skipif(
    not RESULTS.exists(), reason="a source distribution lacks the committed report"
)


def without_overflow_table(text):
    """Last digits of exp, and so of the plain formulas, differ between processors."""
    lines = text.splitlines()
    return [line for line in lines if not line.startswith(("| tanh ", "| loss by "))]


def test_the_committed_report_is_what_its_runs_give(monkeypatch):
    for name in ("draw_network", "draw_grid", "draw_comparison"):
        monkeypatch.setattr(pictures, name, lambda *_, **__: "<svg></svg>")
    results = summaries.read(RESULTS, published()["rows"])
    source = "the official MNIST files, from a local folder"
    mnist = DataSet("mnist", None, None, None, None, source, comparable=True)
    blocks = sections.report(results, mnist)
    committed = (RESULTS / "report.md").read_text("utf-8")
    text = document.as_markdown(blocks)
    assert without_overflow_table(text) == without_overflow_table(committed)
    named = {picture.name for picture in document.pictures_of(blocks)}
    assert named == {path.name for path in RESULTS.glob("*.svg")}


def test_every_network_has_the_same_seeds():
    with (RESULTS / "figures.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    seeds = Counter((line["figure"], line["network"]) for line in lines)
    assert len(seeds) == 28 + 6 + 4
    assert len(set(seeds.values())) == 1
    assert len(lines) == sum(seeds.values())


@pytest.mark.parametrize("page", ["README.md", "docs/report.md"])
def test_other_pages_say_the_same(page):
    networks = summaries.read(RESULTS, published()["rows"]).networks
    text = sections.result_in_words(networks)
    written = (Path(__file__).parents[3] / page).read_text("utf-8")
    assert text in " ".join(written.split())
