"""A document of headings, paragraphs, lists, tables and pictures, as HTML and Markdown.

The HTML page contains all pictures. The Markdown text links to files and leaves out
galleries, which would need many of them. Both formats escape their special characters.
"""

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
    """A table; cells are text or text in parts, and may have several lines.

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
    svg : str
        The picture, whose texts and axes have the current colour.
    alt : str
        Description for readers who cannot see it.
    caption : str
    narrow : str
        The picture for narrow screens; "" if it is the same.
    """

    name: str
    svg: str
    alt: str
    caption: str
    narrow: str = ""


class Gallery(NamedTuple):
    """Small pictures side by side, in HTML only."""

    pictures: list


class Columns(NamedTuple):
    """Two lists of blocks side by side, where the screen is wide enough."""

    left: list
    right: list


class Fold(NamedTuple):
    """Blocks that are hidden in HTML until the reader opens them, with a heading."""

    text: str
    blocks: list
    level: int = 2

    @property
    def anchor(self):
        """Name for links to the heading."""
        return slug(self.text)


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
    for picture in pictures_of(blocks):
        write_file(folder / picture.name, as_file(picture.svg).encode())
    path = folder / f"{name}.html"
    write_file(path, as_html(blocks).encode())
    return path


def pictures_of(blocks):
    """List the pictures of a document that have files of their own."""
    found = []
    for block in blocks:
        if isinstance(block, Picture):
            found.append(block)
        elif isinstance(block, Fold):
            found += pictures_of(block.blocks)
        elif isinstance(block, Columns):
            found += pictures_of([*block.left, *block.right])
    return found


def as_file(svg):
    """Give a picture its own colours, for light and dark screens."""
    end = svg.index(">") + 1
    return f"{svg[:end]}<style>{FILE_STYLE}</style>{svg[end:]}"


def as_html(blocks):
    """Convert a document to one HTML page that contains its style and pictures."""
    title, *rest = blocks
    return PAGE.substitute(
        title=html.escape(title.text),
        style=STYLE,
        body="\n".join(HTML[type(block)](block) for block in rest),
    )


def as_markdown(blocks):
    """Convert a document to Markdown, without its galleries."""
    return "\n\n".join(_markdown_blocks(blocks)) + "\n"


def _markdown_blocks(blocks):
    return [MARKDOWN[type(block)](block) for block in blocks if not in_html_only(block)]


def in_html_only(block):
    """Tell whether a block is left out of the Markdown text."""
    return isinstance(block, Gallery) or (
        isinstance(block, Fold) and all(map(in_html_only, block.blocks))
    )


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
    return html.escape(part).replace("\n", "<br>")


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
    # Narrow screens show a line of the table as a block, each cell with its name.
    lines = "\n".join(
        "<tr>"
        + "".join(
            f'<td data-name="{html.escape(name)}">{_html_text(cell)}</td>'
            for name, cell in zip(table.head, line, strict=True)
        )
        + "</tr>"
        for line in table.lines
    )
    return (
        '<div class="table"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table></div>"
    )


def _html_picture(picture):
    alt = html.escape(picture.alt)
    wide = "wide" if picture.narrow else ""
    drawn = f'<span class="{wide}" role="img" aria-label="{alt}">{picture.svg}</span>'
    if picture.narrow:
        drawn += f'<span class="narrow" aria-hidden="true">{picture.narrow}</span>'
    caption = html.escape(picture.caption)
    return (
        '<figure><label><input type="checkbox" aria-label="enlarge">'
        f"{drawn}</label><figcaption>{caption}</figcaption></figure>"
    )


def _html_gallery(gallery):
    pictures = "\n".join(_html_picture(picture) for picture in gallery.pictures)
    return f'<div class="gallery">\n{pictures}\n</div>'


def _html_columns(columns):
    left, right = (
        "\n".join(HTML[type(block)](block) for block in side) for side in columns
    )
    return f'<div class="columns"><div>\n{left}\n</div><div>\n{right}\n</div></div>'


def _html_fold(fold):
    body = "\n".join(HTML[type(block)](block) for block in fold.blocks)
    # The anchor is inside: a browser that follows a link to it opens the fold.
    title = html.escape(fold.text)
    return (
        f'<details class="level{fold.level}"><summary>{title}</summary>\n'
        f'<a id="{fold.anchor}"></a>\n{body}\n</details>'
    )


def _markdown_text(text):
    return "".join(_markdown_part(part) for part in _parts(text))


def _markdown_part(part):
    if isinstance(part, Strong):
        return f"**{_escaped(part.text)}**"
    if isinstance(part, Link):
        return f"[{_escaped(part.text)}]({part.target})"
    return _escaped(part)


def _escaped(text):
    escaped = re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)
    return escaped.replace("\n", "<br>")


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


def _markdown_columns(columns):
    return "\n\n".join(_markdown_blocks([*columns.left, *columns.right]))


def _markdown_fold(fold):
    heading = Heading(fold.text, fold.level)
    return "\n\n".join(_markdown_blocks([heading, *fold.blocks]))


HTML = {
    Heading: _html_heading,
    Paragraph: _html_paragraph,
    Bullets: _html_bullets,
    Table: _html_table,
    Picture: _html_picture,
    Gallery: _html_gallery,
    Columns: _html_columns,
    Fold: _html_fold,
}
MARKDOWN = {
    Heading: _markdown_heading,
    Paragraph: _markdown_paragraph,
    Bullets: _markdown_bullets,
    Table: _markdown_table,
    Picture: _markdown_picture,
    Columns: _markdown_columns,
    Fold: _markdown_fold,
}

COLOURS = textwrap.dedent("""\
    --text: #1a1a1a; --page: #fff; --zone: #e4e4e4; --line: #d5d5d5;
    --link: #0057a0;""")
DARK_COLOURS = textwrap.dedent("""\
    --text: #ddd; --page: #161616; --zone: #3a3a3a; --line: #444; --link: #7db8f0;""")
FILE_STYLE = (
    f"svg {{ {COLOURS} color: var(--text); background: var(--page); }} "
    f"@media (prefers-color-scheme: dark) {{ svg {{ {DARK_COLOURS} }} }}"
)
STYLE = (
    textwrap.dedent("""\
    :root { color-scheme: light dark; COLOURS }
    @media (prefers-color-scheme: dark) { :root { DARK } }
    body { font: 15px/1.45 system-ui, sans-serif; color: var(--text);
      background: var(--page); max-width: 80rem; margin: 0 auto; padding: .8rem; }
    h1 { font-size: 1.4rem; margin: 0 0 .4rem; }
    h1, h2, h3, summary { line-height: 1.2; }
    p, ul { margin: .4rem 0; }
    a { color: var(--link); }
    summary { cursor: pointer; font-weight: 600; padding: .35rem 0; }
    details { border-top: 1px solid var(--line); }
    details details { margin-left: 1rem; }
    .columns { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1rem; }
    table { border-collapse: collapse; font-size: .82rem; width: 100%;
      font-variant-numeric: tabular-nums; }
    th, td { padding: .2rem .5rem; text-align: left; vertical-align: top;
      border-bottom: 1px solid var(--line); }
    th { background: var(--zone); }
    figure { margin: .6rem 0; }
    figure svg { display: block; max-width: 100%; height: auto; }
    figure input { position: absolute; opacity: 0; }
    figure label { cursor: zoom-in; }
    figure input:focus-visible ~ span { outline: 2px solid var(--link); }
    figure input:checked ~ span { position: fixed; inset: 0; z-index: 1;
      background: var(--page); cursor: zoom-out; padding: 1rem; }
    figure input:checked ~ span svg { width: 100%; height: 100%; max-height: none; }
    figcaption { font-size: .8rem; }
    .narrow { display: none; }
    .gallery { display: grid; gap: 1rem;
      grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); }
    .gallery figure { margin: 0; }
    @media (max-width: 900px) {
      .columns { display: block; }
    }
    @media (max-width: 600px) {
      .wide { display: none; }
      .narrow { display: inline; }
      figure input:checked ~ span { overflow: auto; }
      figure input:checked ~ span:not(.narrow) svg { width: 60rem; height: auto;
        max-width: none; }
      details details { margin-left: 0; }
      thead { display: none; }
      tr { display: block; padding: .4rem 0; border-bottom: 2px solid var(--line); }
      td { display: grid; grid-template-columns: 8rem 1fr; border: 0;
        padding: .1rem 0; overflow-wrap: anywhere; }
      td::before { content: attr(data-name); opacity: .75; }
    }
    @page { size: A4 landscape; margin: 10mm; }
    @media print {
      :root { COLOURS }
      body { max-width: none; padding: 0; font-size: 9pt; }
      h1, h2, h3, summary, p:has(+ .table) { break-after: avoid; }
      details, figure, tr { break-inside: avoid; }
      figure svg { width: auto; max-height: 95mm; }
      details > figure:has(+ figure) svg, figure + figure svg { max-height: 155mm; }
      figcaption { font-size: 7pt; }
      thead { display: table-header-group; }
      table { font-size: 7pt; }
      th, td { padding: 1pt 3pt; }
      .columns { display: grid; grid-template-columns: 1fr 1fr; }
      .columns svg { max-height: 165mm; }
      .gallery { grid-template-columns: 1fr 1fr 1fr; }
      details::details-content { content-visibility: visible; height: auto; }
    }""")
    .replace("COLOURS", COLOURS)
    .replace("DARK", DARK_COLOURS)
)

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
<main>
<h1>$title</h1>
$body
</main>
</body>
</html>
""")
