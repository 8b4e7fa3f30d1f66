/* SPDX-License-Identifier: MIT */
/* Each thing that is asked comes behind a mark on a line of its own, and its answer is the one line
 * between that mark and the next. */
#include "ldconsole/output/guest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text/str.h"

#define MARK "ldplayerd."

const char ldc_guest_question[] = "echo " MARK "boot; getprop sys.boot_completed; "
                                  "echo " MARK "mac; cat /sys/class/net/wlan0/address; "
                                  "echo " MARK "serial; getprop ro.serialno; "
                                  "echo " MARK "server; settings get secure android_id; "
                                  "echo " MARK "end";

/* Keeps the hexadecimal digits of TEXT, which may have colons between them. False for anything
 * else, for more than SIZE - 1 of them, and for a number that is 0: nobody is called so. */
static bool read_hex(const char *text, char *out, size_t size)
{
    size_t n = 0;
    bool is_zero = true;
    for (; *text; text++) {
        if (*text == ':')
            continue;
        if (!isxdigit((unsigned char)*text) || n + 1 == size)
            return false;
        is_zero &= *text == '0';
        out[n++] = *text;
    }
    out[n] = '\0';
    return !is_zero;
}

/* What Android says where it must not say the truth. */
static bool is_dummy(const char *mac)
{
    return strcmp(mac, "020000000000") == 0;
}

static void read_value(const char *mark, const char *value, struct ldc_guest *ret)
{
    if (strcmp(mark, "boot") == 0) {
        ret->is_booted = strcmp(value, "1") == 0;
    } else if (strcmp(mark, "mac") == 0) {
        if (!read_hex(value, ret->mac, sizeof(ret->mac)) || strlen(ret->mac) != 12 ||
            is_dummy(ret->mac))
            ret->mac[0] = '\0';
    } else if (strcmp(mark, "serial") == 0) {
        if (strcmp(value, "unknown") != 0)
            str_copy(ret->serial, sizeof(ret->serial), value);
    } else if (strcmp(mark, "server") == 0) {
        /* "null" is an answer too; what `settings` complains of is a sentence. */
        ret->has_server = value[0] && !strpbrk(value, " \t");
        if (!read_hex(value, ret->android_id, sizeof(ret->android_id)))
            ret->android_id[0] = '\0';
    }
}

void ldc_guest_read(const char *output, struct ldc_guest *ret)
{
    char mark[16] = "", line[128];
    *ret = (struct ldc_guest){0};
    while (*output) {
        size_t n = strcspn(output, "\r\n");
        snprintf(line, sizeof(line), "%.*s", (int)(n < sizeof(line) ? n : sizeof(line) - 1),
                 output);
        output += n + strspn(output + n, "\r\n");
        str_make_utf8(line);
        if (str_has_prefix(line, MARK)) {
            str_copy(mark, sizeof(mark), line + strlen(MARK));
            ret->has_shell = true;
        } else if (mark[0]) {
            read_value(mark, line, ret);
            mark[0] = '\0';
        }
    }
    ret->has_server &= strcmp(mark, "end") == 0;
}
