/* SPDX-License-Identifier: MIT */
#include "cache/snapshot/instance.h"

#include <sodium.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/hash.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"

static const char *const state_names[CACHE_STATE_COUNT] = {
    [CACHE_STATE_UNKNOWN] = "unknown",   [CACHE_STATE_STOPPED] = "stopped",
    [CACHE_STATE_STARTING] = "starting", [CACHE_STATE_BOOTING] = "booting",
    [CACHE_STATE_RUNNING] = "running",   [CACHE_STATE_READY] = "ready",
    [CACHE_STATE_STOPPING] = "stopping", [CACHE_STATE_STUCK] = "stuck",
    [CACHE_STATE_ZOMBIE] = "zombie",     [CACHE_STATE_UNREACHABLE] = "unreachable",
};

const char *cache_state_name(enum cache_state state)
{
    return state_names[state];
}

const char *const cache_verified_names[] = {"unknown", "own", "other", "foreign"};
const char *const cache_adb_debug_names[] = {"unknown", "off", "local", "remote"};

int cache_state_parse(const char *name, enum cache_state *ret)
{
    for (int i = 0; i < CACHE_STATE_COUNT; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *ret = (enum cache_state)i;
            return 0;
        }
    }
    return UV_EINVAL;
}

const char *cache_desired_name(enum cache_desired desired)
{
    switch (desired) {
    case CACHE_DESIRED_RUNNING:
        return "running";
    case CACHE_DESIRED_STOPPED:
        return "stopped";
    case CACHE_DESIRED_NONE:
        break;
    }
    return NULL;
}

const char *const cache_repair_names[] = {"report", "off", "restart", "full"};

void cache_instance_init(struct cache_instance *i)
{
    memset(i, 0, sizeof(*i));
    i->labels = mem_strdup("{}");
}

void cache_instance_deinit(struct cache_instance *i)
{
    mem_free(i->evidence);
    mem_free(i->labels);
    mem_free(i->guarded);
    i->evidence = i->labels = NULL;
    i->guarded = NULL;
}

void cache_instance_copy(struct cache_instance *to, const struct cache_instance *from)
{
    cache_instance_deinit(to);
    *to = *from;
    to->evidence = mem_strdup(from->evidence);
    to->labels = mem_strdup(from->labels);
    to->guarded = NULL;
}

void cache_instance_take_local(struct cache_instance *to, const struct cache_instance *from)
{
    mem_free(to->labels);
    to->labels = mem_strdup(from->labels);
    memcpy(to->group, from->group, sizeof(to->group));
    to->desired = from->desired;
    to->repair = from->repair;
    to->quarantine = from->quarantine;
}

static void append_str_or_null(struct buf *out, const char *s)
{
    if (s && *s)
        json_append_str(out, s);
    else
        (void)buf_append_str(out, "null");
}

/* An instance has some twenty numbers: no printf. */
static void append_i64(struct buf *out, int64_t n)
{
    if (n < 0)
        (void)buf_append(out, "-", 1);
    (void)buf_append_u64(out, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void append_i64_or_null(struct buf *out, int64_t n)
{
    if (n)
        append_i64(out, n);
    else
        (void)buf_append_str(out, "null");
}

static void append_id(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->id);
}

static void append_index(const struct cache_instance *i, struct buf *out)
{
    append_i64(out, i->index);
}

static void append_name(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->name);
}

static void append_state(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, cache_state_name(i->state));
}

static void append_reason(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->reason);
}

static void append_evidence(const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, i->evidence ? i->evidence : "{}");
}

static void append_desired(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, cache_desired_name(i->desired));
}

static void append_repair(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, cache_repair_names[i->repair]);
}

static void append_quarantine(const struct cache_instance *i, struct buf *out)
{
    char since[CLOCK_RFC3339_SIZE];
    if (i->quarantine.since == 0) {
        (void)buf_append_str(out, "null");
        return;
    }
    clock_format(i->quarantine.since, since);
    (void)buf_append_str(out, "{\"since\":\"");
    (void)buf_append_str(out, since);
    (void)buf_append_str(out, "\",\"reason\":");
    json_append_str(out, i->quarantine.reason);
    (void)buf_append_str(out, "}");
}

static void append_adb_serial(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, i->adb_serial);
}

static const char *const reachable_names[] = {"null", "false", "true"};

static void append_adb(const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, "{\"serial\":");
    append_str_or_null(out, i->adb_serial);
    (void)buf_append_str(out, ",\"verified\":\"");
    (void)buf_append_str(out, cache_verified_names[i->adb.verified]);
    (void)buf_append_str(out, "\",\"reachable\":");
    (void)buf_append_str(out, reachable_names[i->adb.reachable]);
    (void)buf_append_str(out, ",\"debug\":\"");
    (void)buf_append_str(out, cache_adb_debug_names[i->adb.debug]);
    (void)buf_append_str(out, "\"}");
}

static void append_pid(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->pid);
}

static void append_vbox_pid(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->vbox_pid);
}

static void append_top_window(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->top_window);
}

static void append_bind_window(const struct cache_instance *i, struct buf *out)
{
    append_i64_or_null(out, i->bind_window);
}

static void append_resolution(const struct cache_instance *i, struct buf *out)
{
    if (!i->width) {
        (void)buf_append_str(out, "null");
        return;
    }
    (void)buf_append_str(out, "{\"width\":");
    append_i64(out, i->width);
    (void)buf_append_str(out, ",\"height\":");
    append_i64(out, i->height);
    (void)buf_append_str(out, ",\"dpi\":");
    append_i64(out, i->dpi);
    (void)buf_append_str(out, "}");
}

static void append_setting(enum ldc_setting_type type, const struct ldc_setting_value *value,
                           struct buf *out)
{
    if (type == LDC_SETTING_TEXT)
        json_append_str(out, value->text);
    else if (type == LDC_SETTING_BOOL)
        (void)buf_append_str(out, value->number ? "true" : "false");
    else
        append_i64(out, value->number);
}

static void append_settings(const struct cache_instance *i, struct buf *out)
{
    const char *separator = "{\"";
    for (int s = 0; s < LDC_SETTING_COUNT; s++) {
        const struct ldc_setting_value *value = &i->settings.values[s];
        if (!value->is_set)
            continue;
        (void)buf_append_str(out, separator);
        (void)buf_append_str(out, ldc_setting_table[s].name);
        (void)buf_append(out, "\":", 2);
        append_setting(ldc_setting_table[s].type, value, out);
        separator = ",\"";
    }
    (void)buf_append_str(out, *separator == '{' ? "{}" : "}");
}

static void append_labels(const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, i->labels);
}

static void append_group(const struct cache_instance *i, struct buf *out)
{
    append_str_or_null(out, i->group);
}

static void append_revision(const struct cache_instance *i, struct buf *out)
{
    json_append_str(out, i->revision);
}

/* How two values of a field are compared. */
enum comparison {
    VOLATILE, /* not at all: it is no change by itself, nor part of the tag */
    DERIVED,  /* not at all: it follows from others, but is part of the tag */
    BYTES,    /* SIZE bytes */
    TEXT,     /* an array of characters */
    POINTER,  /* a pointer to text */
    SETTINGS,
};

#define FIELD(how, member)                                                                         \
    how, offsetof(struct cache_instance, member), sizeof(((struct cache_instance *)0)->member)

/* Who a field comes from. */
enum origin { SEEN, SET };

/* The API's Instance, in its order. */
static const struct field {
    const char *name;
    enum origin origin; /* SET: callers can set it, so it is part of the revision */
    void (*append)(const struct cache_instance *i, struct buf *out);
    enum comparison comparison;
    size_t offset, size;
} fields[] = {
    {"id", SEEN, append_id, FIELD(TEXT, id)},
    {"index", SEEN, append_index, FIELD(BYTES, index)},
    {"name", SET, append_name, FIELD(TEXT, name)},
    {"state", SEEN, append_state, FIELD(BYTES, state)},
    {"state_reason", SEEN, append_reason, FIELD(TEXT, reason)},
    {"evidence", SEEN, append_evidence, FIELD(VOLATILE, evidence)},
    {"desired_state", SET, append_desired, FIELD(BYTES, desired)},
    {"repair", SET, append_repair, FIELD(BYTES, repair)},
    {"quarantine", SEEN, append_quarantine, FIELD(BYTES, quarantine)},
    {"adb_serial", SEEN, append_adb_serial, FIELD(TEXT, adb_serial)},
    {"adb", SEEN, append_adb, FIELD(BYTES, adb)},
    {"pid", SEEN, append_pid, FIELD(BYTES, pid)},
    {"vbox_pid", SEEN, append_vbox_pid, FIELD(BYTES, vbox_pid)},
    {"top_window", SEEN, append_top_window, FIELD(BYTES, top_window)},
    {"bind_window", SEEN, append_bind_window, FIELD(BYTES, bind_window)},
    {"resolution", SET, append_resolution, BYTES, offsetof(struct cache_instance, width),
     offsetof(struct cache_instance, dpi) + sizeof(int) - offsetof(struct cache_instance, width)},
    {"settings", SET, append_settings, FIELD(SETTINGS, settings)},
    {"labels", SET, append_labels, FIELD(POINTER, labels)},
    {"group", SET, append_group, FIELD(TEXT, group)},
    {"revision", SEEN, append_revision, FIELD(DERIVED, revision)},
};

static void append_field(const struct field *field, const struct cache_instance *i, struct buf *out)
{
    (void)buf_append_str(out, field == fields ? "{\"" : ",\"");
    (void)buf_append_str(out, field->name);
    (void)buf_append(out, "\":", 2);
    field->append(i, out);
}

void cache_instance_append_json(const struct cache_instance *i, struct buf *out)
{
    for (size_t f = 0; f < countof(fields); f++)
        append_field(&fields[f], i, out);
}

/* No BLAKE2b: that took more than half of the time to render, and what somebody gains by two states
 * with one hash is that a reader who has the first is not told of the second. */
uint64_t cache_instance_render(const struct cache_instance *i, struct buf *out)
{
    uint64_t hash = 0;
    for (size_t f = 0; f < countof(fields); f++) {
        size_t start = out->len;
        append_field(&fields[f], i, out);
        if (fields[f].comparison != VOLATILE)
            hash = hash_more(hash, out->data + start, out->len - start);
    }
    return hash;
}

static bool are_settings_same(const struct ldc_settings *a, const struct ldc_settings *b)
{
    for (int s = 0; s < LDC_SETTING_COUNT; s++) {
        const struct ldc_setting_value *x = &a->values[s], *y = &b->values[s];
        if (x->is_set != y->is_set ||
            (x->is_set && (x->number != y->number || strcmp(x->text, y->text) != 0)))
            return false;
    }
    return true;
}

static bool is_field_same(const struct field *field, const struct cache_instance *a,
                          const struct cache_instance *b)
{
    const char *x = (const char *)a + field->offset, *y = (const char *)b + field->offset;
    switch (field->comparison) {
    case BYTES:
        return memcmp(x, y, field->size) == 0;
    case TEXT:
        return strcmp(x, y) == 0;
    case POINTER:
        return strcmp(*(char *const *)x, *(char *const *)y) == 0;
    case SETTINGS:
        return are_settings_same(&a->settings, &b->settings);
    case VOLATILE:
    case DERIVED:
        break;
    }
    return true;
}

bool cache_instance_is_same(const struct cache_instance *a, const struct cache_instance *b)
{
    for (size_t f = 0; f < countof(fields); f++) {
        if (!is_field_same(&fields[f], a, b))
            return false;
    }
    return true;
}

/* Whether something that was known is another now. What was not known and now is was filled in by
 * LDPlayer, as the first launch of an instance does. */
static bool is_set_otherwise(const struct field *field, const struct cache_instance *before,
                             const struct cache_instance *after)
{
    if (field->append == append_resolution && before->width == 0)
        return false;
    if (field->comparison != SETTINGS)
        return !is_field_same(field, before, after);
    struct ldc_settings known = after->settings;
    for (int s = 0; s < LDC_SETTING_COUNT; s++)
        known.values[s].is_set &= before->settings.values[s].is_set;
    return !are_settings_same(&before->settings, &known);
}

static bool is_any_set_otherwise(const struct cache_instance *before,
                                 const struct cache_instance *after)
{
    for (size_t f = 0; f < countof(fields); f++) {
        if (fields[f].origin == SET && is_set_otherwise(&fields[f], before, after))
            return true;
    }
    return false;
}

/* A digest of what callers can set, and of the revision before, so that none ever comes again. */
static void give_new_revision(struct cache_instance *i)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    (void)buf_printf(&text, "%s %s", i->id, i->revision);
    for (size_t f = 0; f < countof(fields); f++) {
        if (fields[f].origin == SET)
            append_field(&fields[f], i, &text);
    }
    crypto_generichash(digest, sizeof(digest), (const unsigned char *)text.data, text.len, NULL, 0);
    sodium_bin2hex(i->revision, sizeof(i->revision), digest, sizeof(i->revision) / 2);
}

void cache_instance_revise(struct cache_instance *i, const struct cache_instance *before)
{
    if (before && !i->revision[0])
        memcpy(i->revision, before->revision, sizeof(i->revision));
    bool is_revised = before && strcmp(i->revision, before->revision) != 0;
    if (!is_revised && (!before || is_any_set_otherwise(before, i)))
        give_new_revision(i);
}

char *cache_instance_diff(const struct cache_instance *before, const struct cache_instance *after)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    for (size_t f = 0; f < countof(fields); f++) {
        if (is_field_same(&fields[f], before, after))
            continue;
        (void)buf_append_str(&out, out.len ? ",\"" : "{\"");
        (void)buf_append_str(&out, fields[f].name);
        (void)buf_append_str(&out, "\":{\"from\":");
        fields[f].append(before, &out);
        (void)buf_append_str(&out, ",\"to\":");
        fields[f].append(after, &out);
        (void)buf_append_str(&out, "}");
    }
    if (out.len == 0)
        return NULL;
    (void)buf_append_str(&out, "}");
    return buf_take(&out, NULL);
}
