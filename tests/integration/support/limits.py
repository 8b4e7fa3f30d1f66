# SPDX-License-Identifier: MIT
"""Options for tests of failures: nothing waits for the real LDPlayer's minutes."""

SHORT = {
    "deadline_list2_ms": 2000,
    "deadline_launch_ms": 1000,
    "deadline_quit_ms": 1000,
    "deadline_add_ms": 1000,
    "deadline_modify_ms": 1000,
    "deadline_rename_ms": 1000,
    "deadline_copy_ms": 1000,
    "deadline_remove_ms": 1000,
    "deadline_guest_ms": 1000,
    "start_timeout_ms": 1500,
    "ready_timeout_ms": 2000,
    "stop_timeout_ms": 1500,
    "manage_timeout_ms": 1500,
    "clone_timeout_ms": 1500,
    "stuck_ms": 1000,
    "refresh_idle_ms": 300,
    "breaker_open_ms": 300,
    "breaker_max_open_ms": 500,
}
