"""A document in its two forms."""

import base64
from html.parser import HTMLParser

import pytest

from benchmarks.report.document import (
    Bullets,
    Gallery,
    Heading,
    Link,
    Picture,
    Strong,
    Table,
    as_html,
    as_markdown,
    paragraph,
)

NASTY = 'a < b & c | *d* _e_ [f] "g" `h` $i'
PNG = b"\x89PNG and more"


@pytest.fixture
def blocks(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(PNG)
    picture = Picture(path, NASTY, "caption " + NASTY)
    return [
        Heading("The title", 1),
        Heading("What's new?"),
        paragraph("See ", Link("this", "#whats-new"), ": ", Strong(NASTY), "."),
        Bullets(["one", ("two ", Strong("three"))]),
        Heading("Figures & more"),
        Table(["x", "y"], [["1", NASTY], ["3", Strong("4")]]),
        picture,
        Gallery([picture, picture]),
    ]


class Outline(HTMLParser):
    """What a page consists of; fails if tags are not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append((self.open[-1] if self.open else None, text))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag):
        return [text for inside, text in self.texts if inside == tag]


def test_the_page_stands_by_itself(blocks):
    outline = Outline(as_html(blocks))
    assert outline.text("h1") == ["The title"]
    assert not outline.all("script")
    assert not outline.all("link")
    images = outline.all("img")
    assert len(images) == 3
    for image in images:
        prefix = "data:image/png;base64,"
        assert image["src"].startswith(prefix)
        assert base64.b64decode(image["src"].removeprefix(prefix)) == PNG
        assert image["alt"] == NASTY
    assert "@media print" in outline.text("style")[0]


def test_the_page_has_contents_that_lead_to_its_headings(blocks):
    outline = Outline(as_html(blocks))
    targets = [link["href"] for link in outline.all("a")]
    assert targets == ["#whats-new", "#figures--more", "#whats-new"]
    assert {f"#{heading['id']}" for heading in outline.all("h2")} == set(targets)


def test_the_page_shows_all_text_as_it_is(blocks):
    outline = Outline(as_html(blocks))
    assert outline.text("strong") == [NASTY, "three", "4"]
    assert NASTY in outline.text("td")
    assert outline.text("th") == ["x", "y"]
    assert all(cell["scope"] == "col" for cell in outline.all("th"))
    assert outline.text("figcaption") == ["caption " + NASTY] * 3


def test_markdown_says_the_same(blocks):
    text = as_markdown(blocks)
    escaped = r"a \< b & c \| \*d\* \_e\_ \[f\] " + '"g" ' + r"\`h\` $i"
    assert text.split("\n\n") == [
        "# The title",
        "## What's new?",
        f"See [this](#whats-new): **{escaped}**.",
        "- one\n- two **three**",
        "## Figures & more",
        f"| x | y |\n| --- | --- |\n| 1 | {escaped} |\n| 3 | **4** |",
        f"![{escaped}](one.png)",
        f"*caption {escaped}*",
        "Larger, figure by figure: "
        + ", ".join([rf"[caption {escaped}](one.png)"] * 2)
        + ".\n",
    ]
