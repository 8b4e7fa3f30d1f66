/* SPDX-License-Identifier: MIT */
#include "base/machine/system_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text/str.h"

/* Behind the first line that begins with KEY, or NULL. */
static const char *find_line(const char *text, const char *key)
{
    while (*text) {
        if (str_has_prefix(text, key))
            return text + strlen(key);
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return NULL;
}

/* user nice system idle iowait irq softirq steal; guest time, which follows, is in user and nice
 * already. A processor that waits for a disk could do something else: it is not busy. */
void system_proc_cpu(const char *text, struct system_cpu *ret)
{
    uint64_t t[8];
    const char *line = find_line(text, "cpu ");
    if (!line || sscanf(line,
                        "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                        " %" SCNu64 " %" SCNu64,
                        &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
        return;
    ret->busy = t[0] + t[1] + t[2] + t[5] + t[6] + t[7];
    ret->total = ret->busy + t[3] + t[4];
}

static void read_kib(const char *text, const char *key, uint64_t *ret_bytes)
{
    uint64_t kib;
    const char *line = find_line(text, key);
    if (line && sscanf(line, "%" SCNu64, &kib) == 1)
        *ret_bytes = kib * 1024;
}

void system_proc_memory(const char *text, struct system_figures *ret)
{
    read_kib(text, "MemTotal:", &ret->memory_total_bytes);
    read_kib(text, "MemAvailable:", &ret->memory_available_bytes);
    read_kib(text, "CommitLimit:", &ret->commit_limit_bytes);
    read_kib(text, "Committed_AS:", &ret->commit_used_bytes);
}

/* NAME=value, in quotes where it has spaces. */
static void read_variable(const char *text, const char *name, char *out, size_t size)
{
    char value[256];
    const char *line = find_line(text, name);
    if (!line)
        return;
    char quote = *line == '"' || *line == '\'' ? *line++ : '\n';
    size_t n = 0;
    while (line[n] && line[n] != quote && line[n] != '\n')
        n++;
    if (n >= sizeof(value))
        n = sizeof(value) - 1;
    memcpy(value, line, n);
    value[n] = '\0';
    str_copy(out, size, value);
}

void system_proc_os(const char *text, struct system_figures *ret)
{
    read_variable(text, "NAME=", ret->os_name, sizeof(ret->os_name));
    read_variable(text, "VERSION_ID=", ret->os_version, sizeof(ret->os_version));
    read_variable(text, "VERSION=", ret->os_version, sizeof(ret->os_version));
}

/* Value of three octal digits, or -1. */
static int read_octal(const char *digits)
{
    int value = 0;
    for (int i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '7')
            return -1;
        value = value * 8 + digits[i] - '0';
    }
    return value;
}

/* The system writes space, tab, line end and backslash in octal. */
static void unescape(char *text)
{
    char *out = text;
    while (*text) {
        int code = *text == '\\' ? read_octal(text + 1) : -1;
        *out++ = code < 0 ? *text : (char)code;
        text += code < 0 ? 1 : 4;
    }
    *out = '\0';
}

/* "36 35 98:0 /root /point options optional... - type source options" */
static bool read_mount(const char *line, struct system_mount *ret)
{
    char text[4096];
    size_t n = strcspn(line, "\n");
    if (n >= sizeof(text))
        return false;
    memcpy(text, line, n);
    text[n] = '\0';
    char *behind = strstr(text, " - ");
    if (!behind)
        return false;
    *behind = '\0';
    if (sscanf(text, "%*s %*s %*s %*s %255s", ret->point) != 1 ||
        sscanf(behind + 1, "- %31s %255s", ret->type, ret->source) != 2)
        return false;
    /* What fills its room may have been cut. */
    if (strlen(ret->point) == sizeof(ret->point) - 1)
        return false;
    unescape(ret->point);
    return true;
}

bool system_proc_next_mount(const char **text, struct system_mount *ret)
{
    while (**text) {
        const char *line = *text;
        *text += strcspn(line, "\n");
        *text += **text == '\n';
        if (read_mount(line, ret))
            return true;
    }
    return false;
}

bool system_proc_is_disk(const struct system_mount *mount)
{
    return str_has_prefix(mount->source, "/dev/") && !str_has_prefix(mount->source, "/dev/loop");
}

bool system_proc_holds(const struct system_mount *mount, const char *path)
{
    size_t n = strlen(mount->point);
    if (!str_has_prefix(path, mount->point))
        return false;
    return mount->point[n - 1] == '/' || path[n] == '/' || path[n] == '\0';
}
