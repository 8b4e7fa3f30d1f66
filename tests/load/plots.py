# SPDX-License-Identifier: MIT
"""The plots of a load test, as SVG text. What has no figure is left out, and says so."""
import math
from xml.sax.saxutils import escape, quoteattr

from figures import HIT_LIMIT_PERCENT, OUTCOMES, P95_LIMIT_MS, PERCENTILES, RATE_LIMIT

INK, MUTED, GRID, LIMIT, LINE = "#1f2328", "#59636e", "#dde1e6", "#b42318", "#2a6fbb"
# From light to dark as the percentiles rise; the one with a limit stands out.
PERCENTILE_FILLS = dict(zip(PERCENTILES, ["#9ecae9", "#5fa5d9", "#f28e2b", "#1f5f9e", "#0b2545"]))
OUTCOME_FILLS = dict(zip(OUTCOMES, ["#2a6fbb", "#e0a100", "#c8483b", "#8a6bb1"]))


class Canvas:
    """An SVG drawing that grows by one element a call; y goes down."""

    def __init__(self, width, height, title):
        self.width = width
        self.height = height
        self.parts = [f"<title>{escape(title)}</title>",
                      f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
        self.text(16, 26, title, size=16, weight="600")

    def add(self, name, **attributes):
        words = " ".join(f"{key.replace('_', '-')}={quoteattr(show(value))}"
                         for key, value in attributes.items())
        self.parts.append(f"<{name} {words}/>")

    def text(self, x, y, text, anchor="start", fill=INK, size=12, weight="400"):
        # White around the letters, so that a line behind them does not cross them out.
        self.parts.append(
            f'<text x="{show(x)}" y="{show(y)}" text-anchor="{anchor}" fill="{fill}" '
            f'font-size="{size}" font-weight="{weight}" stroke="#ffffff" stroke-width="3" '
            f'paint-order="stroke">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1, dashes="none"):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width,
                 stroke_dasharray=dashes)

    def limit(self, x1, y1, x2, y2):
        self.line(x1, y1, x2, y2, "#ffffff", 3.5)
        self.line(x1, y1, x2, y2, LIMIT, 1.5, "6 4")

    def legend(self, x, y, fills):
        for name, fill in fills.items():
            self.add("rect", x=x, y=y - 10, width=12, height=12, rx=2, fill=fill)
            self.text(x + 17, y, name, fill=MUTED)
            x += 17 + 8 * len(name) + 22

    def __str__(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif">\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def show(value):
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def compact(value):
    """A figure as short as a reader needs it."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


# --- scales ---


def nice_step(top, n_steps):
    """A step of 1, 2 or 5 with as many zeros as it takes, about N_STEPS of which make TOP."""
    raw = top / n_steps
    power = 10 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)


def linear_ticks(top):
    """From 0 to TOP or a little more."""
    step = nice_step(top, 5)
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


def decade_ticks(low, high):
    """The powers of ten around LOW and HIGH, at least two of them."""
    first = math.floor(math.log10(low))
    last = max(math.ceil(math.log10(high)), first + 1)
    return [10.0 ** power for power in range(first, last + 1)]


def scale(low, high, start, end):
    return lambda value: start + (value - low) / (high - low) * (end - start)


def log_scale(low, high, start, end):
    linear = scale(math.log10(low), math.log10(high), start, end)
    return lambda value: linear(math.log10(value))


# --- latency ---

LEFT, RIGHT, TOP, ROW = 120, 110, 92, 34


def latency_rows(scenarios):
    """(label, milliseconds by percentile) of each run; {} for a scenario without one."""
    rows = []
    for scenario in scenarios:
        rows += [(scenario.label(run), positive(run.latency_ms)) for run in scenario.runs]
        rows += [] if scenario.runs else [(scenario.name, {})]
    return rows


def positive(latency_ms):
    """What a logarithmic axis can show."""
    return {p: latency_ms[p] for p in PERCENTILES if latency_ms.get(p, 0) > 0}


def draw_latency_row(canvas, y, label, latency_ms, at):
    canvas.text(LEFT - 12, y + 4, label, "end")
    if not latency_ms:
        canvas.text(LEFT + 8, y + 4, "no figures", fill=MUTED)
        return
    canvas.line(at(min(latency_ms.values())), y, at(max(latency_ms.values())), y, "#b6bdc6", 2)
    for percentile, ms in sorted(latency_ms.items(), key=lambda item: item[0] == "p95"):
        canvas.add("circle", cx=at(ms), cy=y, r=6, fill=PERCENTILE_FILLS[percentile],
                   stroke="#ffffff", stroke_width=1.5)
    if "p95" in latency_ms:
        canvas.text(canvas.width - RIGHT + 14, y + 4, f"{compact(latency_ms['p95'])} ms")


def latency(scenarios):
    """Percentiles of the latency, a row for each run."""
    rows = latency_rows(scenarios)
    canvas = Canvas(800, TOP + ROW * len(rows) + 56, "Latency by scenario and connections")
    canvas.legend(LEFT, 54, PERCENTILE_FILLS)
    values = [ms for _, found in rows for ms in found.values()] + [P95_LIMIT_MS]
    ticks = decade_ticks(min(values), max(values))
    at = log_scale(ticks[0], ticks[-1], LEFT, canvas.width - RIGHT)
    bottom = TOP + ROW * len(rows)
    for tick in ticks:
        canvas.line(at(tick), TOP - 8, at(tick), bottom)
        canvas.text(at(tick), bottom + 18, f"{tick:g}", "middle", MUTED)
    canvas.text((LEFT + canvas.width - RIGHT) / 2, bottom + 40,
                "milliseconds from request to answer (logarithmic)", "middle", MUTED)
    canvas.text(canvas.width - RIGHT + 14, TOP - 14, "p95", fill=MUTED)
    canvas.limit(at(P95_LIMIT_MS), TOP - 8, at(P95_LIMIT_MS), bottom)
    canvas.text(at(P95_LIMIT_MS), TOP - 14, f"p95 limit {P95_LIMIT_MS} ms", "middle", LIMIT)
    for i, (label, found) in enumerate(rows):
        draw_latency_row(canvas, TOP + ROW * i + ROW / 2, label, found, at)
    return str(canvas)


# --- ramp ---

PANEL_TOP, PANEL_BOTTOM = 84, 300


def draw_axes(canvas, left, right, ticks, names):
    """The grid of a panel; returns where a value and the I-th name are."""
    at_y = scale(ticks[0], ticks[-1], PANEL_BOTTOM, PANEL_TOP)
    width = (right - left) / max(1, len(names))
    for tick in ticks:
        canvas.line(left, at_y(tick), right, at_y(tick))
        canvas.text(left - 8, at_y(tick) + 4, f"{tick:,g}", "end", MUTED)
    for i, name in enumerate(names):
        canvas.text(left + width * (i + 0.5), PANEL_BOTTOM + 18, name, "middle", MUTED)
    canvas.text((left + right) / 2, PANEL_BOTTOM + 40, "connections", "middle", MUTED)
    return at_y, lambda i: left + width * (i + 0.5)


def draw_panel(canvas, left, right, title, limit, limit_text, points):
    """POINTS are (name, value or None), joined by a line where they stand beside each other."""
    known = [value for _, value in points if value is not None]
    ticks = linear_ticks(max(known + [limit]) * 1.05)
    at_y, at_x = draw_axes(canvas, left, right, ticks, [name for name, _ in points])
    canvas.text(left, PANEL_TOP - 16, title, weight="600")
    canvas.limit(left, at_y(limit), right, at_y(limit))
    canvas.text(right, at_y(limit) - 5, limit_text, "end", LIMIT)
    if not known:
        canvas.text((left + right) / 2, (PANEL_TOP + PANEL_BOTTOM) / 2, "no figures", "middle",
                    MUTED)
    places = [None if value is None else (at_x(i), at_y(value))
              for i, (_, value) in enumerate(points)]
    for a, b in zip(places, places[1:]):
        if a and b:
            canvas.line(*a, *b, stroke=LINE, width=2)
    for place, (_, value) in zip(places, points):
        if place:
            canvas.add("circle", cx=place[0], cy=place[1], r=4.5, fill=LINE, stroke="#ffffff",
                       stroke_width=1.5)
            canvas.text(place[0], place[1] - 10, compact(value), "middle")


def ramp(scenario):
    """Throughput and p95 of the runs of SCENARIO, None when there is none, by connections."""
    canvas = Canvas(800, 356, "Throughput and p95 over the ramp")
    runs = scenario.runs if scenario else []
    draw_panel(canvas, 70, 390, "answers per second", RATE_LIMIT, f"limit {RATE_LIMIT:,}/s",
               [(str(run.connections), run.rate) for run in runs])
    draw_panel(canvas, 460, 780, "p95 in milliseconds", P95_LIMIT_MS, f"limit {P95_LIMIT_MS} ms",
               [(str(run.connections), run.latency_ms.get("p95")) for run in runs])
    return str(canvas)


# --- outcomes ---


def draw_outcome_row(canvas, y, scenario, at):
    total = scenario.total
    canvas.text(LEFT - 12, y + 4, scenario.name, "end")
    if not total or not total.n_cacheable:
        canvas.text(LEFT + 8, y + 4, "no figures", fill=MUTED)
        return
    before = 0
    for outcome in OUTCOMES:
        share = total.percent(outcome)
        if share > 0:
            canvas.add("rect", x=at(before), y=y - 11, width=at(share) - at(0), height=22,
                       fill=OUTCOME_FILLS[outcome])
        before += share
    canvas.text(canvas.width - RIGHT + 14, y + 4, f"{total.hit_percent:.2f} %")


def outcomes(scenarios):
    """What the cache did with the reads of each scenario, in percent."""
    bottom = TOP + ROW * len(scenarios)
    canvas = Canvas(800, bottom + 56, "What the cache did (X-Cache)")
    canvas.legend(LEFT, 54, OUTCOME_FILLS)
    at = scale(0, 100, LEFT, canvas.width - RIGHT)
    for tick in range(0, 101, 25):
        canvas.line(at(tick), TOP - 8, at(tick), bottom)
        canvas.text(at(tick), bottom + 18, str(tick), "middle", MUTED)
    canvas.text(at(50), bottom + 40, "percent of the reads that the cache can answer", "middle",
                MUTED)
    canvas.text(canvas.width - RIGHT + 14, TOP - 14, "HIT", fill=MUTED)
    for i, scenario in enumerate(scenarios):
        draw_outcome_row(canvas, TOP + ROW * i + ROW / 2, scenario, at)
    canvas.limit(at(HIT_LIMIT_PERCENT), TOP - 8, at(HIT_LIMIT_PERCENT), bottom)
    canvas.text(at(HIT_LIMIT_PERCENT), TOP - 14, f"hit rate limit {HIT_LIMIT_PERCENT} %", "middle",
                LIMIT)
    return str(canvas)
