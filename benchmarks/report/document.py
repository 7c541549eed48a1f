"""A document of headings, paragraphs, lists, tables and pictures, as HTML and Markdown.

The HTML page contains all pictures. The Markdown text links to files and leaves out
galleries, which would need many of them. Both formats escape their special characters.
"""

import base64
import html
import re
import textwrap
from string import Template
from typing import NamedTuple

from cymlp._files import write_file


class Strong(NamedTuple):
    """Bold text."""

    text: str


class Link(NamedTuple):
    """Text linked to a file, or to a heading if the target begins with "#"."""

    text: str
    target: str


class Heading(NamedTuple):
    """A heading; exactly one has level 1."""

    text: str
    level: int = 2

    @property
    def anchor(self):
        """Name for links to this heading, as common Markdown viewers derive it."""
        return slug(self.text)


class Paragraph(NamedTuple):
    """Text in parts, each a str, Strong or Link."""

    parts: tuple


class Bullets(NamedTuple):
    """A list; each item is text in parts."""

    items: list


class Table(NamedTuple):
    """A table; cells are text or text in parts.

    Attributes
    ----------
    head : list
        Names of the columns.
    lines : list of list
    """

    head: list
    lines: list


class Picture(NamedTuple):
    """A picture.

    Attributes
    ----------
    name : str
        File name.
    png : bytes
        Content of the file.
    alt : str
        Description for readers who cannot see it.
    caption : str
    """

    name: str
    png: bytes
    alt: str
    caption: str


class Gallery(NamedTuple):
    """Small pictures side by side, in HTML only."""

    pictures: list


def paragraph(*parts):
    """Make a paragraph of its parts."""
    return Paragraph(parts)


def slug(text):
    """Make an anchor: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def write(blocks, folder, name):
    """Write name.html, name.md and the pictures that the Markdown text links to.

    Parameters
    ----------
    blocks : list
        Blocks of the document; the first is the heading of level 1.
    folder : Path
    name : str
        File name without extension.

    Returns
    -------
    path : Path
        Path of the HTML page.
    """
    write_file(folder / f"{name}.md", as_markdown(blocks).encode())
    for block in blocks:
        if isinstance(block, Picture):
            write_file(folder / block.name, block.png)
    path = folder / f"{name}.html"
    write_file(path, as_html(blocks).encode())
    return path


def as_html(blocks):
    """Convert a document to one HTML page that contains its style and pictures."""
    title, *rest = blocks
    contents = [
        f'<a href="#{block.anchor}">{html.escape(block.text)}</a>'
        for block in rest
        if isinstance(block, Heading) and block.level == 2
    ]
    return PAGE.substitute(
        title=html.escape(title.text),
        style=STYLE,
        contents="\n".join(contents),
        body="\n".join(HTML[type(block)](block) for block in rest),
    )


def as_markdown(blocks):
    """Convert a document to Markdown, without its galleries."""
    blocks = [block for block in blocks if not isinstance(block, Gallery)]
    return "\n\n".join(MARKDOWN[type(block)](block) for block in blocks) + "\n"


def _parts(text):
    """Turn a text, given as one part or several, into a sequence of parts."""
    return (text,) if isinstance(text, (str, Strong, Link)) else text


def _html_text(text):
    return "".join(_html_part(part) for part in _parts(text))


def _html_part(part):
    if isinstance(part, Strong):
        return f"<strong>{html.escape(part.text)}</strong>"
    if isinstance(part, Link):
        return f'<a href="{html.escape(part.target)}">{html.escape(part.text)}</a>'
    return html.escape(part)


def _html_heading(heading):
    level, text = heading.level, html.escape(heading.text)
    return f'<h{level} id="{heading.anchor}">{text}</h{level}>'


def _html_paragraph(block):
    return f"<p>{_html_text(block.parts)}</p>"


def _html_bullets(bullets):
    items = "\n".join(f"<li>{_html_text(item)}</li>" for item in bullets.items)
    return f"<ul>\n{items}\n</ul>"


def _html_table(table):
    head = "".join(f'<th scope="col">{_html_text(cell)}</th>' for cell in table.head)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{_html_text(cell)}</td>" for cell in line) + "</tr>"
        for line in table.lines
    )
    return (
        '<div class="table"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>"
    )


def _html_picture(picture):
    content = base64.b64encode(picture.png).decode()
    return (
        f'<figure><img src="data:image/png;base64,{content}" '
        f'alt="{html.escape(picture.alt)}">'
        f"<figcaption>{html.escape(picture.caption)}</figcaption></figure>"
    )


def _html_gallery(gallery):
    pictures = "\n".join(_html_picture(picture) for picture in gallery.pictures)
    return f'<div class="gallery">\n{pictures}\n</div>'


def _markdown_text(text):
    return "".join(_markdown_part(part) for part in _parts(text))


def _markdown_part(part):
    if isinstance(part, Strong):
        return f"**{_escaped(part.text)}**"
    if isinstance(part, Link):
        return f"[{_escaped(part.text)}]({part.target})"
    return _escaped(part)


def _escaped(text):
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)


def _markdown_heading(heading):
    return f"{'#' * heading.level} {_escaped(heading.text)}"


def _markdown_paragraph(block):
    return _markdown_text(block.parts)


def _markdown_bullets(bullets):
    return "\n".join(f"- {_markdown_text(item)}" for item in bullets.items)


def _markdown_table(table):
    lines = [table.head, ["---"] * len(table.head), *table.lines]
    return "\n".join(
        "| " + " | ".join(_markdown_text(cell) for cell in line) + " |"
        for line in lines
    )


def _markdown_picture(picture):
    return (
        f"![{_escaped(picture.alt)}]({picture.name})\n\n*{_escaped(picture.caption)}*"
    )


HTML = {
    Heading: _html_heading,
    Paragraph: _html_paragraph,
    Bullets: _html_bullets,
    Table: _html_table,
    Picture: _html_picture,
    Gallery: _html_gallery,
}
MARKDOWN = {
    Heading: _markdown_heading,
    Paragraph: _markdown_paragraph,
    Bullets: _markdown_bullets,
    Table: _markdown_table,
    Picture: _markdown_picture,
}

STYLE = textwrap.dedent("""\
    :root { color-scheme: light; }
    body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
      max-width: 72rem; margin: 0 auto; padding: 1rem; }
    h1, h2, h3 { line-height: 1.2; }
    h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; padding-bottom: .3rem; }
    p, li { max-width: 46rem; }
    a { color: #0057a0; }
    nav { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
    .table { overflow-x: auto; }
    table { border-collapse: collapse; font-size: .85rem;
      font-variant-numeric: tabular-nums; }
    th, td { padding: .3rem .6rem; text-align: left; vertical-align: top;
      border-bottom: 1px solid #ddd; }
    th { background: #f3f3f3; }
    figure { margin: 1.5rem 0; }
    img { max-width: 100%; height: auto; }
    figcaption { font-size: .85rem; color: #444; }
    .gallery { display: grid; gap: 1rem;
      grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
    .gallery figure { margin: 0; }
    @page { size: A4 landscape; margin: 12mm; }
    @media print {
      body { max-width: none; padding: 0; font-size: 10pt; }
      nav { display: none; }
      h1, h2, h3 { break-after: avoid; }
      figure, tr, .table { break-inside: avoid; }
      p:has(+ .table) { break-after: avoid; }
      thead { display: table-header-group; }
      .table { overflow: visible; }
      table { font-size: 7pt; }
      th, td { padding: 1pt 3pt; }
      figure img { max-height: 150mm; width: auto; }
      .gallery { grid-template-columns: 1fr 1fr 1fr; }
    }""")

PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<h1>$title</h1>
<nav aria-label="Contents">
$contents
</nav>
<main>
$body
</main>
</body>
</html>
""")
