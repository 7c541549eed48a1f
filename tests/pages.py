"""Run the code of pages in docs and compare its output with the page."""

import re
from itertools import zip_longest
from pathlib import Path

from helpers import needs_integration
from matplotlib import pyplot

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
NUMBER = r"-?\d+(?:\.\d+)?"
FIGURE = re.compile(rf"(?P<mean>{NUMBER})(?: ± (?P<sd>{NUMBER}))?")


def code_of(page):
    """The blocks of a page, in one string."""
    return "".join(block["code"] for block in BLOCK.finditer(page.read_text("utf-8")))


def pages_with_code(integration):
    """The pages whose code needs the group "integration", or all other pages."""
    pages = [page for page in sorted(DOCS.glob("*.md")) if code_of(page)]
    return [page for page in pages if needs_integration(code_of(page)) == integration]


def run(page, capsys):
    """Run the blocks of a page, and compare what they print where the page shows it."""
    text = page.read_text("utf-8")
    names, outputs = {}, []
    for block in BLOCK.finditer(text):
        # A traceback then names the page's own lines.
        blank_lines = "\n" * text.count("\n", 0, block.start("code"))
        exec(compile(blank_lines + block["code"], str(page), "exec"), names)
        printed = capsys.readouterr().out
        if block["printed"] is not None:
            assert difference(printed, block["printed"]) is None
        outputs.append(printed)
    pyplot.close("all")
    return names, outputs


def difference(printed, quoted):
    """The first two lines that do not say the same, None where all do.

    Rounding differs between machines, and training magnifies it to what another seed
    would have changed. So a mean over seeds, which has a ± behind it, may be 2 standard
    deviations off, about 3 times its own standard error; the standard deviation itself
    may be anything. Other numbers may differ by one unit in the last place.
    """
    for lines in zip_longest(printed.splitlines(), quoted.splitlines(), fillvalue=""):
        words, quoted_words = (FIGURE.sub("#", line).split() for line in lines)
        figures, quoted_figures = (list(FIGURE.finditer(line)) for line in lines)
        if words != quoted_words or not all(map(agree, figures, quoted_figures)):
            return lines
    return None


def agree(figure, quoted):
    if (figure["sd"] is None) != (quoted["sd"] is None):
        return False
    unit = 10.0 ** -len(quoted["mean"].partition(".")[2])
    tolerance = max(unit, 2 * float(quoted["sd"] or 0))
    return abs(float(figure["mean"]) - float(quoted["mean"])) <= 1.0001 * tolerance
