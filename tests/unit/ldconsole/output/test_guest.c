/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "ldconsole/output/guest.h"

static const char whole[] = "ldplayerd.boot\n1\nldplayerd.mac\n00:db:bf:9a:08:7e\n"
                            "ldplayerd.serial\n89860026099371928981\n"
                            "ldplayerd.server\n6ecae0a3a8a21868\nldplayerd.end\n";

Test(ldc_guest, everything_is_asked_behind_a_mark_of_its_own_the_system_server_last)
{
    static const char *const marks[] = {"boot", "mac", "serial", "server", "end"};
    const char *at = ldc_guest_question;
    for (size_t i = 0; i < countof(marks); i++) {
        at = strstr(at, marks[i]);
        cr_assert_not_null(at, "%s", marks[i]);
    }
    cr_assert_not_null(strstr(ldc_guest_question, "server; settings get"));
}

Test(ldc_guest, a_whole_answer)
{
    struct ldc_guest g;
    ldc_guest_read(whole, &g);
    cr_expect(g.has_shell && g.is_booted && g.has_server);
    cr_expect_str_eq(g.mac, "00dbbf9a087e");
    cr_expect_str_eq(g.serial, "89860026099371928981");
    cr_expect_str_eq(g.android_id, "6ecae0a3a8a21868");
}

static const struct {
    const char *output;
    bool has_shell, is_booted, has_server;
    const char *mac, *serial, *android_id;
} rows[] = {
    {"", false, false, false, "", "", ""},
    {"1\r\n", false, false, false, "", "", ""},
    {"adb.exe: device offline\r\n", false, false, false, "", "", ""},
    /* Windows line ends, an echo of the question in front. */
    {"adb.exe -s emulator-5554 shell echo ldplayerd.boot; getprop sys.boot_completed\r\n"
     "ldplayerd.boot\r\n1\r\nldplayerd.mac\r\n00DBBF9A087E\r\nldplayerd.serial\r\nunknown\r\n"
     "ldplayerd.server\r\nnull\r\nldplayerd.end\r\n",
     true, true, true, "00DBBF9A087E", "", ""},
    /* Nothing but the marks. */
    {"ldplayerd.boot\n\nldplayerd.mac\n\nldplayerd.serial\n\nldplayerd.server\n\nldplayerd.end\n",
     true, false, false, "", "", ""},
    /* The system server hangs: the rest never came. */
    {"ldplayerd.boot\n1\nldplayerd.mac\n00:db:bf:9a:08:7e\nldplayerd.serial\nx\nldplayerd.server\n",
     true, true, false, "00dbbf9a087e", "x", ""},
    {"ldplayerd.boot\n1\nldplayerd.mac\n00:db:bf:9a:08:7e\nldplayerd.serial\nx\nldplayerd.server\n"
     "6ecae0a3a8a21868\n",
     true, true, false, "00dbbf9a087e", "x", "6ecae0a3a8a21868"},
    /* It is not there, or complains. */
    {"ldplayerd.boot\n1\nldplayerd.server\ncmd: Can't find service: settings\nldplayerd.end\n",
     true, true, false, "", "", ""},
    /* A MAC that cannot be read, or says nothing. */
    {"ldplayerd.mac\ncat: /sys/class/net/wlan0/address: No such file or directory\n", true, false,
     false, "", "", ""},
    {"ldplayerd.mac\n02:00:00:00:00:00\n", true, false, false, "", "", ""},
    {"ldplayerd.mac\n00:00:00:00:00:00\n", true, false, false, "", "", ""},
    {"ldplayerd.mac\n00:db:bf\n", true, false, false, "", "", ""},
    {"ldplayerd.mac\n00:db:bf:9a:08:7e:11\n", true, false, false, "", "", ""},
};

Test(ldc_guest, answers)
{
    for (size_t i = 0; i < countof(rows); i++) {
        struct ldc_guest g;
        ldc_guest_read(rows[i].output, &g);
        cr_expect_eq(g.has_shell, rows[i].has_shell, "%zu", i);
        cr_expect_eq(g.is_booted, rows[i].is_booted, "%zu", i);
        cr_expect_eq(g.has_server, rows[i].has_server, "%zu", i);
        cr_expect_str_eq(g.mac, rows[i].mac, "%zu", i);
        cr_expect_str_eq(g.serial, rows[i].serial, "%zu", i);
        cr_expect_str_eq(g.android_id, rows[i].android_id, "%zu", i);
    }
}
