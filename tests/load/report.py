# SPDX-License-Identifier: MIT
"""What a load test found, as a table for a terminal and as a page with plots."""
import figures
import plots

HEADINGS = ["scenario", "connections", "answers", "answers/s", *(f"{p} ms" for p in
            figures.PERCENTILES), "errors", *figures.OUTCOMES, "hit rate", ""]


def optional(form, value):
    return "-" if value is None else form.format(value)


def line(where, run, checks):
    """The cells of one line; the last says whether its checks were passed."""
    verdict = "-" if not checks else "ok" if all(one.is_ok for one in checks) else "missed"
    return [where, optional("{}", run.connections), f"{run.answers:,}",
            optional("{:,.0f}", run.rate),
            *(optional("{:.2f}", run.latency_ms.get(p)) for p in figures.PERCENTILES),
            f"{run.n_errors:,}", *(f"{run.outcomes[outcome]:,}" for outcome in figures.OUTCOMES),
            optional("{:.2f} %", run.hit_percent), verdict]


def lines_of(scenario):
    checks = figures.check(scenario)
    if not scenario.runs:
        return [[scenario.name] + ["-"] * (len(HEADINGS) - 2) + ["missed"]]
    if len(scenario.runs) == 1:
        return [line(scenario.name, scenario.runs[0], checks)]
    lines = [line(where, run, [one for one in checks if one.where == where])
             for run in scenario.runs for where in [scenario.label(run)]]
    over_all = [one for one in checks if one.where == scenario.name]
    return lines + [line(f"{scenario.name}, all", scenario.total, over_all)]


def table(scenarios):
    return [HEADINGS] + [cells for scenario in scenarios for cells in lines_of(scenario)]


def as_text(lines):
    widths = [max(len(cells[i]) for cells in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join([cells[0].ljust(widths[0])] +
                               [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:])])
                     .rstrip() for cells in lines)


def as_markdown(lines):
    rows = ["| " + " | ".join(cells) + " |" for cells in lines]
    rule = "|---|" + "---:|" * (len(lines[0]) - 1)
    return "\n".join([rows[0], rule, *rows[1:]])


def verdict(scenarios):
    missed = figures.missed(scenarios)
    if not missed:
        return "All thresholds are met."
    return "Missed:\n\n" + "\n".join("- " + " ".join(figures.explain(one).split())
                                     for one in missed)


PAGE = """# Load test

{verdict}

`{command}`, {when}

{machine}

## Figures

{table}

Thresholds: p95 below {p95} ms and no error in each line; more than {rate:,} answers a second over
each scenario, but where readers pause a hit rate above {hit} %. `docs/load-tests.md` says how to read
the figures.

![Latency by scenario](latency.svg)

![Throughput and p95 over the ramp](ramp.svg)

![Outcomes by scenario](outcomes.svg)

## Scenarios

{scenarios}
"""


def page(scenarios, machine, command, when):
    return PAGE.format(
        verdict=verdict(scenarios), command=command, when=when,
        machine="\n".join(f"- {name}: {value}" for name, value in machine.items()),
        table=as_markdown(table(scenarios)), p95=figures.P95_LIMIT_MS,
        hit=figures.HIT_LIMIT_PERCENT, rate=figures.RATE_LIMIT,
        scenarios="\n".join(f"- **{one.name}**: {' '.join([one.text, *one.notes])}"
                            for one in scenarios))


def write(folder, scenarios, machine, command, when):
    """Writes report.md and its plots to FOLDER, which is made when it is missing; returns the path
    of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    ramped = next((one for one in scenarios if one.name == "peak"), None)
    for name, drawing in {"latency": plots.latency(scenarios), "ramp": plots.ramp(ramped),
                          "outcomes": plots.outcomes(scenarios)}.items():
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
    path = folder / "report.md"
    path.write_text(page(scenarios, machine, command, when), encoding="utf-8")
    return path
