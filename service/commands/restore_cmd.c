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

/* The file is checked and made ready beside the database here, where it may be read; it takes the
 * database's place while that is closed: at the restart of a running service, or here at once. */

enum { ASK_MS = 30000, RETURN_MS = 120000, LOOK_EVERY_MS = 100 };

static const char doing[] = "the backup is not restored";

/* --- without a service --- */

static enum svc_exit finish_here(const struct svc_owner *owner, struct buf *out)
{
    struct cache_db_error error;
    char *kept cleanup(mem_freep) = NULL;
    if (cache_restore_finish(owner->data_dir, &kept, &error) < 0)
        return svc_exit_fail("%s", error.text);
    if (kept && *kept)
        (void)buf_printf(out, "The former database is kept as %s.\n", kept);
    return SVC_EXIT_OK;
}

/* --- through the service --- */

/* When the service was started: another time is another life of it. */
static int ask_started_at(const struct svc_endpoint *endpoint, char ret[CLOCK_RFC3339_SIZE])
{
    struct svc_client_request request = {
        .method = "GET", .path = "/api/info", .timeout_ms = ASK_MS};
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    struct svc_client_error why;
    int r = svc_client_ask(endpoint, &request, &answer, &why);
    const char *text =
        yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(answer.doc), "started_at"));
    if (r == 0 && !text)
        r = UV_EAGAIN;
    if (r == 0)
        str_copy(ret, CLOCK_RFC3339_SIZE, text);
    return r;
}

static bool is_back(const char *data_dir, const char *started_at)
{
    struct svc_endpoint found cleanup(svc_endpoint_deinit) = {0};
    char now[CLOCK_RFC3339_SIZE];
    return svc_endpoint_read(data_dir, &found) == 0 && found.pipe &&
           ask_started_at(&found, now) == 0 && strcmp(now, started_at) != 0;
}

static enum svc_exit wait_for_return(const char *data_dir, const char *started_at)
{
    uint64_t end = clock_mono_ms() + RETURN_MS;
    while (!is_back(data_dir, started_at)) {
        if (clock_mono_ms() >= end)
            return svc_exit_fail("the service was told to restart with the backup and does not "
                                 "answer again; see its log. What is left undone is done at its "
                                 "next start");
        uv_sleep(LOOK_EVERY_MS);
    }
    if (cache_restore_check(data_dir) == UV_ENOENT)
        return SVC_EXIT_OK;
    return svc_exit_fail("%s: the service came back without it; see its log", doing);
}

static enum svc_exit finish_there(const struct svc_owner *owner, struct buf *out)
{
    struct svc_client_answer answer cleanup(svc_client_answer_deinit) = {0};
    char started_at[CLOCK_RFC3339_SIZE] = "";
    enum svc_exit status = SVC_EXIT_OK;
    if (ask_started_at(&owner->endpoint, started_at) < 0)
        status = svc_exit_fail("%s: the service (process id %" PRId64 ") does not say since when "
                               "it runs",
                               doing, owner->endpoint.pid);
    if (status == SVC_EXIT_OK)
        status = svc_owner_ask(owner,
                               &(struct svc_client_request){
                                   .method = "POST", .path = "/api/restore", .timeout_ms = ASK_MS},
                               0, doing, &answer);
    if (status != SVC_EXIT_OK) {
        cache_restore_unstage(owner->data_dir);
        return status;
    }
    (void)buf_printf(out,
                     "The service was restarted; the former database is kept in %s as "
                     "ldplayerd.db.replaced-<time>.\n",
                     owner->data_dir);
    return wait_for_return(owner->data_dir, started_at);
}

/* --- the command --- */

enum svc_exit svc_restore_cmd(const struct svc_args *args)
{
    struct svc_owner owner cleanup(svc_owner_deinit) = {0};
    struct buf out cleanup(buf_deinit);
    struct cache_db_error error;
    struct cache_copy copy;
    unsigned n_interrupted = 0;
    const char *file = args->words[0];
    buf_init(&out, 0);
    enum svc_exit status = svc_owner_find(args, "restore", &owner);
    if (status != SVC_EXIT_OK)
        return status;
    if (cache_restore_stage(owner.data_dir, file, &copy, &n_interrupted, &error) < 0)
        return svc_exit_fail("%s", error.text);
    (void)buf_printf(&out,
                     "%s is restored: %" PRId64 " bytes, schema %d, %u open operations "
                     "interrupted.\n",
                     file, copy.bytes, copy.schema_version, n_interrupted);
    status = (owner.lock ? finish_here : finish_there)(&owner, &out);
    return status == SVC_EXIT_OK ? svc_exit_print(&out) : status;
}
