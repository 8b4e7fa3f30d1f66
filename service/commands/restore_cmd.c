/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"
#include "service/commands/owner.h"

/* The file is checked and staged beside the database here, where it may be read. It is armed, and
 * takes the database's place while that is closed, by its owner: the running service, which
 * restarts with it, or this command. Only when it is known to be the one that took the place it is
 * said to be. */

enum { ASK_MS = 30000, RETURN_MS = 120000, LOOK_EVERY_MS = 100 };

static const char doing[] = "the backup is not restored";

/* --- without a service --- */

static void warn(const char *lost)
{
    if (lost)
        fprintf(stderr, "ldplayerd: %s\n", lost);
}

static void warn_here(const char *data_dir)
{
    char *lost cleanup(mem_freep) = cache_restore_lost(data_dir);
    warn(lost);
}

static enum svc_exit finish_here(const struct svc_owner *owner, const struct cache_staged *staged,
                                 char **ret_kept)
{
    struct cache_db_error error;
    int r = cache_restore_arm(owner->data_dir, staged->id, &error);
    if (r == 0)
        r = cache_restore_finish(owner->data_dir, ret_kept, &error);
    if (r == 0) {
        warn_here(owner->data_dir);
        return SVC_EXIT_OK;
    }
    (void)cache_restore_unstage(owner->data_dir, staged->id);
    return svc_exit_fail("%s: %s", doing, error.text);
}

/* --- through the service --- */

/* What one life of the service says of itself: it is another one that was started at another time.
 */
struct life {
    char started_at[CLOCK_RFC3339_SIZE];
    char staged[UUID_SIZE]; /* what took the database's place at its start, or "" */
    char *kept;             /* where the former one is; NULL: there was none */
    char *lost;             /* what could not be read of that; NULL: nothing */
};

static void life_deinit(struct life *life)
{
    mem_free(life->kept);
    mem_free(life->lost);
}

static int ask_life(const struct svc_endpoint *endpoint, struct life *ret)
{
    struct svc_client_request request = {
        .method = "GET", .path = "/api/info", .timeout_ms = ASK_MS};
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error why;
    int r = svc_client_ask(endpoint, &request, &answer, &why);
    yyjson_val *root = yyjson_doc_get_root(answer.doc),
               *restored = yyjson_obj_get(root, "restored");
    const char *started_at = yyjson_get_str(yyjson_obj_get(root, "started_at"));
    const char *staged = yyjson_get_str(yyjson_obj_get(restored, "staged"));
    if (r == 0 && !started_at)
        r = UV_EAGAIN;
    if (r < 0)
        return r;
    *ret = (struct life){.kept = mem_strdup(yyjson_get_str(yyjson_obj_get(restored, "kept"))),
                         .lost = mem_strdup(yyjson_get_str(yyjson_obj_get(restored, "lost")))};
    str_copy(ret->started_at, sizeof(ret->started_at), started_at);
    str_copy(ret->staged, sizeof(ret->staged), staged ? staged : "");
    return 0;
}

static bool is_back(const char *data_dir, const char *started_at, struct life *ret)
{
    struct svc_endpoint found cleanup(svc_endpoint_deinit) = {0};
    if (svc_endpoint_read(data_dir, &found) < 0 || !found.pipe || ask_life(&found, ret) < 0)
        return false;
    if (strcmp(ret->started_at, started_at) != 0)
        return true;
    life_deinit(ret);
    *ret = (struct life){0};
    return false;
}

static enum svc_exit wait_for_return(const char *data_dir, const char *started_at,
                                     const struct cache_staged *staged, char **ret_kept)
{
    struct life life cleanup(life_deinit) = {0};
    uint64_t end = clock_mono_ms() + RETURN_MS;
    while (!is_back(data_dir, started_at, &life)) {
        if (clock_mono_ms() >= end)
            return svc_exit_fail("the service was told to restart with the backup and does not "
                                 "answer again; see its log. What is left undone is done at its "
                                 "next start");
        uv_sleep(LOOK_EVERY_MS);
    }
    if (strcmp(life.staged, staged->id) != 0)
        return svc_exit_fail("%s: the service came back with another database; its log and its "
                             "events (service.database_restored) say with which",
                             doing);
    warn(life.lost);
    *ret_kept = life.kept ? take_ptr(life.kept) : mem_strdup("");
    return SVC_EXIT_OK;
}

/* What is not staged any more cannot take place, but what was armed before the answer got lost. */
static enum svc_exit give_up(const struct svc_owner *owner, const struct cache_staged *staged,
                             bool is_answered, enum svc_exit status)
{
    int r = cache_restore_unstage(owner->data_dir, staged->id);
    if (r == UV_ENOENT && !is_answered)
        return svc_exit_fail("the service may have taken it over all the same: its log says so at "
                             "its next start");
    return status;
}

static enum svc_exit finish_there(const struct svc_owner *owner, const struct cache_staged *staged,
                                  char **ret_kept)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct life before cleanup(life_deinit) = {0};
    char *body cleanup(mem_freep) = mem_printf("{\"staged\":\"%s\"}", staged->id);
    enum svc_exit status = SVC_EXIT_OK;
    if (ask_life(&owner->endpoint, &before) < 0)
        status = svc_exit_fail("%s: the service (process id %" PRId64 ") does not say since when "
                               "it runs",
                               doing, owner->endpoint.pid);
    if (status != SVC_EXIT_OK)
        return give_up(owner, staged, true, status);
    status = svc_owner_ask(
        owner,
        &(struct svc_client_request){
            .method = "POST", .path = "/api/restore", .body = body, .timeout_ms = ASK_MS},
        0, doing, &answer);
    if (status != SVC_EXIT_OK)
        return give_up(owner, staged, answer.status != 0, status);
    return wait_for_return(owner->data_dir, before.started_at, staged, ret_kept);
}

/* --- the command --- */

static enum svc_exit print(const char *file, const struct cache_staged *staged, bool is_here,
                           const char *kept)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_printf(&out,
                     "%s is restored: %" PRId64 " bytes, schema %d, %u open operations "
                     "interrupted.\n",
                     file, staged->copy.bytes, staged->copy.schema_version, staged->n_interrupted);
    if (!is_here)
        (void)buf_append_str(&out, "The service was restarted.\n");
    if (*kept)
        (void)buf_printf(&out, "The former database is kept as %s.\n", kept);
    return svc_exit_print(&out);
}

enum svc_exit svc_restore_cmd(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct cache_db_error error;
    struct cache_staged staged;
    char *kept cleanup(mem_freep) = NULL;
    const char *file = args->words[0];
    enum svc_exit status = svc_owner_find(args, "restore", SVC_OWNER_DATA_DIR, &owner);
    if (status != SVC_EXIT_OK)
        return status;
    if (cache_restore_stage(owner.data_dir, file, &staged, &error) < 0)
        return svc_exit_fail("%s: %s", doing, error.text);
    status = (owner.lock ? finish_here : finish_there)(&owner, &staged, &kept);
    if (status != SVC_EXIT_OK)
        return status;
    return print(file, &staged, owner.lock != NULL, kept ? kept : "");
}
