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

/* What a restore that is done says of itself. */
struct outcome {
    /* NULL: there was no former database; all of it could be read; no token was revoked in it. */
    char *kept, *lost, *live_again;
    bool has_ended; /* the service, before it could restart */
};

static void outcome_deinit(struct outcome *o)
{
    mem_free(o->kept);
    mem_free(o->lost);
    mem_free(o->live_again);
}

/* BEFORE and NOW: what took the database's place last, "" for nothing. */
static enum svc_exit refuse_other(const char *before, const char *now)
{
    if (strcmp(before, now) == 0)
        return svc_exit_fail("%s: what was made ready for it is not there any more, because a "
                             "start of the service has cleared it away, or somebody has; the "
                             "database is as it was: run the command again",
                             doing);
    return svc_exit_fail("%s: another one took the place of the database meanwhile; the log and "
                         "the events of the service (service.database_restored) say which",
                         doing);
}

/* --- by the owner, which this command is --- */

/* What is armed takes the database's place, unless it has done so already. */
static enum svc_exit finish_armed(const char *data_dir, const struct cache_staged *staged,
                                  const char *before, struct outcome *ret)
{
    struct cache_db_error error;
    struct cache_restored last cleanup(cache_restored_deinit) = {0};
    char *kept cleanup(mem_freep) = NULL;
    if (cache_restore_finish(data_dir, &kept, &error) < 0)
        return svc_exit_fail("%s: %s", doing, error.text);
    (void)cache_restore_read_last(data_dir, &last);
    const char *now = last.staged ? last.staged : "";
    if (strcmp(now, staged->id) != 0)
        return refuse_other(before, now);
    ret->kept = take_ptr(last.kept);
    ret->lost = take_ptr(last.lost);
    ret->live_again = take_ptr(last.live_again);
    return SVC_EXIT_OK;
}

static enum svc_exit finish_here(const struct svc_owner *owner, const struct cache_staged *staged,
                                 struct outcome *ret)
{
    struct cache_db_error error;
    if (cache_restore_arm(owner->data_dir, staged->id, &error) == 0)
        return finish_armed(owner->data_dir, staged, staged->id, ret);
    (void)cache_restore_unstage(owner->data_dir, staged->id);
    return svc_exit_fail("%s: %s", doing, error.text);
}

/* --- through the service --- */

/* What one life of the service says of itself: it is another one that was started at another time.
 */
struct life {
    char started_at[CLOCK_RFC3339_SIZE];
    char staged[UUID_SIZE]; /* what took the database's place last, or "" */
    struct outcome outcome;
};

static void life_deinit(struct life *life)
{
    outcome_deinit(&life->outcome);
    *life = (struct life){0};
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
    *ret = (struct life){
        .outcome = {.kept = mem_strdup(yyjson_get_str(yyjson_obj_get(restored, "kept"))),
                    .lost = mem_strdup(yyjson_get_str(yyjson_obj_get(restored, "lost"))),
                    .live_again =
                        mem_strdup(yyjson_get_str(yyjson_obj_get(restored, "live_again")))}};
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
    return false;
}

/* A service that was killed has left the lock, and one that is started meanwhile waits for it. */
static bool has_ended(struct svc_owner *owner)
{
    struct svc_lock_holder holder;
    return svc_lock_take(owner->data_dir, "restore", &owner->lock, &holder) == 0;
}

static enum svc_exit wait_for_return(struct svc_owner *owner, const struct life *before,
                                     const struct cache_staged *staged, struct outcome *ret)
{
    struct life life cleanup(life_deinit) = {0};
    uint64_t end = clock_mono_ms() + RETURN_MS;
    while (!is_back(owner->data_dir, before->started_at, &life)) {
        if (has_ended(owner)) {
            ret->has_ended = true;
            return finish_armed(owner->data_dir, staged, before->staged, ret);
        }
        if (clock_mono_ms() >= end)
            return svc_exit_fail("the service (process id %" PRId64 ") was told to restart with "
                                 "the backup and does not answer again; see its log. What is left "
                                 "undone is done at its next start",
                                 owner->endpoint.pid);
        uv_sleep(LOOK_EVERY_MS);
    }
    if (strcmp(life.staged, staged->id) != 0)
        return refuse_other(before->staged, life.staged);
    ret->kept = take_ptr(life.outcome.kept);
    ret->lost = take_ptr(life.outcome.lost);
    ret->live_again = take_ptr(life.outcome.live_again);
    return SVC_EXIT_OK;
}

static enum svc_exit refuse_silence(const struct svc_owner *owner, int r)
{
    return svc_exit_fail("%s: the service (process id %" PRId64 ") does not answer, because it %s",
                         doing, owner->endpoint.pid,
                         r == UV_ETIMEDOUT
                             ? "hangs: end that process and run the command again"
                             : "has ended, or ends or restarts just now, as it does for another "
                               "restore: see its log, and run the command again");
}

static enum svc_exit finish_there(struct svc_owner *owner, const struct cache_staged *staged,
                                  struct outcome *ret)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct life before cleanup(life_deinit) = {0};
    char *body cleanup(mem_freep) = mem_printf("{\"staged\":\"%s\"}", staged->id);
    struct svc_client_request request = {
        .method = "POST", .path = "/api/restore", .body = body, .timeout_ms = ASK_MS};
    struct svc_client_error why;
    int r = ask_life(&owner->endpoint, &before);
    bool is_asked = r == 0;
    if (is_asked)
        r = svc_client_ask(&owner->endpoint, &request, &answer, &why);
    enum svc_exit status = r == 0 ? svc_owner_judge(owner, &answer, 0, doing) : SVC_EXIT_FAILED;
    if (r == 0 && status == SVC_EXIT_OK)
        return wait_for_return(owner, &before, staged, ret);
    /* What is not staged any more was armed before the answer got lost, or cleared away by a start.
     */
    if (cache_restore_unstage(owner->data_dir, staged->id) == UV_ENOENT && is_asked && r < 0)
        return wait_for_return(owner, &before, staged, ret);
    return r == 0 ? status : refuse_silence(owner, r);
}

/* --- the command --- */

static enum svc_exit print(const char *file, const struct cache_staged *staged, bool is_here,
                           const struct outcome *o)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    (void)buf_printf(&out,
                     "%s is restored: %" PRId64 " bytes, schema %d, %u open operations "
                     "interrupted.\n",
                     file, staged->copy.bytes, staged->copy.schema_version, staged->n_interrupted);
    if (o->has_ended)
        (void)buf_append_str(&out, "The service has ended meanwhile; its next start goes on with "
                                   "this.\n");
    else if (!is_here)
        (void)buf_append_str(&out, "The service was restarted.\n");
    if (o->kept)
        (void)buf_printf(&out, "The former database is kept as %s.\n", o->kept);
    if (o->lost)
        fprintf(stderr, "ldplayerd: %s\n", o->lost);
    if (o->live_again)
        fprintf(stderr, "ldplayerd: %s\n", o->live_again);
    return svc_exit_print(&out);
}

enum svc_exit svc_restore_cmd(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct cache_db_error error;
    struct cache_staged staged;
    struct outcome outcome cleanup(outcome_deinit) = {0};
    const char *file = args->words[0];
    enum svc_exit status = svc_owner_find(args, "restore", SVC_OWNER_DATA_DIR, &owner);
    if (status != SVC_EXIT_OK)
        return status;
    if (cache_restore_stage(owner.data_dir, file, &staged, &error) < 0)
        return svc_exit_fail("%s: %s", doing, error.text);
    bool is_here = owner.lock != NULL;
    status =
        is_here ? finish_here(&owner, &staged, &outcome) : finish_there(&owner, &staged, &outcome);
    return status == SVC_EXIT_OK ? print(file, &staged, is_here, &outcome) : status;
}
