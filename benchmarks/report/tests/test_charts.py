"""The charts of the summary."""

from xml.etree import ElementTree

import pytest

from benchmarks.report import charts, judging, pictures
from benchmarks.report.claims import Claim, pairs
from benchmarks.report.rows import METRICS
from benchmarks.report.tests.test_networks import by_key, make_network


def marks(svg, kind):
    """The marks of a kind in a picture, which must be well-formed."""
    return [each for each in ElementTree.fromstring(svg).iter() if kind in each.tag]


def test_a_row_has_a_dot_for_each_metric_at_its_distance():
    network = make_network([1.0, 2.0, 3.0], published=4.0)
    svg = charts.row_chart([("a < b", network, None)], 620, 200)
    dots = marks(svg, "circle")
    assert len(dots) == len(METRICS)
    # The published value is two standard deviations above the mean.
    panel = (620 - 200) / 4
    unit = (panel / 2 - 8) / charts.REACH
    middle = 200 + panel / 2
    assert float(dots[0].get("cx")) == pytest.approx(middle + 2 * unit, abs=0.06)


def test_a_distant_value_is_an_arrow_at_the_edge():
    network = make_network([1.0, 2.0, 3.0], published=-400.0)
    better = make_network([-400.0, -399.0, -401.0], -400.0)
    svg = charts.row_chart([("1", network, better)], 620, 200)
    assert len(marks(svg, "polygon")) == len(METRICS)
    colours = {each.get("fill") for each in marks(svg, "circle")}
    assert colours == {charts.CORRECTED_COLOUR}


@pytest.mark.parametrize("label_width", [300, 0])
def test_a_claim_has_a_line_for_each_comparison(label_width):
    networks = by_key(
        make_network([1.0, 1.1, 1.3], 0, 1), make_network([9.0, 9.2, 9.1], 0, 2)
    )
    claims = {"A & B": [Claim("It is so.", pairs("epochs", "higher", 2, 1, 1, 2))]}
    judgements = judging.judge(claims, networks)
    svg = charts.claim_chart(judgements, 600, label_width)
    texts = [each.text for each in marks(svg, "text")]
    assert texts[:2] == ["A & B", "It is so"]
    strokes = [each.get("stroke") for each in marks(svg, "line")]
    assert charts.COLOURS["holds"] in strokes
    assert charts.COLOURS["does not hold"] in strokes


def test_a_large_effect_is_an_arrow_at_the_edge():
    networks = by_key(
        make_network([1.0, 1.1, 1.3], 0, 1), make_network([99.0, 99.2, 99.1], 0, 2)
    )
    claims = {"A": [Claim("It is so.", pairs("epochs", "higher", 2, 1))]}
    svg = charts.claim_chart(judging.judge(claims, networks), 600, 300)
    (arrow,) = marks(svg, "polygon")
    assert arrow.get("fill") == charts.COLOURS["holds"]


def test_every_text_of_a_picture_has_the_current_colour():
    # Black text would vanish on a dark page.
    curve = {"epochs": [1, 2], "mean": [0.5, 0.6], "low": [0.4] * 2, "high": [0.7] * 2}
    network = make_network([0.5, 0.6], published=0.6)
    network.curves = dict.fromkeys(METRICS, curve)
    for svg, label in [
        (pictures.draw_network(network, True), "training, published"),
        (pictures.draw_grid([[network] * 3], "loss", True), "training, published"),
        (pictures.draw_comparison({"a": network}, True, same_loss=True), "a"),
    ]:
        texts = marks(svg, "text")
        assert label in [each.text for each in texts]
        assert all("currentColor" in each.get("style") for each in texts)


def test_effects_are_placed_in_order_and_inside():
    places = [charts.position(effect, 100) for effect in (-1e9, -5, 0, 1, 7, 1e9)]
    assert places == sorted(places)
    assert (places[0], places[2], places[-1]) == (-100, 0, 100)
