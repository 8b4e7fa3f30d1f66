/* SPDX-License-Identifier: MIT */
#include "service/app/app_private.h"

#include <stdio.h>
#include <string.h>

#include "base/log/log.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/backup/restore.h"
#include "cache/tables/preferences.h"
#include "service/process/crash.h"
#include "service/reporting/eventlog.h"
#include "service/reporting/trouble.h"
#include "version.h"

/* An event whose data is one JSON object under construction. */
struct telling {
    yyjson_mut_doc *doc;
    yyjson_mut_val *data;
};

static struct telling begin(void)
{
    struct telling t = {.doc = yyjson_mut_doc_new(NULL)};
    t.data = yyjson_mut_obj(t.doc);
    yyjson_mut_doc_set_root(t.doc, t.data);
    return t;
}

static void emit(struct svc_app *app, const char *type, struct telling *t)
{
    char *text cleanup(mem_freep) = json_write(t->doc);
    cache_events_emit(app->events, type, text);
    yyjson_mut_doc_free(t->doc);
}

/* The first event of a start, so that it is written before the note goes. */
static void tell_database_repaired(struct svc_app *app)
{
    struct telling t = begin();
    cache_repair_add_json(&app->repair, t.doc, t.data);
    emit(app, "service.database_repaired", &t);
    cache_preferences_remove(app->store, CACHE_REPAIR_NOTE);
}

/* At each start, as long as it is so. */
static void tell_database_missing(struct svc_app *app)
{
    struct telling t = begin();
    cache_missing_add_json(cache_backups_health(app->backups).missing, t.doc, t.data);
    emit(app, "service.database_missing", &t);
}

static void tell_database_restored(struct svc_app *app)
{
    cache_events_emit(app->events, "service.database_restored", app->restore_note);
    cache_restore_set_told(app->store);
}

static void tell_crashed(struct svc_app *app)
{
    char *dump cleanup(mem_freep) = svc_crash_take_report(app->data_dir);
    if (!dump)
        return;
    struct telling t = begin();
    json_add_str(t.doc, t.data, "dump", dump);
    emit(app, "service.crashed", &t);
    log_error("service", "ldplayerd crashed before this start; please report it with the dump %s",
              dump);
}

int svc_app_tell_started(struct svc_app *app)
{
    struct telling t = begin();
    app->eventlog = svc_eventlog_follow(app->events);
    app->trouble = svc_trouble_follow(app->events);
    if (app->repair.at)
        tell_database_repaired(app);
    if (cache_backups_health(app->backups).missing)
        tell_database_missing(app);
    tell_crashed(app);
    if (app->restore_note && !app->is_restore_told)
        tell_database_restored(app);
    json_add_str(t.doc, t.data, "version", LDP_VERSION);
    yyjson_mut_obj_add_int(t.doc, t.data, "pid", uv_os_getpid());
    json_add_str(t.doc, t.data, "ldconsole",
                 app->install.is_missing ? NULL : app->install.ldconsole);
    emit(app, "service.started", &t);
    return 0;
}

void svc_app_tell_backup(void *arg, const struct cache_backups_answer *answer)
{
    struct svc_app *app = arg;
    struct telling t = begin();
    if (answer->status == 0) {
        json_add_str(t.doc, t.data, "name", answer->items[0].name);
        yyjson_mut_obj_add_int(t.doc, t.data, "bytes", answer->items[0].bytes);
        emit(app, "service.backup_made", &t);
        log_info("service", "backup %s made: %lld bytes", answer->items[0].name,
                 (long long)answer->items[0].bytes);
        return;
    }
    json_add_str(t.doc, t.data, "reason", answer->error);
    emit(app, "service.backup_failed", &t);
    log_error("service", "the database could not be backed up: %s", answer->error);
    if (answer->status == UV_EFTYPE)
        (void)svc_app_restart_for_repair(app);
}

void svc_app_tell_stopping(struct svc_app *app, const char *reason)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "reason", reason);
    emit(app, "service.stopping", &t);
}

/* The log and the event log of Windows hear of it at once: an event waits until it can be written.
 */
static void tell_refusing(struct svc_app *app, int error)
{
    struct telling t = begin();
    char *reason cleanup(mem_freep) =
        mem_printf("the database refuses what is written (%s), so commands are refused: %s",
                   cache_sql_strerror(error), cache_sql_advice(error));
    json_add_str(t.doc, t.data, "reason", reason);
    emit(app, "service.database_failing", &t);
    log_error("service", "%s", reason);
    svc_eventlog_write(SVC_EVENTLOG_DATABASE_FAILING, reason);
}

static void tell_accepting(struct svc_app *app, int64_t since)
{
    struct telling t = begin();
    json_add_time(t.doc, t.data, "refused_since", since);
    emit(app, "service.database_recovered", &t);
    log_info("service", "the database takes writes again");
}

static void tell_disk(struct svc_app *app, const struct cache_store_health *now)
{
    struct telling t = begin();
    unsigned free_mb = (unsigned)(now->free_bytes >> 20);
    yyjson_mut_obj_add_uint(t.doc, t.data, "free_bytes", now->free_bytes);
    emit(app, now->is_disk_low ? "service.disk_low" : "service.disk_enough", &t);
    if (now->is_disk_low)
        log_warning("service", "the drive of %s is nearly full, %u MB are free: %s", app->data_dir,
                    free_mb, cache_sql_advice(UV_ENOSPC));
    else
        log_info("service", "the drive of %s has room again: %u MB are free", app->data_dir,
                 free_mb);
}

void svc_app_on_store(void *arg, const struct cache_store_health *before,
                      const struct cache_store_health *now)
{
    struct svc_app *app = arg;
    bool has_room = before->is_disk_low && !now->is_disk_low;
    if (now->is_damaged && (!before->is_damaged || has_room))
        (void)svc_app_restart_for_repair(app);
    if (now->write_error == UV_ENXIO && before->write_error != UV_ENXIO)
        svc_app_doubt_database(app);
    if (before->write_error == UV_ENXIO && !now->write_error && !now->is_damaged)
        svc_app_trust_database(app);
    if (now->write_error && now->write_error != before->write_error)
        tell_refusing(app, now->write_error);
    if (!now->write_error && before->write_error)
        tell_accepting(app, before->write_since);
    if (now->is_disk_low != before->is_disk_low)
        tell_disk(app, now);
}

void svc_app_tell_agent_started(struct svc_app *app, const struct svc_session *session,
                                const struct agent_hello *hello)
{
    struct telling t = begin();
    yyjson_mut_obj_add_uint(t.doc, t.data, "session", session->id);
    json_add_str(t.doc, t.data, "user", session->user);
    yyjson_mut_obj_add_uint(t.doc, t.data, "pid", hello->pid);
    yyjson_mut_obj_add_bool(t.doc, t.data, "elevated", hello->is_elevated);
    emit(app, "session.agent_started", &t);
    log_info("service", "the session agent is at work: process %u in session %u of %s", hello->pid,
             session->id, session->user);
    if (!hello->is_elevated)
        log_warning("service",
                    "the session agent is not elevated, because %s is no administrator; LDPlayer "
                    "may ask for elevation, and ldconsole then does nothing",
                    session->user);
}

void svc_app_tell_agent_lost(struct svc_app *app, const struct svc_session *session,
                             const char *why, uint64_t retry_ms)
{
    struct telling t = begin();
    yyjson_mut_obj_add_uint(t.doc, t.data, "session", session->id);
    json_add_str(t.doc, t.data, "user", session->user);
    json_add_str(t.doc, t.data, "reason", why);
    yyjson_mut_obj_add_uint(t.doc, t.data, "retry_ms", retry_ms);
    emit(app, "session.agent_lost", &t);
    log_warning("service",
                "the session agent in session %u of %s was lost: %s; it is started again in %u ms",
                session->id, session->user, why, (unsigned)retry_ms);
}

void svc_app_tell_no_session(struct svc_app *app, const char *sentence)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "reason", sentence);
    emit(app, "session.none", &t);
    log_warning("service", "no session: %s", sentence);
}

void svc_app_tell_intruder(struct svc_app *app, const char *reason)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "reason", reason);
    emit(app, "session.agent_refused", &t);
    log_warning("service", "somebody else tried to be the session agent and was refused: %s",
                reason);
}

void svc_app_tell_chaos(void *arg, const struct ldc_chaos_drill *drill, const char *why)
{
    struct svc_app *app = arg;
    struct telling t = begin();
    json_add_str(t.doc, t.data, "kind", ldc_chaos_kind_names[drill->kind]);
    json_add_str(t.doc, t.data, "by", drill->by);
    if (why) {
        yyjson_mut_obj_add_uint(t.doc, t.data, "spoiled", drill->n_spoiled);
        json_add_str(t.doc, t.data, "reason", why);
        emit(app, "service.chaos_ended", &t);
        log_warning("service", "the drill (%s) that %s began is over: %s; it spoiled %u calls",
                    ldc_chaos_kind_names[drill->kind], drill->by, why, drill->n_spoiled);
        return;
    }
    json_add_str(t.doc, t.data, "verb", drill->verb[0] ? drill->verb : NULL);
    yyjson_mut_obj_add_uint(t.doc, t.data, "percent", drill->percent);
    yyjson_mut_obj_add_uint(t.doc, t.data, "seconds", drill->duration_ms / 1000);
    emit(app, "service.chaos_begun", &t);
    log_warning("service",
                "%s began a drill: for %u s %u %% of the calls of %s fail on purpose (%s)",
                drill->by, drill->duration_ms / 1000, drill->percent,
                drill->verb[0] ? drill->verb : "ldconsole", ldc_chaos_kind_names[drill->kind]);
}

void svc_app_tell_reloaded(struct svc_app *app)
{
    struct telling t = begin();
    json_add_str(t.doc, t.data, "log_level", app->config->log_level);
    emit(app, "service.reloaded", &t);
}

void svc_app_resumed(struct svc_app *app)
{
    static const char reason[] = "the computer was asleep and nothing was looked at since";
    if (app->is_stopping)
        return;
    struct telling t = begin();
    log_info("service", "the computer was asleep; everything is looked at again");
    json_add_str(t.doc, t.data, "reason", reason);
    emit(app, "service.resumed", &t);
    ctl_observer_distrust(app->observer, reason);
}

/* What an operator orders is written by the API, which answers when that is on disk. */
static void remember_breaker(struct svc_app *app, const struct ldc_breaker *breaker, const char *by)
{
    struct ldc_breaker_memory memory;
    if (by)
        return;
    ldc_client_remember_breaker(breaker, &memory);
    cache_breakers_put(app->store, &memory, NULL, NULL);
}

void svc_app_on_breaker(void *arg, const struct ldc_breaker *breaker, const char *by)
{
    struct svc_app *app = arg;
    struct telling t = begin();
    const char *state = ldc_breaker_state_name(breaker->state);
    char type[48];
    snprintf(type, sizeof(type), "breaker.%s", state);
    json_add_str(t.doc, t.data, "name", breaker->name);
    json_add_str(t.doc, t.data, "instance", *breaker->instance ? breaker->instance : NULL);
    json_add_str(t.doc, t.data, "state", state);
    json_add_str(t.doc, t.data, "reason", *breaker->reason ? breaker->reason : NULL);
    json_add_str(t.doc, t.data, "note", *breaker->note ? breaker->note : NULL);
    json_add_str(t.doc, t.data, "by", by);
    emit(app, type, &t);
    remember_breaker(app, breaker, by);
    if (app->workstations)
        ctl_workstations_judge(app->workstations);
    if (by)
        log_warning("service", "breaker %s was made %s by %s%s%s", breaker->name, state, by,
                    *breaker->note ? ": " : "", breaker->note);
    else if (breaker->state == LDC_BREAKER_OPEN)
        log_warning("service", "breaker %s is open: %s", breaker->name, breaker->reason);
    else
        log_info("service", "breaker %s is %s", breaker->name, state);
}

/* A time in a line makes it no other one. */
static bool is_same_but_digits(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    for (; *a && *b; a++, b++) {
        a += strspn(a, digits);
        b += strspn(b, digits);
        if (*a != *b)
            return false;
        if (!*a)
            return true;
    }
    return *a == *b;
}

static void tell_torn(struct svc_app *app)
{
    const struct ctl_survey_verdict *verdict = ctl_observer_verdict(app->observer);
    bool is_torn = verdict->status == 0 && *verdict->code;
    if (verdict->status != 0 || is_torn == app->told_torn)
        return;
    app->told_torn = is_torn;
    if (is_torn)
        log_warning("service", "%s", verdict->detail);
    else
        log_info("service", "ldconsole list2 prints whole rows again");
}

/* Said once, and again when it is another line: it comes with each look. */
void svc_app_on_survey(void *arg)
{
    struct svc_app *app = arg;
    tell_torn(app);
    const char *noise = ctl_observer_noise(app->observer);
    if (is_same_but_digits(noise, app->told_noise))
        return;
    str_copy(app->told_noise, sizeof(app->told_noise), noise);
    if (*noise)
        log_warning("service",
                    "%s list2 prints more than its list, beginning with '%s'; that is passed over. "
                    "To be rid of it look for a script in ldconsole's place and, on Windows, for "
                    "AutoRun in Software\\Microsoft\\Command Processor of the registry",
                    ldc_client_install(app->client)->ldconsole, noise);
    else
        log_info("service", "ldconsole list2 prints nothing but its list again");
}
