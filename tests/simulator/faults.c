/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include "os.h"
#include "process.h"

#include <stdlib.h>
#include <string.h>

_Noreturn void faults_hang(const struct settings *settings, int index)
{
    process_linger(settings->home, "call", index, settings_int(settings, "lifetime_s") * 1000);
    exit(1);
}

void faults_before(const struct settings *settings, struct scope scope)
{
    int64_t latency = settings_int_at(settings, "latency_ms", scope);

    if (latency > 0)
        os_sleep_ms(latency);
    if (settings_take(settings, "hang", scope))
        faults_hang(settings, scope.index);
}

bool faults_ignore(const struct settings *settings, struct scope scope)
{
    return settings_take(settings, "ignore", scope);
}

/* Control characters, half characters of several code pages, too few and too many commas, numbers
 * out of range. */
static void print_garbage(void)
{
    static const char garbage[] = "\x00\x01\xFF\xFE\x80,,,\r\n"
                                  "not a row\r\n"
                                  "-7,\xC0\xAF,99999999999999999999,x,2,,\r\n"
                                  "\xB0\xA1\xE4\xBD,1,2\n\n,\r\n";

    os_write_stdout(garbage, sizeof(garbage) - 1);
}

static void print_rows(int64_t megabytes)
{
    static const char row[] = "7,LDPlayer-7,0,0,0,-1,-1,1280,720,240\r\n";
    enum { ROWS = 1024 };
    size_t size = sizeof(row) - 1;
    char *chunk = mem_alloc(size * ROWS);

    for (size_t i = 0; i < ROWS; i++)
        memcpy(chunk + i * size, row, size);
    for (int64_t left = megabytes * 1024 * 1024; left > 0; left -= (int64_t)(size * ROWS))
        os_write_stdout(chunk, size * ROWS);
}

static void add_stray(struct text *out, const struct settings *settings, struct scope scope)
{
    text_printf(out, "%s\r\n", settings_text_at(settings, "stray_text", scope));
}

/* The text with lines in it that are none of ldconsole's. */
static struct text with_strays(const struct settings *settings, struct scope scope,
                               const struct text *out)
{
    const char *where = settings_text_at(settings, "stray_at", scope);
    const char *line_end = memchr(text_str(out), '\n', out->len);
    size_t first = line_end ? (size_t)(line_end + 1 - out->data) : out->len;
    struct text ret = {0};

    if (text_list_has(where, "before"))
        add_stray(&ret, settings, scope);
    text_add_bytes(&ret, text_str(out), first);
    if (text_list_has(where, "between"))
        add_stray(&ret, settings, scope);
    text_add_bytes(&ret, text_str(out) + first, out->len - first);
    if (text_list_has(where, "after"))
        add_stray(&ret, settings, scope);
    return ret;
}

bool faults_crash(const struct settings *settings, struct scope scope)
{
    return settings_take(settings, "crash", scope);
}

void faults_print(const struct settings *settings, struct scope scope, const struct text *out)
{
    int64_t partial = settings_int_at(settings, "partial", scope);
    int64_t huge = settings_int_at(settings, "huge_mb", scope);
    struct text strayed;
    size_t len;

    if (settings_take(settings, "empty", scope))
        return;
    if (settings_take(settings, "garbage", scope)) {
        print_garbage();
        return;
    }
    if (settings_take(settings, "stray", scope)) {
        strayed = with_strays(settings, scope, out);
        out = &strayed;
    }
    len = out->len;
    if (partial > 0)
        len = (uint64_t)partial < len ? len - (size_t)partial : 0;
    os_write_stdout(text_str(out), len);
    if (huge > 0)
        print_rows(huge);
}

/* adb's daemon, which inherits more than it should. */
static void leave_holder(const struct settings *settings)
{
    const char *const argv[] = {"adb", "fork-server", "server", NULL};

    (void)process_start(settings->home, "holder", -1, argv, true);
}

int faults_after(const struct settings *settings, struct scope scope, int exit_code)
{
    const char *code = settings_text_at(settings, "exit_code", scope);
    int wanted;

    if (settings_take(settings, "hold_pipe", scope))
        leave_holder(settings);
    if (settings_take(settings, "hang_after", scope))
        faults_hang(settings, scope.index);
    return text_to_int(code, &wanted) ? wanted : exit_code;
}
