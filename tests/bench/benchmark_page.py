# SPDX-License-Identifier: Apache-2.0
"""results.html of the benchmark: one page that refers to nothing outside itself.

A data set has bars of nDCG@10 and of Dislike share@10, and nDCG@10 against Dislike@10 with best's
frontier by lambda. Models keep their number in all charts.
"""

from html import escape

from benchmark_table import BEST, figure, interval, compared

BARS = ("nDCG@10", "Dislike share@10")
ROW, LEFT, WIDE, NUMBER = 22, 210, 470, 60  # of the bars, in pixels
CHART, MARGIN = (470, 330), (52, 12, 26, 40)  # of the frontier: size; left, top, right, bottom
TICKS = 5
STYLE = """:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1b1f27;--quiet:#59616e;--rule:#dfe3e9;
--other:#8a95a6;--best:#1f5fd0}
@media(prefers-color-scheme:dark){:root{--page:#11141a;--card:#1a1e26;--ink:#e7eaf0;--quiet:#a2abba;--rule:#323947;
--other:#78839a;--best:#7fb0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 40px}
h1{font-size:1.6rem;margin:0 0 4px}h2{font-size:1.2rem;margin:0 0 12px}
p{color:var(--quiet);margin:0 0 12px}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:18px 20px;margin:0 0 18px}
.charts{display:flex;flex-wrap:wrap;gap:20px}
figure{margin:0;flex:1 1 380px;min-width:0;max-width:560px}
figcaption{font-weight:600;font-size:.92rem;margin:0 0 6px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink);font-size:12px;font-variant-numeric:tabular-nums}
svg .quiet{fill:var(--quiet);font-size:11px}
.other{fill:var(--other)}.best{fill:var(--best)}
.line{fill:none;stroke:var(--best);stroke-width:2}
.grid{stroke:var(--rule)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:12px 0 0}
td,th{padding:3px 10px;border-bottom:1px solid var(--rule);text-align:left;white-space:nowrap}
"""


def colour(title):
    return "best" if title in BEST else "other"


def text(x, y, words, anchor="start", kind=""):
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def drawing(width, height, parts, words):
    return (f'<figure><figcaption>{escape(words)}</figcaption><svg viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escape(words)}">{"".join(parts)}</svg></figure>')


def bars(data, column):
    values = {title: data.mean(title, column) for title in data.titles}
    largest = max((v for v in values.values() if v is not None), default=0) or 1
    parts = []
    for place, (title, value) in enumerate(values.items()):
        y = place * ROW
        parts.append(text(LEFT - 8, y + 15, f"{title}  {place + 1}", "end"))
        width = (WIDE - LEFT) * (value or 0) / largest
        parts.append(f'<rect x="{LEFT}" y="{y + 4}" width="{width:.1f}" height="{ROW - 7}" rx="2" class="{colour(title)}"/>')
        parts.append(text(LEFT + width + 6, y + 15, figure(value), kind="quiet"))
    return drawing(WIDE + NUMBER, ROW * len(values) + 4, parts, column)


class Axes:
    """Places of figures in the chart; both axes are as long as what they show asks for."""

    def __init__(self, points):
        self.spans = []
        for values in zip(*points):
            room = (max(values) - min(values)) * 0.08 or 0.01
            self.spans.append((max(0.0, min(values) - room), max(values) + room))
        left, top, right, bottom = MARGIN
        self.box = left, CHART[1] - bottom, CHART[0] - right, top

    def at(self, x, y):
        left, below, right, top = self.box
        (x0, x1), (y0, y1) = self.spans
        return left + (right - left) * (x - x0) / (x1 - x0), below + (top - below) * (y - y0) / (y1 - y0)

    def drawn(self):
        left, below, right, top = self.box
        (x0, x1), (y0, y1) = self.spans
        for k in range(TICKS):
            value = x0 + (x1 - x0) * k / (TICKS - 1), y0 + (y1 - y0) * k / (TICKS - 1)
            x, y = self.at(*value)
            yield f'<line x1="{x:.1f}" y1="{below}" x2="{x:.1f}" y2="{top}" class="grid"/>'
            yield f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>'
            yield text(x, below + 15, figure(value[0]), "middle", "quiet")
            yield text(left - 6, y + 4, figure(value[1]), "end", "quiet")
        yield text((left + right) / 2, CHART[1] - 6, "Dislike@10", "middle", "quiet")


def free_place(x, y, taken):
    """Beside the point, where no other number stands: right, left, above, below, then ever higher."""
    places = [(x + 7, y + 4), (x - 21, y + 4), (x - 6, y - 8), (x - 6, y + 16), *((x + 7, y + 4 - 11 * k) for k in range(1, 20))]
    return next((p for p in places if all(abs(p[0] - a) >= 15 or abs(p[1] - b) >= 11 for a, b in taken)), places[0])


def marks(data, axes):
    """Discs and the numbers of the models."""
    places = [axes.at(data.mean(title, "Dislike@10"), data.mean(title, "nDCG@10")) for title in data.titles]
    taken = [(x - 5, y + 4) for x, y in places]
    for number, (title, (x, y)) in enumerate(zip(data.titles, places), 1):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="{colour(title)}"><title>{escape(title)}</title></circle>'
        others = [place for k, place in enumerate(taken) if k != number - 1]
        taken.append(free_place(x, y, others))
        yield text(*taken[-1], str(number))


def frontier(data):
    points = [(figures["Dislike@10"], figures["nDCG@10"], weight) for weight, figures in data.frontier() if "Dislike@10" in figures]
    means = [(data.mean(title, "Dislike@10"), data.mean(title, "nDCG@10")) for title in data.titles]
    if None in (x for x, _ in means):
        return ""
    axes = Axes([*means, *(point[:2] for point in points)])
    parts = [*axes.drawn()]
    if points:
        path = " ".join("{:.1f},{:.1f}".format(*axes.at(x, y)) for x, y, _ in points)
        parts.append(f'<polyline points="{path}" class="line"/>')
        for x, y, weight in points:
            (cx, cy), says = axes.at(x, y), f"lambda {weight:g}: {figure(y)}, {figure(x)}"
            parts.append(f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="2.5" class="best"><title>{says}</title></circle>')
    return drawing(*CHART, [*parts, *marks(data, axes)], "nDCG@10 against Dislike@10; line: best, by lambda")


def differences(data):
    """As a table: best, max-ndcg minus each other model."""
    rule = BEST[-1]
    if rule not in data.rows or len(data.titles) <= len(BEST):
        return ""
    rows = "".join(f"<tr><td>{escape(title)}</td>" + "".join(f"<td>{escape(interval(v))}</td>" for v in values.values()) + "</tr>"
                   for title, values in compared(data, rule))
    return (f'<div class="scroll"><table><tr><th>{escape(rule)} minus</th><th>nDCG@10 (95 % interval), p by Holm</th>'
            f"<th>Dislike@10</th></tr>{rows}</table></div>")


def section(data):
    charts = [bars(data, column) for column in BARS] + [frontier(data)] if data.titles else []
    given = "".join(f"<p>{escape(sentence)}</p>" for sentence in data.given())
    left_out = "".join(f"<p>Left out: {escape(title)}, for {escape(reason)}.</p>" for title, reason in data.left_out)
    again = [title for title in data.titles if data.readings(title) > 1]
    warned = f"<p>The test part was read more than once by {escape(', '.join(again))}.</p>" if again else ""
    return (f'<section><h2>{escape(data.name)}</h2><p>{data.cells()}</p><div class="charts">{"".join(charts)}</div>'
            f"{differences(data)}{given}{left_out}{warned}</section>")


def page(sets):
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Benchmark</title><style>{STYLE}</style></head><body><main><h1>Benchmark</h1>
<p>Figures of the test part; every model was chosen by validation ratings. More is better for nDCG@10, less for
Dislike@10 and Dislike share@10. Blue is the factored model with the preset best. Means over folds and seeds.</p>
{"".join(map(section, sets))}
</main></body></html>
"""
