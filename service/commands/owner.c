/* SPDX-License-Identifier: MIT */
#include "service/commands/owner.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"
#include "cache/backup/missing.h"
#include "cache/backup/restore.h"
#include "cache/store/files.h"
#include "service/commands/command_config.h"
#include "service/process/node_id.h"
#include "service/process/platform.h"

/* Within PATIENCE_MS a service that starts listens, one that ends is gone, and another command is
 * done; PROBE_MS is what one that lives needs to say so. */
enum { PATIENCE_MS = 10000, PROBE_MS = 5000, LOOK_EVERY_MS = 50 };

void svc_owner_deinit(struct svc_owner *owner)
{
    svc_lock_release(take_ptr(owner->lock));
    svc_endpoint_deinit(&owner->endpoint);
    mem_free(owner->data_dir);
    owner->data_dir = NULL;
}

/* Whether it answers at all; who may do what is another matter. */
static int probe(const struct svc_endpoint *endpoint, struct svc_client_error *reterr)
{
    struct svc_client_request request = {.method = "GET", .path = "/livez", .timeout_ms = PROBE_MS};
    struct svc_client_answer answer = {0};
    int r = svc_client_ask(endpoint, &request, &answer, reterr);
    svc_client_answer_deinit(&answer);
    return r;
}

/* What one look found: somebody to ask, or why there is nobody. */
struct look {
    struct svc_lock_holder holder;
    struct svc_client_error why;
    bool is_final; /* waiting will not help */
};

static int look_for_service(struct svc_owner *o, struct look *look)
{
    struct svc_endpoint found = {0};
    int r = svc_endpoint_read(o->data_dir, &found);
    if (r == UV_EFTYPE || r == UV_EISDIR) {
        snprintf(look->why.text, sizeof(look->why.text),
                 "cannot be found, because " SVC_ENDPOINT_FILE " there is no plain file: remove it "
                 "and start the service again");
        look->is_final = true;
    } else if (r < 0 || found.pid != look->holder.pid) { /* that of a former one says nothing */
        snprintf(look->why.text, sizeof(look->why.text),
                 "does not listen: it is starting, stopping, or hangs");
        r = UV_EAGAIN;
    } else if (!found.pipe) {
        snprintf(look->why.text, sizeof(look->why.text),
                 "can only be reached at %s, where commands have no credentials: %s, or use the "
                 "API with a token",
                 found.http ? found.http : "no address", svc_platform_pipe_advice());
        look->is_final = true;
        r = UV_ENOTSUP;
    } else {
        r = probe(&found, &look->why);
        look->is_final = r == UV_EACCES || r == UV_EPERM;
    }
    if (r == 0) {
        o->endpoint = found;
        return 0;
    }
    svc_endpoint_deinit(&found);
    return r;
}

/* 0: *O knows whom to ask or is the owner itself. */
static int look_once(struct svc_owner *o, const char *what, struct look *look)
{
    int r = svc_lock_take(o->data_dir, what, &o->lock, &look->holder);
    if (r != UV_EBUSY) {
        look->is_final = true;
        return r;
    }
    return svc_lock_is_service(&look->holder) ? look_for_service(o, look) : UV_EBUSY;
}

/* Windows has one error for both. */
static enum svc_exit refuse_account(const char *data_dir, const char *what, int r)
{
    r = r == UV_EPERM ? UV_EACCES : r;
    return svc_exit_fail("the data directory %s cannot be %s: %s. Run the command as %s", data_dir,
                         what, uv_strerror(r), svc_platform_admin_advice());
}

static enum svc_exit refuse(const char *data_dir, int r, const struct look *look)
{
    if (look->holder.pid == 0 && (r == UV_EACCES || r == UV_EPERM))
        return refuse_account(data_dir, "locked", r);
    if (look->holder.pid == 0)
        return svc_exit_fail("the data directory %s cannot be locked: %s", data_dir,
                             uv_strerror(r));
    if (!svc_lock_is_service(&look->holder))
        return svc_exit_fail("the data directory %s is in use by `ldplayerd %s` (process id "
                             "%" PRId64 "); try again when that has ended",
                             data_dir, look->holder.what, look->holder.pid);
    return svc_exit_fail("the data directory %s belongs to the running ldplayerd (process id "
                         "%" PRId64 "), which %s%s",
                         data_dir, look->holder.pid, look->why.text,
                         r == UV_ETIMEDOUT
                             ? ". A debugger may hold it; else end that process and start the "
                               "service again: nothing that it acknowledged is lost"
                             : "");
}

static enum svc_exit look_patiently(struct svc_owner *o, const char *what)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        struct look look = {0};
        int r = look_once(o, what, &look);
        if (r == 0)
            return SVC_EXIT_OK;
        if (look.is_final || clock_mono_ms() >= end)
            return refuse(o->data_dir, r, &look);
        uv_sleep(LOOK_EVERY_MS);
    }
}

static bool has(const char *data_dir, const char *name)
{
    char *path cleanup(mem_freep) = fs_join(data_dir, name);
    /* What may not be looked at is there: the lock says who may. */
    return fs_check_file(path) != UV_ENOENT;
}

static enum svc_exit refuse_without_database(const char *data_dir)
{
    struct cache_missing missing cleanup(cache_missing_deinit) = {0};
    char *log cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME "-wal");
    int64_t size = 0;
    if (fs_size(log, &size) == 0 && size > 0)
        return svc_exit_fail("there is no database in %s any more, but %s is there: start the "
                             "service, which saves what stands in it",
                             data_dir, log);
    cache_missing_find(data_dir, clock_wall_ms(), &missing);
    if (missing.n_copies > 0) {
        char *command cleanup(mem_freep) = cache_files_restore_command(missing.copies[0], data_dir);
        return svc_exit_fail("there is no database in %s any more; the newest copy of it comes "
                             "back by: %s",
                             data_dir, command);
    }
    return svc_exit_fail("there is no database in %s: name the data directory of the service with "
                         "--data-dir, or start the service, which makes one",
                         data_dir);
}

static bool is_empty(const char *dir)
{
    uv_fs_t req;
    int n = uv_fs_scandir(NULL, &req, dir, 0, NULL);
    uv_fs_req_cleanup(&req);
    return n == 0;
}

/* A folder that is none of ours gets nothing of ours, not even a lock. */
static enum svc_exit check_content(const char *data_dir, enum svc_owner_need need)
{
    static const char *const ours[] = {CACHE_DB_NAME, SVC_LOCK_FILE, SVC_NODE_ID_FILE,
                                       "config.json"};
    size_t n = need == SVC_OWNER_DATABASE ? 2 : countof(ours);
    for (size_t i = 0; i < n; i++) {
        if (has(data_dir, ours[i]))
            return SVC_EXIT_OK;
    }
    if (need == SVC_OWNER_NOTHING && is_empty(data_dir))
        return SVC_EXIT_OK;
    if (need == SVC_OWNER_DATABASE)
        return refuse_without_database(data_dir);
    return svc_exit_fail("%s is no data directory of ldplayerd; name the one of the service with "
                         "--data-dir, or make it one: `ldplayerd config init --data-dir %s`",
                         data_dir, data_dir);
}

/* A name that was mistyped must not become a directory with an empty database in it. */
static enum svc_exit check_data_dir(const char *data_dir, enum svc_owner_need need, bool may_make)
{
    int r = fs_check_file(data_dir);
    if (r == UV_ENOENT && may_make)
        r = fs_make_dirs(data_dir) == 0 ? UV_EISDIR : r;
    if (r == UV_EISDIR)
        return check_content(data_dir, need);
    if (r == 0 || r == UV_ENOTDIR || r == UV_EFTYPE)
        return svc_exit_fail("the data directory %s is no folder", data_dir);
    if (r == UV_ENOENT)
        return svc_exit_fail(
            "there is no data directory %s; name the one of the service with "
            "--data-dir, or make it: `ldplayerd config init --data-dir %s`, or the "
            "first start of the service",
            data_dir, data_dir);
    return refuse_account(data_dir, "opened", r);
}

/* One that was armed is wanted, and goes before whatever the command does. */
static enum svc_exit finish_restore(const char *data_dir)
{
    struct cache_db_error error;
    char *kept cleanup(mem_freep) = NULL;
    int r = cache_restore_finish(data_dir, &kept, &error);
    if (r < 0 && r != UV_EPERM)
        return svc_exit_fail("%s", error.text);
    if (r < 0)
        fprintf(stderr, "ldplayerd: %s\n", error.text);
    else if (kept)
        fprintf(stderr,
                "ldplayerd: a restore that was cut off is finished; the former database "
                "%s%s\n",
                *kept ? "is kept as " : "was not there", kept);
    return SVC_EXIT_OK;
}

/* What a restore or a repair was cut off in becomes the database first. */
static enum svc_exit settle(const char *data_dir, enum svc_owner_need need)
{
    char *database cleanup(mem_freep) = fs_join(data_dir, CACHE_DB_NAME);
    enum svc_exit status = finish_restore(data_dir);
    if (status != SVC_EXIT_OK || need != SVC_OWNER_DATABASE)
        return status;
    struct cache_db_error error;
    if (cache_db_check_kind(database, &error) < 0)
        return svc_exit_fail("%s", error.text);
    (void)cache_repair_resume(database);
    return fs_exists(database) ? SVC_EXIT_OK : refuse_without_database(data_dir);
}

static bool is_default(const struct svc_config *config)
{
    size_t i = (size_t)(svc_option_find("data_dir") - svc_option_table);
    return config->origins[i].source == SVC_SOURCE_DEFAULT;
}

enum svc_exit svc_owner_find(const struct svc_args *args, const char *what,
                             enum svc_owner_need need, struct svc_owner *ret)
{
    struct svc_config config cleanup(svc_config_deinit);
    *ret = (struct svc_owner){0};
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    ret->data_dir = mem_strdup(config.data_dir);
    status = check_data_dir(ret->data_dir, need, need == SVC_OWNER_NOTHING && is_default(&config));
    if (status == SVC_EXIT_OK)
        status = look_patiently(ret, what);
    return status == SVC_EXIT_OK && ret->lock ? settle(ret->data_dir, need) : status;
}

/* On its socket or pipe the service knows callers by their account. */
static enum svc_exit refuse_caller(const struct svc_owner *owner, const char *doing,
                                   const struct svc_client_answer *answer)
{
    return svc_exit_fail("%s: the service (process id %" PRId64 ") does not let this account do "
                         "it: %s Run the command as %s",
                         doing, owner->endpoint.pid, answer->problem, svc_platform_admin_advice());
}

enum svc_exit svc_owner_judge(const struct svc_owner *owner, const struct svc_client_answer *answer,
                              int expected, const char *doing)
{
    if (!answer->problem || answer->status == expected)
        return SVC_EXIT_OK;
    if (answer->status == 401 || answer->status == 403)
        return refuse_caller(owner, doing, answer);
    return svc_exit_fail("%s: %s", doing, answer->problem);
}

enum svc_exit svc_owner_ask(const struct svc_owner *owner, const struct svc_client_request *request,
                            int expected, const char *doing, struct svc_client_answer *ret)
{
    struct svc_client_error why;
    int r = svc_client_ask(&owner->endpoint, request, ret, &why);
    if (r < 0)
        return svc_exit_fail("%s: the service (process id %" PRId64 ") %s", doing,
                             owner->endpoint.pid, why.text);
    return svc_owner_judge(owner, ret, expected, doing);
}
