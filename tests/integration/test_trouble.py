# SPDX-License-Identifier: MIT
"""Looking at an LDPlayer that hangs, prints nonsense, or is not there: a failure is never an empty
list, and what was seen before is served and called stale."""
import datetime
import os
import shutil
import stat
import unittest

from support import IS_WINDOWS, ServiceCase, StartFailed, wait_for
from support.limits import SHORT
from support.programs import EXE, path_for_program


class Listing(ServiceCase):
    service_options = SHORT

    def refused(self):
        """A read that wants the truth now, when there is none to be had."""
        answer = self.client.request("GET", "/api/instances?max_age_ms=0")
        return answer if answer.status != 200 else None

    def assert_still_readable(self):
        """What was seen before is served, and called stale."""
        answer = wait_for(
            lambda: self.stale(self.client.get("/api/instances").json), "a stale answer"
        )
        self.assertEqual(answer["total"], 3)
        self.assertTrue(answer["stale_reason"])

    @staticmethod
    def stale(answer):
        return answer if answer["source"] == "stale" else None

    def break_and_check(self, code, **knobs):
        """CODE is why the first look failed; when all of them do, the breaker opens."""
        self.client.instances()
        self.simulator.set(**knobs)
        answer = wait_for(self.refused, "a refused read")
        self.assertIn(answer.status, (503, 504), answer)
        self.assertIn(answer.json["code"], (code, "BREAKER_OPEN"))
        self.assertTrue(answer.json["detail"])
        answer = wait_for(
            lambda: self.with_code(self.refused(), "BREAKER_OPEN"), "a refusal by the breaker"
        )
        self.assertEqual(answer.status, 503)
        told = [e["data"]["code"] for e in self.client.told("breaker.open")
                if e["type"] == "workstation.observation" and not e["data"]["is_fresh"]]
        self.assertEqual(told[:1], [code])
        self.assert_still_readable()

    def heal(self):
        self.simulator.reset()
        wait_for(
            lambda: self.client.request("GET", "/api/instances?max_age_ms=0").status == 200,
            "a good read after the trouble",
        )

    def test_a_list_that_hangs(self):
        self.break_and_check("LDCONSOLE_TIMED_OUT", **{"hang.list2": "always"})
        self.heal()

    def test_elevation_is_missing(self):
        self.break_and_check("LDCONSOLE_NOT_ELEVATED", error740="true")
        self.heal()

    def test_garbage(self):
        self.break_and_check("LDCONSOLE_GARBAGE", **{"garbage.list2": "always"})
        self.heal()

    def test_nothing_although_there_are_instances(self):
        self.break_and_check("LDCONSOLE_EMPTY_LIST", **{"empty.list2": "always"})
        self.heal()

    def test_one_empty_answer_is_asked_again(self):
        self.simulator.set(**{"empty.list2": 1})
        self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 3)

    def test_one_crash_is_asked_again(self):
        self.simulator.set(**{"crash.list2": 1})
        self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 3)
        self.break_and_check("LDCONSOLE_VENDOR_ERROR", **{"crash.list2": "always"})
        self.heal()

    def test_a_hundred_megabytes(self):
        self.break_and_check("LDCONSOLE_FLOODED", **{"huge_mb.list2": 100})
        self.heal()

    def test_a_torn_last_line_loses_no_instance(self):
        self.client.instances()
        self.simulator.set(**{"partial.list2": 9})
        for _ in range(3):
            self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 3)
        self.heal()

    def list_check(self, code):
        """What readyz says of list2, once it says CODE."""
        def ask():
            check = self.client.request("GET", "/readyz").json["checks"]["list2"]
            return check if check["code"] == code else None

        return wait_for(ask, f"readyz with {code}")

    def test_a_row_that_is_always_torn_is_quoted_and_its_instance_old(self):
        self.client.run("POST", "/api/instances/2/start")
        self.simulator.set(**{"partial.list2": 20, "row_order": "index"})
        check = self.list_check("LDCONSOLE_TORN_LIST")
        self.assertEqual(check["status"], "degraded")
        self.assertIn("the first of them '2,LDPlayer-2,", check["detail"])
        other = self.client.get("/api/instances/0?max_age_ms=0").json
        self.assertEqual(other["source"], "live")

        def unlisted():
            seen = self.client.get("/api/instances/2?max_age_ms=0").json
            if seen["evidence"]["list2"] is None:
                return seen
            self.assertIn(seen["source"], ("stale", "live"))
            return None

        seen = wait_for(unlisted, "an instance that list2 does not show")
        self.assertIn("list2 printed a broken row", seen["state_reason"])
        self.assertIsNone(seen["pid"])
        self.assertEqual(self.service.log().count("three times, the first of them"), 1)
        self.heal()
        self.assertIsNone(self.list_check(None)["detail"])

    @unittest.skipIf(IS_WINDOWS, "the script in ldconsole's place is one of a unix shell")
    def test_columns_of_another_version_are_told_by_readyz(self):
        self.client.instances()
        program = self.simulator.path("ldconsole")
        real = self.simulator.path("real-ldconsole")
        os.rename(program, real)
        with open(program, "w", encoding="utf-8") as script:
            script.write("#!/bin/sh\necho '0,LDPlayer,stopped,none,0,-1,960x540'\n")
        os.chmod(program, stat.S_IRWXU)
        check = self.list_check("LDCONSOLE_UNKNOWN_VERSION")
        self.assertEqual(check["status"], "degraded")
        self.assertIn("7 columns where 7 or 10 are known", check["detail"])
        self.assertIn("'0,LDPlayer,stopped,none,0,-1,960x540'", check["detail"])
        self.assert_still_readable()
        os.rename(real, program)
        self.heal()

    def test_a_breaker_opens_and_tells(self):
        self.simulator.set(error740="true")
        wait_for(
            lambda: any(
                b["state"] in ("open", "half-open")
                for b in self.client.get("/api/breakers").json["items"]
            ),
            "an open breaker",
        )
        answer = wait_for(
            lambda: self.with_code(self.refused(), "BREAKER_OPEN"), "a refusal by the breaker"
        )
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer.headers)
        self.heal()
        told = [e["type"] for e in self.client.told("breaker.closed")]
        told = [type_ for type_ in told if type_.startswith("breaker.")]
        self.assertEqual(told[0], "breaker.open")
        self.assertEqual(told[-2:], ["breaker.half-open", "breaker.closed"])

    @staticmethod
    def with_code(answer, code):
        return answer if answer is not None and answer.json["code"] == code else None

    def test_a_version_that_prints_seven_columns(self):
        self.simulator.set(profile="ld4")
        wait_for(
            lambda: self.client.get("/api/instances?max_age_ms=0").json["total"] == 3,
            "the instances of the other version",
        )

    @unittest.skipIf(IS_WINDOWS, "the script in ldconsole's place is one of a unix shell")
    def test_a_stray_line_is_told_once_and_keeps_nothing_from_being_removed(self):
        program = self.simulator.path("ldconsole")
        real = self.simulator.path("real-ldconsole")
        # A look that finds no program in between would be right to say so.
        os.link(program, real)
        with open(real + ".new", "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\necho "Active code page: 65001"\nexec "{real}" "$@"\n')
        os.chmod(real + ".new", stat.S_IRWXU)
        os.replace(real + ".new", program)
        self.client.run("DELETE", "/api/instances/1")
        self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 2)
        said = [line for line in self.service.log().splitlines() if "65001" in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn("AutoRun", said[0])
        os.replace(real, program)
        wait_for(lambda: "nothing but its list again" in self.service.log(), "the end of it")

    def test_rows_in_disorder_and_a_phantom(self):
        self.simulator.set(row_99999="true", row_order="shuffled")
        items = self.client.get("/api/instances?max_age_ms=0").json["items"]
        self.assertEqual([i["index"] for i in items], [0, 1, 2])


class Configs(ServiceCase):
    """Config files as they are found in the wild (reference 11)."""

    def edit(self, index, change):
        path = self.simulator.path("vms", "config", f"leidian{index}.config")
        with open(path, "r+b") as file:
            text = change(file.read())
            file.seek(0)
            file.truncate()
            file.write(text)

    def evidence(self, index, fault):
        return wait_for(
            lambda: self.with_fault(self.client.instance(f"{index}?max_age_ms=0"), fault), fault)

    @staticmethod
    def with_fault(instance, fault):
        return instance if fault in instance["evidence"].get("config_fault", "") else None

    def test_numbers_in_other_clothes_are_settings(self):
        self.edit(1, lambda text: text[: text.rindex(b"}")] +
                  b', "basicSettings.mulFsAutoSize": 2/8*9, "advancedSettings.cpuCount": "3", // by'
                  b' hand\r\n"advancedSettings.memorySize": 3072.0,}')
        settings = wait_for(
            lambda: self.with_cpu(self.client.instance("1?max_age_ms=0")["settings"], 3), "3 cores")
        self.assertEqual(settings["memory_mb"], 3072)

    @staticmethod
    def with_cpu(settings, cpu):
        return settings if settings.get("cpu") == cpu else None

    def test_what_is_not_understood_is_said_with_its_line(self):
        self.edit(1, lambda text: text.replace(
            b"{", b'{\r\n"basicSettings.adbDebug": 2/8*9,', 1))
        instance = self.evidence(1, "basicSettings.adbDebug in line 2")
        self.assertEqual(instance["evidence"]["config"], "readable")
        self.edit(2, lambda text: text[: len(text) // 2])
        instance = self.evidence(2, "cannot be parsed, line ")
        self.assertEqual(instance["evidence"]["config"], "unreadable")


class Breaker(ServiceCase):
    """What opens one is for the options to say; it then stays open."""

    service_options = {"refresh_idle_ms": 100, "breaker_open_ms": 3600000,
                       "breaker_max_open_ms": 3600000}

    def open_with(self, **options):
        self.simulator.set(error740="true")
        self.service.restart(**options)
        opened = wait_for(
            lambda: [b for b in self.client.get("/api/breakers").json["items"]
                     if b["state"] == "open"],
            "an open breaker",
        )
        return opened[0]["totals"]

    def test_a_list2_that_hangs_twice_opens_its_breaker_and_the_refusal_says_so(self):
        self.client.get("/api/instances?max_age_ms=0")
        self.service.restart(deadline_list2_ms=1000)
        before = self.simulator.count("list2")
        self.simulator.set(**{"hang.list2": "always"})
        opened = wait_for(lambda: self.is_open("list"), "an open breaker")
        self.assertEqual(opened["window"]["consecutive_hangs"], 2)
        self.assertEqual(opened["totals"]["faults"]["deadline"], 2)
        call = opened["last_failures"][0]
        self.assertEqual((call["fault"], call["code"]), ("deadline", "LDCONSOLE_TIMED_OUT"))
        self.assertIn("list2", call["command"])
        self.assertGreaterEqual(self.simulator.count("list2"), before + 2)
        refused = self.client.request("GET", "/api/instances?max_age_ms=0")
        self.assertEqual((refused.status, refused.json["code"]), (503, "BREAKER_OPEN"))
        self.assertIn("the breaker 'list' is open: 2 calls in a row gave no answer within their "
                      "deadline; the last: ", refused.json["detail"])
        self.assertIn("Retry-After", refused.headers)

    def of(self, name):
        found, = [b for b in self.client.get("/api/breakers").json["items"] if b["name"] == name]
        return found

    def is_open(self, name):
        found = self.of(name)
        return found if found["state"] == "open" else None

    def test_slow_answers_open_it_too(self):
        self.simulator.set(**{"latency_ms.list2": 2200})
        self.service.restart(deadline_list2_ms=4000, breaker_min_calls=3, breaker_slow_percent=90)
        opened = wait_for(lambda: self.is_open("list"), "an open breaker")
        self.assertEqual(opened["totals"]["failures"], 0)
        self.assertGreaterEqual(opened["window"]["slow"], 3)
        self.assertIn("took more than half of their deadline", opened["reason"])

    def test_failures_that_are_long_ago_do_not_count(self):
        deadlines = {f"deadline_{verb}_ms": 900 for verb in (
            "list2", "launch", "quit", "add", "copy", "remove", "rename", "modify")}
        self.service.restart(refresh_idle_ms=3600000, breaker_window_ms=1000,
                             breaker_min_calls=32, breaker_consecutive_failures=1000, **deadlines)
        self.simulator.set(**{"garbage.list2": "always"})
        self.assertEqual(self.client.request("GET", "/api/instances?max_age_ms=0").status, 503)
        self.simulator.reset()
        self.assertGreater(self.of("list")["totals"]["failures"], 0)
        forgotten = wait_for(self.look_and_forget, "the failure to be forgotten")
        self.assertLess(forgotten["calls"], forgotten["size"], "not because there were others")

    def look_and_forget(self):
        self.client.get("/api/instances?max_age_ms=0")
        window = self.of("list")["window"]
        return window if window["failures"] == 0 else None

    def test_an_open_one_is_open_after_a_restart_with_its_reason_and_last_failures(self):
        self.simulator.set(**{"garbage.list2": "always"})
        before = wait_for(lambda: self.is_open("list"), "an open breaker")
        self.client.post("/api/breakers/stop/force-close", {"note": "the drill of today"},
                         expect=200)
        self.service.kill()
        self.service.start()
        after = self.of("list")
        for member in ("state", "reason", "opened_at", "last_failures"):
            self.assertEqual(after[member], before[member])
        self.assertGreater(after["retry_after_ms"], 0)
        held = self.of("stop")
        self.assertEqual((held["state"], held["note"], held["by"]),
                         ("forced-closed", "the drill of today", "test-admin"))
        self.client.post("/api/breakers/list/reset", expect=200)
        self.simulator.reset()
        self.service.kill()
        self.service.start()
        self.assertEqual(self.of("list")["state"], "closed")

    def test_an_order_ends_by_itself(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        held = self.client.post("/api/breakers/stop/force-open", {
            "note": "for a moment", "expires_at": soon.isoformat(timespec="milliseconds")},
            expect=200).json
        self.assertTrue(held["expires_at"])
        wait_for(lambda: self.of("stop")["state"] == "half-open", "the end of it")
        told = [e["data"] for e in self.client.told("breaker.half-open")
                if e["type"] == "breaker.half-open"]
        self.assertEqual((told[0]["name"], told[0]["by"]), ("stop", None))
        self.client.post("/api/breakers/stop/disable", {"expires_at": "2090-01-01T00:00:00Z"},
                         expect=200)

    def test_a_dead_instance_is_refused_alone(self):
        self.simulator.set(**{"hang.launch": "always"})
        self.service.restart(deadline_launch_ms=300, start_timeout_ms=3000)
        id_ = self.client.instance(0)["id"]
        refused = wait_for(self.start_in_vain, "a refusal")
        self.assertEqual((refused.status, refused.json["code"]), (503, "BREAKER_OPEN"), refused)
        self.assertIn("Only this instance is refused", refused.json["detail"])
        self.assertEqual(self.of(f"start.{id_}")["instance"], id_)
        self.assertEqual(self.of("start")["state"], "closed")
        told = [e["data"] for e in self.client.told("breaker.open") if e["type"] == "breaker.open"]
        self.assertEqual([t["instance"] for t in told], [id_])
        self.simulator.reset()
        self.service.restart(start_timeout_ms=180000)
        self.assertEqual(self.of(f"start.{id_}")["state"], "open", "also after a restart")
        self.client.run("POST", "/api/instances/1/start")

    def start_in_vain(self):
        answer = self.client.request("POST", "/api/instances/0/start?wait=60")
        return answer if answer.status != 200 else None

    def test_failures_in_a_row(self):
        self.assertEqual(self.open_with(breaker_consecutive_failures=2)["failures"], 2)

    def test_a_share_of_failures(self):
        totals = self.open_with(breaker_consecutive_failures=1000, breaker_min_calls=4,
                                breaker_failure_percent=100)
        self.assertEqual(totals["failures"], 4)


class Old(ServiceCase):
    service_options = {"refresh_idle_ms": 600000, "ready_age_ms": 100}

    def test_not_ready_is_who_has_not_looked_for_long(self):
        wait_for(lambda: self.client.request("GET", "/readyz").status == 503, "facts that are old")
        self.client.get("/api/instances?max_age_ms=0")


class First(ServiceCase):
    service_options = {"first_survey_ms": 100}

    def prepare(self):
        self.simulator.set(**{"hang.list2": "always"})

    def test_a_read_does_not_wait_for_ever_for_the_first_look(self):
        answer = self.client.request("GET", "/api/instances")
        self.assertIn(answer.status, (503, 504), answer)
        self.assertLessEqual(self.simulator.count("list2"), 1, "it is not over yet")


class Flood(ServiceCase):
    instances = 150
    service_options = {**SHORT, "max_output_bytes": 4096}

    def test_more_output_than_the_option_says_ends_the_process(self):
        answer = wait_for(lambda: Missing.refused(self.client.request("GET", "/api/instances")),
                          "a refused read")
        self.assertIn(answer.json["code"], ("LDCONSOLE_FLOODED", "BREAKER_OPEN"))
        told = self.client.told("workstation.observation")[-1]["data"]
        self.assertEqual(told["code"], "LDCONSOLE_FLOODED")
        self.assertIn("did not stop printing and was ended after ", told["detail"])


class Codepage(ServiceCase):
    simulator_options = {"codepage": "gbk", "title": "1=雷电模拟器"}
    service_options = {"codepage": "gbk"}

    def test_titles_come_in_the_vendors_code_page(self):
        self.assertEqual(self.client.instance(1)["name"], "雷电模拟器")


class Hidden(ServiceCase):
    def prepare(self):
        self.simulator.run_ldconsole("launch", "--index", "0")
        wait_for(lambda: len(self.simulator.show()["processes"]) == 2, "the instance's processes")
        self.simulator.set(**{"fault.0": "hidden"})

    def test_processes_that_ldconsole_does_not_know_are_unreachable(self):
        # As long as a launch may be late in list2 it counts as one.
        wait_for(lambda: self.client.instance(0)["state"] == "unreachable", "it is unreachable")
        instance = self.client.instance(0)
        self.assertIn("is alive, but ldconsole says the instance is off", instance["state_reason"])


class Missing(ServiceCase):
    service_options = SHORT

    def prepare(self):
        self.service.options["ldconsole"] = path_for_program(
            os.path.join(self.directory, "nowhere", "ldconsole" + EXE)
        )

    def test_a_missing_ldconsole_is_named(self):
        answer = wait_for(
            lambda: self.refused(self.client.request("GET", "/api/instances")), "a refused read"
        )
        self.assertEqual(answer.status, 503)
        self.assertIn("nowhere", answer.json["detail"])
        ready = self.service.client(None).request("GET", "/readyz")
        self.assertEqual(ready.status, 503)
        self.assertEqual(self.service.client(None).get("/livez").status, 200)

    @staticmethod
    def refused(answer):
        return answer if answer.status != 200 else None

    def test_a_command_waits_and_can_be_cancelled(self):
        operation = self.client.post("/api/instances", {"name": "x"}).json
        self.client.request("POST", f"/api/operations/{operation['id']}/cancel")
        self.client.wait(operation, "cancelled")


class Misnamed(ServiceCase):
    """The option names something else than an ldconsole."""

    def prepare(self):
        self.service.options["ldconsole"] = path_for_program(self.simulator.path("adb" + EXE))

    def test_the_ldconsole_beside_it_is_used_and_another_program_never_run(self):
        self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 3)
        said = [line for line in self.service.log().splitlines() if "is no ldconsole" in line]
        self.assertEqual(len(said), 1, self.service.log())
        self.assertEqual([argv for argv in self.simulator.calls(program="adb") if "list2" in argv],
                         [])
        elsewhere = os.path.join(self.directory, "adb" + EXE)
        shutil.copy(self.simulator.path("adb" + EXE), elsewhere)
        self.service.stop()
        self.service.options["ldconsole"] = path_for_program(elsewhere)
        with self.assertRaises(StartFailed) as failed:
            self.service.start()
        self.assertIn("no ldconsole.exe, dnconsole.exe or lsconsole.exe", str(failed.exception))


class NotFound(ServiceCase):
    """No option and no LDPlayer on the machine."""

    def prepare(self):
        del self.service.options["ldconsole"]

    def test_the_service_starts_and_says_so(self):
        answer = wait_for(
            lambda: Missing.refused(self.client.request("GET", "/api/instances")),
            "a refused read",
        )
        self.assertEqual(answer.status, 503)
        self.assertEqual(self.service.client(None).request("GET", "/readyz").status, 503)


@unittest.skipIf(IS_WINDOWS, "Windows has no permission to execute that could be taken away")
class NotExecutable(ServiceCase):
    service_options = SHORT

    def test_a_lost_permission_is_named(self):
        self.client.instances()
        os.chmod(self.simulator.path("ldconsole"), stat.S_IRUSR | stat.S_IWUSR)
        answer = wait_for(
            lambda: Missing.refused(self.client.request("GET", "/api/instances?max_age_ms=0")),
            "a refused read",
        )
        self.assertEqual(answer.status, 503)
        os.chmod(self.simulator.path("ldconsole"), stat.S_IRWXU)
        wait_for(
            lambda: self.client.request("GET", "/api/instances?max_age_ms=0").status == 200,
            "a good read after the permission is back",
        )


if __name__ == "__main__":
    unittest.main()
