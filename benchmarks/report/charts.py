"""Charts of the summary as SVG: agreement of the rows, and effects of the claims."""

import html
import math
import textwrap

from benchmarks.report.intervals import ALIKE, FAILS, HOLDS, IN_PART, UNDECIDED
from benchmarks.report.rows import METRICS

COLOURS = {
    HOLDS: "#2e9e5b",
    IN_PART: "#7fae3a",
    ALIKE: "#8a8a8a",
    FAILS: "#d1495b",
    UNDECIDED: "#d99a2b",
}
PUBLISHED_COLOUR, CORRECTED_COLOUR = "#3b82c4", "#e07b39"
METRIC_NAMES = {metric: metric.replace("train_", "training ").replace("_", " ")
                for metric in METRICS}  # fmt: skip
LINE = 12.6  # height of a line of text
CHARACTER = 5.4  # mean width of a character
REACH = 8.0  # standard deviations shown to each side
EFFECT_REACH = 30.0  # smallest differences that count shown to each side


def svg(width, height, parts):
    """Put parts into a picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" font-family="system-ui, sans-serif" '
        f'font-size="10.5">{"".join(parts)}</svg>'
    )


def text(x, y, content, anchor="start", **attributes):
    """Write text; the fill is the current colour unless it is given."""
    options = {"fill": "currentColor", "text-anchor": anchor} | attributes
    written = " ".join(f'{k.replace("_", "-")}="{v}"' for k, v in options.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" {written}>{html.escape(content)}</text>'


def rectangle(x, y, width, height):
    """Draw a zone."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        'style="fill: var(--zone, #ddd)"/>'
    )


def line(x1, y1, x2, y2, colour="currentColor", width=1.0, opacity=1.0):
    """Draw a line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}" opacity="{opacity}"/>'
    )


def dot(x, y, colour, radius=3.2, *, hollow=False):
    """Draw a dot."""
    fill = "none" if hollow else colour
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.4"/>'
    )


def arrow(x, y, colour, sign):
    """Draw a mark for a value beyond the edge."""
    points = (
        f"{x + 4 * sign:.1f},{y} {x - 3 * sign:.1f},{y - 4} {x - 3 * sign:.1f},{y + 4}"
    )
    return f'<polygon points="{points}" fill="{colour}"/>'


def row_chart(rows, width, label_width):
    """Draw published minus ours, for each row and metric, in standard deviations.

    Parameters
    ----------
    rows : list of tuple (str, Network, Network or None)
        Label, the network with the stated settings, and one that corrects them.
    width, label_width : int
    """
    panel = (width - label_width) / len(METRICS)
    top = 2 * LINE + 4
    bottom = top + len(rows) * LINE
    parts = []
    for index, metric in enumerate(METRICS):
        left = label_width + index * panel
        middle, unit = left + panel / 2, (panel / 2 - 8) / REACH
        parts.append(text(middle, LINE - 2, METRIC_NAMES[metric].split()[0], "middle"))
        parts.append(text(middle, 2 * LINE - 2, metric.split("_")[1], "middle"))
        for number, (_, stated, corrected) in enumerate(rows):
            y = top + (number + 0.5) * LINE
            parts += row_marks(stated, corrected, metric, middle, y, unit)
        parts.append(line(middle, top, middle, bottom, opacity=0.4))
        for mark in (-5, 0, 5):
            parts.append(
                text(middle + mark * unit, bottom + LINE - 2, str(mark), "middle")
            )
    for number, (label, _, _) in enumerate(rows):
        parts.append(text(0, top + (number + 0.75) * LINE, label))
    return svg(width, bottom + LINE + 4, parts)


def row_marks(stated, corrected, metric, middle, y, unit):
    """Draw the marks of one row and metric: the zone of agreement and the dots."""
    deviation = stated.values(metric).std(ddof=1)
    spread = stated.bound(metric) / deviation if deviation else 0
    half = min(spread, REACH) * unit
    parts = [rectangle(middle - half, y - LINE / 2, 2 * half, LINE)]
    if corrected is not None:
        parts += mark(corrected, metric, middle, y, unit, CORRECTED_COLOUR)
    return parts + mark(stated, metric, middle, y, unit, PUBLISHED_COLOUR)


def mark(network, metric, middle, y, unit, colour):
    """Draw the published value relative to the runs of a network."""
    values = network.values(metric)
    difference = network.row["published"][metric] - values.mean()
    deviation = values.std(ddof=1)
    if deviation == 0:
        return []
    far = difference / deviation
    if abs(far) > REACH:
        sign = math.copysign(1, far)
        return [arrow(middle + sign * REACH * unit, y, colour, sign)]
    return [dot(middle + far * unit, y, colour)]


def position(effect, half):
    """Place an effect on a scale that is linear near zero and logarithmic beyond."""
    scaled = math.asinh(max(-EFFECT_REACH, min(EFFECT_REACH, effect)))
    return half * scaled / math.asinh(EFFECT_REACH)


def claim_chart(judgements, width, label_width):
    """Draw the effects of the claims, in units of the smallest difference that counts.

    Parameters
    ----------
    judgements : dict of str to list of Judgement
    width : int
    label_width : int
        0 puts the labels above the effects.
    """
    half = (width - label_width) / 2 - 6
    middle = label_width + half + 3
    y, parts = 4, []
    for topic, of_topic in judgements.items():
        y += LINE
        parts.append(text(0, y, topic, font_weight="bold"))
        y += 4
        for judgement in of_topic:
            drawn, y = claim_marks(judgement, y, middle, half, label_width, width)
            parts += drawn
    y += LINE
    for effect in (-10, -1, 1, 10):
        parts.append(text(middle + position(effect, half), y, f"{effect}", "middle"))
    return svg(width, y + 6, parts)


def claim_marks(judgement, y, middle, half, label_width, width):
    """Draw one claim; return the marks and the y where the next claim begins."""
    colour = COLOURS[judgement.verdict]
    n_characters = int((label_width or width) / CHARACTER) - 3
    label = textwrap.wrap(judgement.claim.text.rstrip("."), n_characters)
    parts = [dot(4, y + LINE / 2, colour)]
    parts += [
        text(11, y + (number + 0.75) * LINE, words)
        for number, words in enumerate(label)
    ]
    if not label_width:
        y += len(label) * LINE
    height = LINE * (max(len(label), 1) if label_width else 1)
    zone = position(1, half)
    parts.append(rectangle(middle - zone, y, 2 * zone, height))
    parts.append(line(middle, y, middle, y + height, opacity=0.5))
    step = height / (len(judgement.lines) + 1)
    for number, evidence in enumerate(judgement.lines, start=1):
        parts += effect_marks(evidence, y + number * step, middle, half)
    return parts, y + height + (0 if label_width else 3)


def effect_marks(evidence, y, middle, half):
    """Draw the effect and the interval of one comparison."""
    effect, colour = evidence.effect, COLOURS[evidence.verdict]
    if math.isnan(effect.mean):
        return []
    place = middle + position(effect.mean, half)
    if abs(effect.mean) > EFFECT_REACH:
        return [arrow(place, y, colour, math.copysign(1, effect.mean))]
    parts = [dot(place, y, colour, 1.8)]
    if not math.isnan(effect.low):
        low, high = (middle + position(end, half) for end in effect[1:])
        parts.append(line(low, y, high, y, colour, 1.6))
    return parts
