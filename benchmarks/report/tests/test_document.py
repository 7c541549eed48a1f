"""A document as HTML and as Markdown."""

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
    write,
)

NASTY = 'a < b & c | *d* _e_ [f] "g" `h` $i'
PNG = b"\x89PNG and more"


@pytest.fixture
def blocks():
    picture = Picture("one.png", PNG, NASTY, "caption " + NASTY)
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
    """The tags and texts of a page; fails if tags are not closed in order."""

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


def test_the_page_needs_no_other_file(blocks):
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


def test_the_contents_link_to_the_headings(blocks):
    outline = Outline(as_html(blocks))
    targets = [link["href"] for link in outline.all("a")]
    assert targets == ["#whats-new", "#figures--more", "#whats-new"]
    assert {f"#{heading['id']}" for heading in outline.all("h2")} == set(targets)


def test_all_text_is_escaped(blocks):
    outline = Outline(as_html(blocks))
    assert outline.text("strong") == [NASTY, "three", "4"]
    assert NASTY in outline.text("td")
    assert outline.text("th") == ["x", "y"]
    assert all(cell["scope"] == "col" for cell in outline.all("th"))
    assert outline.text("figcaption") == ["caption " + NASTY] * 3


def test_markdown_has_the_same_content(blocks):
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
        f"*caption {escaped}*\n",
    ]


def test_files_are_written_without_those_of_a_gallery(blocks, tmp_path):
    blocks.append(Gallery([Picture("two.png", PNG, "", "")]))
    assert write(blocks, tmp_path, "page") == tmp_path / "page.html"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"one.png", "page.html", "page.md"}
    assert (tmp_path / "one.png").read_bytes() == PNG
    assert (tmp_path / "page.html").read_text("utf-8") == as_html(blocks)
    assert (tmp_path / "page.md").read_text("utf-8") == as_markdown(blocks)
