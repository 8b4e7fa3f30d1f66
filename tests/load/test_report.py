# SPDX-License-Identifier: MIT
"""The thresholds of the load test and its report, on figures that are made up."""
import contextlib
import io
import pathlib
import re
import sys
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# pylint: disable=wrong-import-position
import figures
import load
import plots
import report
import workshop

SVG = "{http://www.w3.org/2000/svg}"
LATENCY_MS = {"p50": 2.5, "p90": 8, "p95": 12.25, "p99": 40, "max": 210}
MACHINE = {"program": "ldplayerd 1.2.3", "processor": "2 x A <&> B"}


def make_run(connections=50, **changes):
    found = {"seconds": 10, "answers": 50000, "statuses": {"2xx": 50000},
             "socket_errors": {"connect": 0, "read": 0, "write": 0, "timeout": 0},
             "outcomes": {"HIT": 45000, "STALE": 500, "MISS": 2500, "none": 2000},
             "latency_ms": LATENCY_MS}
    return figures.Run(connections, {**found, **changes})


def make_scenario(*runs, name="baseline", trouble=None, is_paced=False):
    scenario = figures.Scenario(name, "What is <done>.", is_paced)
    scenario.runs += runs
    scenario.trouble = trouble
    return scenario


def make_three():
    ramp = [make_run(n, latency_ms={**LATENCY_MS, "p95": n / 10}) for n in (10, 50, 200)]
    return [make_scenario(make_run()), make_scenario(make_run(), name="warm"),
            make_scenario(*ramp, name="peak")]


def missed(*runs, **more):
    return [figures.explain(one) for one in figures.missed([make_scenario(*runs, **more)])]


class Thresholds(unittest.TestCase):
    def test_good_figures_pass(self):
        self.assertEqual(missed(make_run()), [])
        self.assertEqual(figures.missed(make_three()), [])

    def test_a_limit_itself_is_missed(self):
        for changes, is_paced, expected in [
            ({"latency_ms": {"p95": 100}}, False, "baseline: p95 100.0 ms, must be below 100 ms"),
            ({"outcomes": {"HIT": 75, "MISS": 25}}, True,
             "baseline: hit rate 75.00 %, must be above 75 %"),
            ({"answers": 10000}, False, "baseline: rate 1,000/s, must be above 1,000/s"),
        ]:
            self.assertEqual(missed(make_run(**changes), is_paced=is_paced), [expected])

    def test_hits_are_judged_with_readers_who_pause_and_the_rate_with_those_who_do_not(self):
        run = make_run(answers=10, statuses={"2xx": 10}, outcomes={"MISS": 10})
        self.assertEqual(missed(run, is_paced=True),
                         ["baseline: hit rate 0.00 %, must be above 75 %"])
        self.assertEqual(missed(run), ["baseline: rate 1/s, must be above 1,000/s"])

    def test_what_is_just_inside_passes(self):
        inside = make_run(latency_ms={"p95": 99.9}, answers=10001,
                          outcomes={"HIT": 7501, "MISS": 2499})
        for is_paced in False, True:
            self.assertEqual(missed(inside, is_paced=is_paced), [])

    def test_one_error_of_any_kind_is_one_too_many(self):
        expected = ["baseline: errors 1, must be none"]
        for status in ("1xx", "3xx", "4xx", "5xx"):
            self.assertEqual(missed(make_run(statuses={"2xx": 49999, status: 1})), expected)
        for kind in ("connect", "read", "write", "timeout"):
            self.assertEqual(missed(make_run(socket_errors={kind: 1})), expected)

    def test_only_hits_are_hits(self):
        run = make_run(outcomes={"HIT": 70, "STALE": 20, "BYPASS": 10, "none": 1000})
        self.assertEqual(run.hit_percent, 70)
        self.assertEqual(len(missed(run, is_paced=True)), 1)

    def test_a_missing_figure_is_missed(self):
        self.assertEqual(missed(make_run(latency_ms={})),
                         ["baseline: p95 has no figure, must be below 100 ms"])
        self.assertEqual(missed(make_run(outcomes={"none": 50000}), is_paced=True),
                         ["baseline: hit rate has no figure, must be above 75 %"])

    def test_nothing_answered_passes_nothing(self):
        silent = make_run(answers=0, statuses={}, outcomes={}, latency_ms={})
        for is_paced in False, True:
            self.assertEqual(len(missed(silent, is_paced=is_paced)), 3)

    def test_a_scenario_without_a_run_is_missed(self):
        self.assertEqual(missed(), ["baseline could not be measured: it was not run"])
        self.assertEqual(missed(trouble="no wrk"), ["baseline could not be measured: no wrk"])

    def test_a_scenario_that_broke_off_is_missed_whatever_was_measured(self):
        self.assertEqual(missed(make_run(), trouble="gone"),
                         ["baseline could not be measured: gone"])

    def test_a_ramp_has_p95_and_errors_by_step_and_the_rest_over_all(self):
        slow = make_run(500, latency_ms={"p95": 150}, answers=100, statuses={"2xx": 99, "5xx": 1},
                        outcomes={"MISS": 100})
        self.assertEqual(missed(make_run(10), slow, name="peak"),
                         ["peak, 500: p95 150.0 ms, must be below 100 ms",
                          "peak, 500: errors 1, must be none"])
        total = make_scenario(make_run(10), slow).total
        self.assertEqual(total.rate, 50100 / 20)
        self.assertAlmostEqual(total.hit_percent, 45000 / 48100 * 100)
        self.assertEqual(total.latency_ms, {})


class WhatWrkPrints(unittest.TestCase):
    LINE = ('{"seconds":2.5,"answers":10,"statuses":{"2xx":9,"4xx":1},"socket_errors":{"read":2},'
            '"outcomes":{"HIT":8,"none":2},"latency_ms":{"p95":1.5}}\n')

    def test_its_last_line_has_the_figures(self):
        run = figures.parse(50, f"Running 2s test\nRequests/sec: 4\n{self.LINE}")
        self.assertEqual((run.connections, run.rate), (50, 4))
        self.assertEqual((run.n_errors, run.hit_percent), (3, 100))

    def test_without_it_the_reason_is_told(self):
        for printed in ("", "unable to connect to 127.0.0.1:1 Connection refused\n"):
            with self.assertRaisesRegex(ValueError, printed.strip()):
                figures.parse(50, printed)

    def test_the_script_prints_what_is_read(self):
        script = (HERE / "reads.lua").read_text(encoding="utf-8")
        for name in re.findall(r'found\["(\w+)"\]', (HERE / "figures.py").read_text("utf-8")):
            self.assertIn(f'"{name}":', script)


def elements(drawing, name):
    return list(xml.etree.ElementTree.fromstring(drawing).iter(SVG + name))


def texts(drawing):
    return [element.text for element in elements(drawing, "text")]


class Plots(unittest.TestCase):
    def assert_inside(self, drawing):
        """Everything has a place, and the place is on the page."""
        root = xml.etree.ElementTree.fromstring(drawing)
        width, height = int(root.get("width")), int(root.get("height"))
        for element in root.iter():
            for name, most in (("x", width), ("x1", width), ("x2", width), ("cx", width),
                               ("width", width), ("y", height), ("y1", height), ("y2", height),
                               ("cy", height), ("height", height)):
                if element.get(name) is not None:
                    # Not a number compares as outside.
                    self.assertTrue(0 <= float(element.get(name)) <= most, element.attrib)

    def assert_increasing(self, values):
        self.assertEqual(values, sorted(set(values)))

    def test_latency_has_a_dot_for_each_percentile(self):
        drawing = plots.latency(make_three())
        self.assert_inside(drawing)
        self.assertEqual(len(elements(drawing, "circle")), 5 * len(figures.PERCENTILES))
        for text in ("baseline", "peak, 200", "p95 limit 100 ms", "12.2 ms", "1000"):
            self.assertIn(text, texts(drawing))
        dots = {dot.get("fill"): float(dot.get("cx")) for dot in elements(drawing, "circle")[:5]}
        self.assert_increasing([dots[plots.PERCENTILE_FILLS[p]] for p in figures.PERCENTILES])

    def test_latency_far_from_the_limit_stays_on_the_page(self):
        for ms in (0.001, 0.1, 100, 99999):
            self.assert_inside(plots.latency([make_scenario(make_run(latency_ms={"p95": ms}))]))
        drawing = plots.latency([make_scenario(make_run(latency_ms={"p50": 0, "p95": 3}))])
        self.assertEqual(len(elements(drawing, "circle")), 1)

    def test_the_ramp_has_a_dot_for_each_step_and_figure(self):
        drawing = plots.ramp(make_three()[2])
        self.assert_inside(drawing)
        dots = elements(drawing, "circle")
        self.assertEqual(len(dots), 2 * 3)
        self.assert_increasing([float(dot.get("cx")) for dot in dots])
        # p95 grows from step to step, and up is more.
        self.assert_increasing([-float(dot.get("cy")) for dot in dots[3:]])
        for text in ("connections", "answers per second", "p95 in milliseconds", "5,000", "20.0"):
            self.assertIn(text, texts(drawing))

    def test_a_step_without_p95_is_a_gap(self):
        steps = [make_run(10), make_run(50, latency_ms={}), make_run(100)]
        drawing = plots.ramp(make_scenario(*steps, name="peak"))
        self.assert_inside(drawing)
        self.assertEqual(len(elements(drawing, "circle")), 3 + 2)

    def test_outcomes_fill_the_bar(self):
        drawing = plots.outcomes(make_three())
        self.assert_inside(drawing)
        bars = [bar for bar in elements(drawing, "rect") if bar.get("height") == "22"]
        self.assertEqual(len(bars), 3 * len(("HIT", "STALE", "MISS")))
        for left, right in zip(bars[:2], bars[1:3]):
            self.assertAlmostEqual(float(left.get("x")) + float(left.get("width")),
                                   float(right.get("x")), 1)
        bar_width = 800 - plots.LEFT - plots.RIGHT
        self.assertAlmostEqual(sum(float(bar.get("width")) for bar in bars[:3]), bar_width, 1)
        self.assertAlmostEqual(float(bars[0].get("width")), bar_width * 45 / 48, 1)
        self.assertEqual(texts(drawing).count("93.75 %"), 3)

    def test_what_is_missing_is_said(self):
        for drawing in (plots.latency([make_scenario()]), plots.outcomes([make_scenario()]),
                        plots.outcomes([make_scenario(make_run(outcomes={"none": 5}))]),
                        plots.ramp(None), plots.ramp(make_scenario())):
            self.assert_inside(drawing)
            self.assertIn("no figures", texts(drawing))
            self.assertEqual(elements(drawing, "circle"), [])

    def test_text_is_text(self):
        canvas = plots.Canvas(100, 50, "<a> & b")
        canvas.text(5, 5, "</text>")
        self.assertEqual(texts(str(canvas)), ["<a> & b", "</text>"])

    def test_ticks_reach_over_what_is_shown(self):
        for top in (0.03, 1, 7, 100, 105, 16250, 123456):
            ticks = plots.linear_ticks(top)
            self.assertEqual(ticks[0], 0)
            self.assertTrue(top <= ticks[-1] < 2 * top and 3 <= len(ticks) <= 7, ticks)
        self.assertEqual(plots.decade_ticks(0.4, 120), [0.1, 1, 10, 100, 1000])
        self.assertEqual(plots.decade_ticks(100, 100), [100, 1000])


class Report(unittest.TestCase):
    def write(self, scenarios):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = report.write(pathlib.Path(folder.name) / "new" / "load", scenarios, MACHINE,
                            "./run load --quick", "2026-01-02T03:04:05Z")
        for name in re.findall(r"\]\((.*?)\)", path.read_text("utf-8")):
            xml.etree.ElementTree.parse(path.parent / name)
        self.assertEqual(len(list(path.parent.glob("*.svg"))), 3)
        return path.read_text("utf-8")

    def rows(self, page):
        """The cells of the table by the first one; every line has as many."""
        rows = [[cell.strip() for cell in line.split("|")[1:-1]]
                for line in page.splitlines() if line.startswith("|")]
        self.assertEqual({len(row) for row in rows}, {len(report.HEADINGS)})
        return {row[0]: dict(zip(report.HEADINGS, row)) for row in rows}

    def test_a_good_run(self):
        page = self.write(make_three())
        self.assertIn("All thresholds are met.", page)
        for text in ("`./run load --quick`, 2026-01-02T03:04:05Z", "- processor: 2 x A <&> B"):
            self.assertIn(text, page)
        rows = self.rows(page)
        self.assertEqual({"baseline", "warm", "peak, 10", "peak, 50", "peak, 200", "peak, all"},
                         set(rows) - {"scenario", "---"})
        baseline = rows["baseline"]
        self.assertEqual([baseline[name] for name in ("connections", "answers/s", "p95 ms", "MISS",
                                                      "hit rate", "")],
                         ["50", "5,000", "12.25", "2,500", "93.75 %", "ok"])
        self.assertEqual([rows["peak, all"][name] for name in ("connections", "p95 ms", "answers")],
                         ["-", "-", "150,000"])

    def test_a_missed_threshold_stands_at_the_top_and_in_its_line(self):
        scenarios = make_three()
        scenarios[2].runs[1] = make_run(50, latency_ms={**LATENCY_MS, "p95": 130})
        page = self.write(scenarios)
        self.assertNotIn("All thresholds are met", page)
        self.assertIn("- peak, 50: p95 130.0 ms, must be below 100 ms", page)
        rows = self.rows(page)
        self.assertEqual([name for name, row in rows.items() if row[""] == "missed"], ["peak, 50"])

    def test_a_missed_rate_is_the_line_over_all(self):
        slow = make_scenario(*(make_run(n, answers=5000) for n in (10, 50)), name="peak")
        rows = self.rows(self.write([slow]))
        self.assertEqual([rows[name][""] for name in ("peak, 10", "peak, 50", "peak, all")],
                         ["ok", "ok", "missed"])

    def test_without_any_figure_there_is_a_report_still(self):
        page = self.write([make_scenario(name=name, trouble="wrk | is\nmissing")
                           for name in ("baseline", "warm", "peak")])
        self.assertIn("- warm could not be measured: wrk | is missing\n", page)
        self.assertEqual(self.rows(page)["peak"][""], "missed")

    def test_one_scenario_alone(self):
        self.assertIn("All thresholds are met.", self.write(make_three()[:1]))

    def test_the_table_for_a_terminal_is_aligned(self):
        lines = report.as_text(report.table(make_three())).splitlines()
        at = lines[0].index("hit rate") + len("hit rate")
        self.assertEqual({line[at - 1] for line in lines[1:]}, {"%"})


class Command(unittest.TestCase):
    """./run load with scenarios that find what they are told to."""

    def run_load(self, **scenarios):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as patches:
            for target, name, value in (
                (load.scenarios, "TABLE", {name: (act, name) for name, act in scenarios.items()}),
                (load, "REPORTS", pathlib.Path(folder)), (sys, "argv", ["load", "--quick"]),
                (load, "describe_machine", lambda _: MACHINE),
            ):
                patches.enter_context(unittest.mock.patch.object(target, name, value))
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                status = load.main()
            self.assertIn("`./run load --quick`", (pathlib.Path(folder) / "report.md").read_text())
        return status, out.getvalue()

    @staticmethod
    def finds(run):
        return lambda scenario, shop, is_quick: scenario.runs.append(run)

    @staticmethod
    def fails(scenario, shop, is_quick):
        scenario.runs.append(make_run())
        raise workshop.Failed("the service is gone")

    def test_good_figures_end_with_0(self):
        status, out = self.run_load(baseline=self.finds(make_run()), warm=self.finds(make_run()))
        self.assertEqual(status, 0, out)
        self.assertIn("All thresholds are met.", out)

    def test_a_missed_threshold_ends_with_1(self):
        status, out = self.run_load(baseline=self.finds(make_run()),
                                    warm=self.finds(make_run(socket_errors={"read": 1})))
        self.assertEqual(status, 1)
        self.assertIn("- warm: errors 1, must be none", out)

    def test_a_scenario_that_fails_ends_with_1_and_the_next_one_runs(self):
        status, out = self.run_load(baseline=self.fails, warm=self.finds(make_run()))
        self.assertEqual(status, 1)
        self.assertIn("- baseline could not be measured: the service is gone\n", out)
        self.assertRegex(out, r"(?m)^warm .* ok$")


if __name__ == "__main__":
    unittest.main()
