# SPDX-License-Identifier: MIT
"""What LDPlayer does that nobody would expect: rows that are left out or late, columns and names that
nobody knows, processes that come twice or stay, copies that go on behind. At the simulator's speed
the awkward moments are over before a look, so each test makes its own long enough."""
import unittest

from support import ServiceCase, wait_for

# Long enough to be seen: a hundred times a second.
SEEN = 100 * 1000


class Awkward(ServiceCase):
    def start_one(self, index, **body):
        return self.client.run("POST", f"/api/instances/{index}/start", {"timeout_s": 60, **body})

    def stop_one(self, index, **body):
        return self.client.run("POST", f"/api/instances/{index}/stop", {"timeout_s": 30, **body})

    def states(self, index):
        """All that it was told to be."""
        changed = [e["data"] for e in self.client.told_so_far() if e["type"] == "instance.changed"]
        return [e["changes"]["state"]["to"] for e in changed
                if e["index"] == index and "state" in e["changes"]]

    def assert_never(self, index, *states):
        seen = self.states(index)
        self.assertEqual([state for state in seen if state in states], [], seen)


class Rows(Awkward):
    def test_one_that_is_left_out_while_it_boots_is_no_other(self):
        known = self.client.instance(0)["id"]
        self.simulator.set(**{"ms.row_gap.0": SEEN, "ms.android.0": SEEN * 2})
        self.start_one(0)
        self.simulator.set(**{"row_drop.0": 3, "row_drop.1": 3})
        for _ in range(4):
            self.client.instances("?max_age_ms=0")
        self.assertEqual(self.client.instance(0)["id"], known)
        self.assertIn(self.client.instance("0?max_age_ms=0")["state"], ("running", "ready"))
        told = [event["type"] for event in self.client.told_so_far()]
        self.assertNotIn("instance.removed", told)
        self.assertEqual(self.simulator.count("launch"), 1)

    def test_column_5_may_come_late_and_pids_may_be_lost(self):
        self.simulator.set(**{"ms.column5.0": SEEN * 2, "ms.android.0": SEEN})
        self.start_one(0)
        self.assert_never(0, "stopped", "zombie", "unreachable", "unknown")
        self.simulator.set(**{"fault.0": "pids_lost"})
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["pid"] is None, "the lost pids")
        for _ in range(3):
            self.assertIn(self.client.instance("0?max_age_ms=0")["state"], ("running", "ready"))
        self.simulator.set(**{"fault.0": ""})
        self.stop_one(0)

    def test_more_columns_and_titles_of_another_language_shift_nothing(self):
        before = {i["index"]: (i["name"], i["resolution"]) for i in self.client.instances()}
        self.simulator.set(more_columns="60,vulkan")
        after = self.client.instances("?max_age_ms=0")
        self.assertEqual({i["index"]: (i["name"], i["resolution"]) for i in after}, before)
        self.simulator.set(default_title="雷电模拟器")
        names = [i["name"] for i in self.client.instances("?max_age_ms=0")]
        self.assertEqual(names, ["雷电模拟器", "雷电模拟器-1", "雷电模拟器-2"])


class Processes(Awkward):
    def test_programs_of_unknown_names_and_places_are_started_and_stopped(self):
        self.simulator.set(player_name="odd", vm_name="odder", vm_dir="")
        self.start_one(0)
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))
        self.stop_one(0)
        wait_for(lambda: self.simulator.show()["processes"] == [], "the end of its processes")

    def test_a_second_player_is_ended_too(self):
        self.simulator.set(**{"fault.0": "second_player"})
        self.start_one(0)
        n_before = len(self.simulator.show()["processes"])
        self.assertEqual(n_before, 3, "two players and a VM")
        self.simulator.set(**{"ignore.quit": "always"})
        self.stop_one(0, force=True, timeout_s=6)
        self.assertEqual(self.simulator.show()["processes"], [])

    def test_a_truncated_config_after_a_kill_is_mended_before_the_next_start(self):
        self.client.run("PATCH", "/api/instances/0", {"name": "mine", "timeout_s": 30})
        self.start_one(0)
        self.simulator.set(**{"kill_effect.0": "truncate", "ignore.quit": "always"})
        self.stop_one(0, force=True, timeout_s=6)
        self.simulator.set(**{"ignore.quit": ""})
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 5}, status="timed_out")
        self.stop_one(0)
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["evidence"].get("config_loss"),
                 "the loss")
        self.start_one(0)
        self.assertEqual(self.client.instance("0?max_age_ms=0")["name"], "mine")


class Tails(Awkward):
    service_options = {"settle_ms": 1500}

    def test_a_restart_waits_for_the_tail_and_is_never_a_zombie_on_its_way(self):
        self.simulator.set(**{"ms.row_late.0": SEEN, "ms.tail.0": SEEN, "ms.settle.0": SEEN})
        self.start_one(0)
        self.client.run("POST", "/api/instances/0/restart", {"timeout_s": 60})
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))
        self.simulator.set(**{"ms.row_late.0": "", "ms.vm_late.0": SEEN})
        self.client.run("POST", "/api/instances/0/restart", {"timeout_s": 60})
        self.assert_never(0, "zombie", "stuck", "unreachable")


class Makers(Awkward):
    def test_a_copy_is_done_when_nobody_writes_it_any_more(self):
        self.simulator.set(**{"copy_allocates": "true", "copy_row": "late", "copy_returns": "done",
                              "ms.copy_row": SEEN, "ms.copy": SEEN * 2})
        made = self.client.run("POST", "/api/instances/0/clone", {"timeout_s": 60})["result"]
        self.assertEqual(made["index"], 3)
        kinds = [p["kind"] for p in self.simulator.show()["processes"]]
        self.assertEqual(kinds, [], "the copy is over")
        self.start_one(3)

    def test_what_comes_back_with_disks_is_not_removed_again(self):
        self.simulator.set(remove_recreates=1, recreate_disk="true", **{"ms.recreate": 1})
        ended = self.client.run("DELETE", "/api/instances/2", None)
        self.assertTrue(ended["result"]["removed"])
        wait_for(lambda: [i["index"] for i in self.client.instances("?max_age_ms=0")] == [0, 1, 2],
                 "the instance that came back")
        self.assertEqual(self.simulator.count("remove"), 1)


if __name__ == "__main__":
    unittest.main()
