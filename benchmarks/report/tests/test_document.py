"""A document as HTML and as Markdown."""

from html.parser import HTMLParser

import pytest

from benchmarks.report.document import (
    Bullets,
    Columns,
    Fold,
    Gallery,
    Heading,
    Link,
    Picture,
    Strong,
    Table,
    as_file,
    as_html,
    as_markdown,
    paragraph,
    write,
)

NASTY = 'a < b & c | *d* _e_ [f] "g" `h` $i'
SVG = '<svg viewBox="0 0 1 1"><circle r="1"/></svg>'
NARROW = '<svg viewBox="0 0 1 2"><circle r="2"/></svg>'


@pytest.fixture
def blocks():
    picture = Picture("one.svg", SVG, NASTY, "caption " + NASTY)
    return [
        Heading("The title", 1),
        Heading("What's new?"),
        paragraph("See ", Link("this", "#whats-new"), ": ", Strong(NASTY), "."),
        Bullets(["one", ("two ", Strong("three"))]),
        Fold(
            "Figures & more", [Table(["x", "y"], [["1\n2", NASTY], ["3", Strong("4")]])]
        ),
        Columns([picture], [paragraph("right")]),
        Fold("Every one", [Gallery([picture, picture])]),
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
        if tag not in ("circle", "input", "meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append((self.open[-1] if self.open else None, text))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag):
        return [text for inside, text in self.texts if inside == tag]


def test_the_page_needs_no_other_file(blocks):
    page = as_html(blocks)
    outline = Outline(page)
    assert outline.text("h1") == ["The title"]
    assert not outline.all("script")
    assert not outline.all("link")
    assert not outline.all("img")
    assert page.count(SVG) == 3
    labels = [each["aria-label"] for each in outline.all("span")]
    assert labels == [NASTY] * 3
    style = outline.text("style")[0]
    assert "@media print" in style
    assert "prefers-color-scheme: dark" in style


def test_a_picture_can_be_enlarged_and_have_a_narrow_form(blocks):
    outline = Outline(as_html(blocks))
    assert len(outline.all("input")) == len(outline.all("label")) == 3
    picture = Picture("one.svg", SVG, "", "", NARROW)
    page = as_html([blocks[0], picture])
    kinds = [each["class"] for each in Outline(page).all("span")]
    assert kinds == ["wide", "narrow"]
    assert SVG in page
    assert NARROW in page


def test_folds_are_closed_and_hold_their_anchor(blocks):
    outline = Outline(as_html(blocks))
    assert outline.text("summary") == ["Figures & more", "Every one"]
    assert all("open" not in each for each in outline.all("details"))
    anchors = [each["id"] for each in outline.all("a") if "id" in each]
    assert anchors == ["figures--more", "every-one"]


def test_cells_have_the_name_of_their_column_for_narrow_screens(blocks):
    cells = [each["data-name"] for each in Outline(as_html(blocks)).all("td")]
    assert cells == ["x", "y", "x", "y"]


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
        f"| x | y |\n| --- | --- |\n| 1<br>2 | {escaped} |\n| 3 | **4** |",
        f"![{escaped}](one.svg)",
        f"*caption {escaped}*",
        "right\n",
    ]


def test_files_are_written_without_those_of_a_gallery(blocks, tmp_path):
    blocks.append(Gallery([Picture("two.svg", SVG, "", "")]))
    blocks.append(Fold("a", [Picture("three.svg", SVG, "", "")]))
    assert write(blocks, tmp_path, "page") == tmp_path / "page.html"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"one.svg", "three.svg", "page.html", "page.md"}
    assert (tmp_path / "one.svg").read_text("utf-8") == as_file(SVG)
    assert (tmp_path / "page.html").read_text("utf-8") == as_html(blocks)
    assert (tmp_path / "page.md").read_text("utf-8") == as_markdown(blocks)


def test_a_file_has_colours_for_light_and_dark_screens():
    text = as_file(SVG)
    assert text.startswith('<svg viewBox="0 0 1 1"><style>')
    assert "prefers-color-scheme: dark" in text
    assert text.endswith('</style><circle r="1"/></svg>')
