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
#include "service/commands/command_config.h"
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
    /* The file of a former one says nothing. */
    if (r < 0 || found.pid != look->holder.pid) {
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

static enum svc_exit refuse(const char *data_dir, int r, const struct look *look)
{
    if (look->holder.pid == 0)
        return svc_exit_fail("the data directory %s cannot be locked: %s", data_dir,
                             uv_strerror(r));
    if (!svc_lock_is_service(&look->holder))
        return svc_exit_fail("the data directory %s is in use by `ldplayerd %s` (process id "
                             "%" PRId64 "); try again when that has ended",
                             data_dir, look->holder.what, look->holder.pid);
    return svc_exit_fail("the data directory %s belongs to the running ldplayerd (process id "
                         "%" PRId64 "), which %s",
                         data_dir, look->holder.pid, look->why.text);
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

enum svc_exit svc_owner_find(const struct svc_args *args, const char *what, struct svc_owner *ret)
{
    struct svc_config config cleanup(svc_config_deinit);
    *ret = (struct svc_owner){0};
    enum svc_exit status = svc_command_config(args, &config);
    if (status != SVC_EXIT_OK)
        return status;
    ret->data_dir = mem_strdup(config.data_dir);
    int r = fs_make_dirs(ret->data_dir);
    if (r < 0)
        return svc_exit_fail("the data directory %s cannot be made: %s", ret->data_dir,
                             uv_strerror(r));
    return look_patiently(ret, what);
}

/* On its socket or pipe the service knows callers by their account. */
static enum svc_exit refuse_caller(const struct svc_owner *owner, const char *doing,
                                   const struct svc_client_answer *answer)
{
    return svc_exit_fail("%s: the service (process id %" PRId64 ") does not let this account do "
                         "it: %s Run the command as %s",
                         doing, owner->endpoint.pid, answer->problem, svc_platform_admin_advice());
}

enum svc_exit svc_owner_ask(const struct svc_owner *owner, const struct svc_client_request *request,
                            int expected, const char *doing, struct svc_client_answer *ret)
{
    struct svc_client_error why;
    int r = svc_client_ask(&owner->endpoint, request, ret, &why);
    if (r < 0)
        return svc_exit_fail("%s: the service (process id %" PRId64 ") %s", doing,
                             owner->endpoint.pid, why.text);
    if (!ret->problem || ret->status == expected)
        return SVC_EXIT_OK;
    if (ret->status == 401 || ret->status == 403)
        return refuse_caller(owner, doing, ret);
    return svc_exit_fail("%s: %s", doing, ret->problem);
}
