# SPDX-License-Identifier: MIT
"""Options for tests of failures: nothing waits for the real LDPlayer's minutes."""

SHORT = {
    "deadline_list2_ms": 2000,
    "deadline_launch_ms": 2000,
    "deadline_quit_ms": 2000,
    "deadline_add_ms": 2000,
    "deadline_modify_ms": 2000,
    "start_timeout_ms": 4000,
    "ready_timeout_ms": 4000,
    "stop_timeout_ms": 4000,
    "manage_timeout_ms": 4000,
    "stuck_ms": 2000,
    "refresh_idle_ms": 300,
    "breaker_open_ms": 300,
    "breaker_max_open_ms": 500,
}
