/* SPDX-License-Identifier: MIT */
#include "ldconsole/verbs/adb_serial.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "base/text/str.h"

enum { FIRST_PORT = 5554, MAX_PORT = 65535 };

void ldc_adb_serial_write(int index, char ret[LDC_ADB_SERIAL_SIZE])
{
    snprintf(ret, LDC_ADB_SERIAL_SIZE, "emulator-%d", FIRST_PORT + 2 * index);
}

int ldc_adb_serial_index(const char *serial)
{
    static const struct {
        const char *prefix;
        int first_port;
    } forms[] = {{"emulator-", FIRST_PORT}, {"127.0.0.1:", FIRST_PORT + 1}};
    for (size_t i = 0; i < countof(forms); i++) {
        uint64_t port;
        if (!str_has_prefix(serial, forms[i].prefix) ||
            str_parse_u64(serial + strlen(forms[i].prefix), MAX_PORT, &port) < 0)
            continue;
        int distance = (int)port - forms[i].first_port;
        return distance >= 0 && distance % 2 == 0 ? distance / 2 : -1;
    }
    return -1;
}
