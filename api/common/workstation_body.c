/* SPDX-License-Identifier: MIT */
#include "api/common/workstation_body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "control/judge/state.h"
#include "ldconsole/guard/client.h"

/* -1 when there is no whole. */
static double percent_of(uint64_t part, uint64_t whole)
{
    return whole == 0 ? -1 : part < whole ? 100.0 * (double)part / (double)whole : 100;
}

/* --- system --- */

static void add_system(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ctl_sample *sample)
{
    if (sample)
        ctl_sample_add(doc, yyjson_mut_obj_add_obj(doc, object, "system"), sample);
    else
        yyjson_mut_obj_add_null(doc, object, "system");
}

/* One number each, as the earlier systems had them. */
static void add_usage(yyjson_mut_doc *doc, yyjson_mut_val *object, const struct ctl_sample *sample)
{
    double cpu = -1, memory = -1, disk = -1;
    if (sample) {
        const struct system_figures *s = &sample->system;
        cpu = sample->cpu_percent;
        memory = percent_of(ctl_sample_memory_used(s), s->memory_total_bytes);
        if (s->home < s->n_disks) {
            const struct system_disk *home = &s->disks[s->home];
            disk = percent_of(home->total_bytes - home->free_bytes, home->total_bytes);
        }
    }
    json_add_percent(doc, object, "cpu_usage", cpu);
    json_add_percent(doc, object, "memory_usage", memory);
    json_add_percent(doc, object, "disk_usage", disk);
}

/* --- LDPlayer and its instances --- */

static void add_ldplayer(const struct api_context *c, yyjson_mut_doc *doc, yyjson_mut_val *object,
                         bool is_local)
{
    const struct ldc_install *install = ldc_client_install(c->client);
    const char *running = ldc_client_abilities(c->client)->version;
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, object, "ldplayer");
    if (!is_local || install->is_missing)
        return;
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
    /* Of the banner, which is what runs; else of the installation. */
    json_add_str(doc, one, "version", *running ? running : install->version);
    json_add_str(doc, one, "install_dir", install->dir);
    json_add_str(doc, one, "ldconsole", install->ldconsole);
}

static void add_no_instances(yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    yyjson_mut_obj_add_null(doc, object, "instances");
    yyjson_mut_obj_add_null(doc, object, "total_emulators");
    yyjson_mut_obj_add_null(doc, object, "active_emulators");
}

static void add_instances(const struct api_context *c, yyjson_mut_doc *doc, yyjson_mut_val *object)
{
    const struct cache_snapshot *s = ctl_observer_snapshot(c->observer);
    size_t total = cache_snapshot_count(s), running = 0;
    /* Nobody has looked: that is no 0. */
    if (total == 0 && !cache_snapshot_is_observed(s)) {
        add_no_instances(doc, object);
        return;
    }
    for (size_t i = 0; i < total; i++)
        running += ctl_state_is_up(cache_snapshot_at(s, i)->instance.state);
    yyjson_mut_val *instances = yyjson_mut_obj_add_obj(doc, object, "instances");
    yyjson_mut_obj_add_uint(doc, instances, "total", total);
    yyjson_mut_obj_add_uint(doc, instances, "running", running);
    yyjson_mut_obj_add_uint(doc, object, "total_emulators", total);
    yyjson_mut_obj_add_uint(doc, object, "active_emulators", running);
}

/* --- bodies --- */

static yyjson_mut_val *make_workstation(const struct api_context *c, yyjson_mut_doc *doc,
                                        const struct ctl_workstation *w)
{
    bool is_local = ctl_workstation_is_local(w);
    const struct ctl_sample *sample =
        is_local ? ctl_figures_last(ctl_workstations_figures(c->workstations)) : NULL;
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    char revision[API_WORKSTATION_REVISION_SIZE];
    api_workstation_revision(w, revision);
    json_add_str(doc, object, "id", w->row.id);
    json_add_str(doc, object, "name", w->row.name);
    json_add_str(doc, object, "status", cache_workstation_status_name(w->row.status));
    json_add_str(doc, object, "status_reason", w->reason);
    json_add_str(doc, object, "address", *w->row.address ? w->row.address : NULL);
    json_add_raw(doc, object, "labels", w->row.labels);
    yyjson_mut_obj_add_bool(doc, object, "maintenance", w->row.is_maintained);
    add_system(doc, object, sample);
    add_ldplayer(c, doc, object, is_local);
    if (is_local)
        add_instances(c, doc, object);
    else
        add_no_instances(doc, object);
    add_usage(doc, object, sample);
    json_add_time(doc, object, "last_seen", w->row.last_seen_at);
    json_add_time(doc, object, "created_at", w->row.created_at);
    json_add_time(doc, object, "updated_at", w->row.updated_at);
    yyjson_mut_obj_add_strcpy(doc, object, "revision", revision);
    return object;
}

static void append_doc(yyjson_mut_doc *doc, yyjson_mut_val *root, struct buf *out)
{
    yyjson_mut_doc_set_root(doc, root);
    char *text cleanup(mem_freep) = json_write(doc);
    (void)buf_append_str(out, text);
}

void api_workstations_append_list(const struct api_context *c, struct buf *out)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < ctl_workstations_count(c->workstations); i++)
        yyjson_mut_arr_append(list,
                              make_workstation(c, doc, ctl_workstations_at(c->workstations, i)));
    append_doc(doc, list, out);
}

void api_workstations_append_one(const struct api_context *c, const struct ctl_workstation *w,
                                 struct buf *out)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    append_doc(doc, make_workstation(c, doc, w), out);
}

void api_workstations_append_system(const struct api_context *c, const struct ctl_workstation *w,
                                    const struct ctl_sample *sample, struct buf *out)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_str(doc, object, "id", w->row.id);
    ctl_sample_add(doc, object, sample);
    add_ldplayer(c, doc, object, true);
    append_doc(doc, object, out);
}

/* --- revisions and tags --- */

enum { HALF = 12 }; /* bytes of a digest */

static void add_hex(crypto_generichash_state *state, char *out)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_final(state, digest, sizeof(digest));
    sodium_bin2hex(out, 2 * HALF + 1, digest, HALF);
}

static void add_part(crypto_generichash_state *state, const char *text)
{
    /* With the terminator, so that "a" "bc" and "ab" "c" differ. */
    crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

void api_workstation_revision(const struct ctl_workstation *w,
                              char out[API_WORKSTATION_REVISION_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
    add_part(&state, w->row.id);
    add_part(&state, w->row.name);
    add_part(&state, w->row.address);
    add_part(&state, w->row.labels);
    add_part(&state, w->row.is_maintained ? "1" : "0");
    add_hex(&state, out);
}

void api_workstations_tag(const char *body, size_t n, char out[API_WORKSTATION_TAG_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
    crypto_generichash_update(&state, (const unsigned char *)body, n);
    strcpy(out, "W/\"");
    add_hex(&state, out + strlen(out));
    strcat(out, "\"");
}

/* --- states --- */

static uint64_t finish_state(crypto_generichash_state *state)
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    uint64_t number;
    crypto_generichash_final(state, digest, sizeof(digest));
    memcpy(&number, digest, sizeof(number));
    return number;
}

uint64_t api_workstations_state(const struct ctl_workstations *workstations)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
    for (size_t i = 0; i < ctl_workstations_count(workstations); i++) {
        const struct ctl_workstation *w = ctl_workstations_at(workstations, i);
        char revision[API_WORKSTATION_REVISION_SIZE], updated[24];
        api_workstation_revision(w, revision);
        snprintf(updated, sizeof(updated), "%" PRId64, w->row.updated_at);
        add_part(&state, revision);
        add_part(&state, updated);
        add_part(&state, cache_workstation_status_name(w->row.status));
    }
    return finish_state(&state);
}

uint64_t api_workstations_instances_state(const struct api_context *c)
{
    yyjson_mut_doc *doc cleanup(json_mut_doc_freep) = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, object);
    add_ldplayer(c, doc, object, true);
    add_instances(c, doc, object);
    char *text cleanup(mem_freep) = json_write(doc);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES_MIN);
    add_part(&state, text);
    return finish_state(&state);
}
