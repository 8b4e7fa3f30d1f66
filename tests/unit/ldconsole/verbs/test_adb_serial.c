/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "ldconsole/verbs/adb_serial.h"

static const struct {
    const char *serial;
    int index;
} rows[] = {
    {"emulator-5554", 0},   {"127.0.0.1:5555", 0},   {"emulator-5556", 1},
    {"127.0.0.1:5557", 1},  {"emulator-7554", 1000}, {"emulator-5555", -1},
    {"127.0.0.1:5556", -1}, {"emulator-5552", -1},   {"127.0.0.1:2222", -1},
    {"emulator-", -1},      {"emulator-x", -1},      {"192.168.1.2:5555", -1},
    {"emulator-65538", -1}, {"emulator-+5554", -1},  {"", -1},
};

Test(ldc_adb_serial, both_forms_lead_to_an_index)
{
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(ldc_adb_serial_index(rows[i].serial), rows[i].index, "%s", rows[i].serial);
}

Test(ldc_adb_serial, what_is_written_leads_back)
{
    char serial[LDC_ADB_SERIAL_SIZE];
    for (int index = 0; index < 3; index++) {
        ldc_adb_serial_write(index, serial);
        cr_expect_eq(ldc_adb_serial_index(serial), index);
    }
    cr_expect_str_eq(serial, "emulator-5558");
}
