/* SPDX-License-Identifier: MIT */
#ifndef SVC_APP_STATE_H
#define SVC_APP_STATE_H

#include "api/server.h"
#include "base/loop/loop.h"
#include "cache/backup/backups.h"
#include "cache/results/results.h"
#include "cache/faults/breakers.h"
#include "cache/tables/clock_check.h"
#include "cache/tables/events.h"
#include "cache/tables/housekeeping.h"
#include "cache/tables/idempotency.h"
#include "cache/tables/tokens.h"
#include "control/keep/reconciler.h"
#include "control/observe/observer.h"
#include "control/operations/engine.h"
#include "control/workstations/workstations.h"
#include "ldconsole/guard/client.h"
#include "ldconsole/guard/chaos.h"
#include "service/agent/agent_host.h"
#include "service/app/app.h"
#include "service/process/endpoint.h"
#include "service/process/lock.h"
#include "service/process/signals.h"

enum { SVC_APP_ERROR_SIZE = 1300 };

/** What the files of the app share. Parts are in the order in which they are built. */
struct svc_app {
    struct svc_app_options options;
    struct svc_config *config;
    int64_t started_at; /* wall ms */
    uint64_t started_mono_ms;
    char error[SVC_APP_ERROR_SIZE];
    char *ready_line;

    struct loop loop;
    bool has_loop;
    char *data_dir;      /* absolute */
    char *config_copies; /* folder in it */
    struct svc_lock *lock;
    sqlite3 *db;                /* until the store takes it over */
    struct cache_repair repair; /* what was done to a damaged database at this start */
    uint64_t damaged_ms; /* monotonic time of the last restart for a repair; 0 = there was none */
    uint64_t last_seq;   /* of the events; of the app that this one follows; 0 = there was none */
    struct cache_missing missing; /* until the backups take it over */
    char *restore_note;           /* of the last restore of the database, or NULL */
    bool is_restore_told;         /* by an earlier start */
    struct cache_clock_check clock;
    struct cache_tokens *tokens;
    struct cache_idempotency *idempotency;
    struct cache_events *events;
    struct cache_subscriber *eventlog, *trouble;
    struct cache_instance *instances; /* until the observer takes them over */
    size_t n_instances;
    struct cache_instance *gone;
    size_t n_gone;
    struct cache_operation **operations; /* open ones, until the engine takes them over */
    size_t n_operations;
    struct ldc_breaker_memory *breakers; /* until the client takes them over */
    size_t n_breakers;
    struct cache_workstation *stations; /* until the workstations take them over */
    size_t n_stations;
    struct cache_store *store;
    struct cache_housekeeping *housekeeping;
    struct cache_backups *backups;
    char *cache_preference; /* what was set of the result cache at run time, or NULL */
    struct cache_results *results;
    uint64_t bad_value_told_ms; /* when the log last had one; 0 = never */
    struct ldc_install install;
    struct svc_agent_host *agent_host; /* NULL when ldconsole is run directly */
    struct svc_agent_host_options agent;
    struct ldc_client *client;
    struct ldc_chaos *chaos; /* NULL where drills are not allowed; the client's */
    struct ctl_observer *observer;
    struct ctl_survey_listener on_survey;
    bool told_torn;                  /* that list2 prints broken rows: it is in the log */
    char told_noise[LDC_QUOTE_SIZE]; /* that list2 prints beside its list, as the log had it last */
    struct ctl_engine *engine;
    struct ctl_reconciler *reconciler;
    struct ctl_figures *figures;
    struct ctl_workstations *workstations;
    struct ctl_workstations_listener on_workstation;
    char *limits;
    struct api_server *server;
    struct svc_endpoint endpoint; /* where it listens */
    int http_port; /* what was bound, or is to be: of the app that this one follows; 0 = none yet */
    struct svc_signals *signals;

    bool is_again; /* follows another app of this process */
    bool is_stopping, is_restarting, is_awaiting_results, is_awaiting_agent;
    size_t next_close; /* step of the teardown that comes next */
};

/** Fills app->error; returns CODE. The steps of the start below return 0 or such a code. */
int svc_app_refuse(struct svc_app *app, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* app_disk.c: what is read before anything runs. */
int svc_app_open_data_dir(struct svc_app *app);
int svc_app_restore_db(struct svc_app *app);
int svc_app_open_db(struct svc_app *app);
int svc_app_load(struct svc_app *app);

/* app_damage.c */
/** Restarts the app, which then checks and repairs the database; false, with nothing done but word
 *  left for the next start and a line in the log, when that was done less than ten minutes ago,
 *  there is no room for it, or the files are not those that were opened. */
bool svc_app_restart_for_repair(struct svc_app *app);
/** Word for the next start that the files are not those that were opened; and that they are. */
void svc_app_doubt_database(struct svc_app *app);
void svc_app_trust_database(struct svc_app *app);

/* app_parts.c: what runs. */
int svc_app_find_install(struct svc_app *app);
int svc_app_build_control(struct svc_app *app);
int svc_app_listen(struct svc_app *app);
int svc_app_publish(struct svc_app *app);

/* app_agent.c: where ldconsole runs. */
struct runner *svc_app_build_runner(struct svc_app *app);

/* app_cache.c */
int svc_app_build_results(struct svc_app *app);

/* app_events.c: what is told about the service itself. */
int svc_app_tell_started(struct svc_app *app);
void svc_app_tell_backup(void *arg, const struct cache_backups_answer *answer);
void svc_app_tell_stopping(struct svc_app *app, const char *reason);
void svc_app_tell_reloaded(struct svc_app *app);
void svc_app_tell_agent_started(struct svc_app *app, const struct svc_session *session,
                                const struct agent_hello *hello);
void svc_app_tell_agent_lost(struct svc_app *app, const struct svc_session *session,
                             const char *why, uint64_t retry_ms);
void svc_app_tell_no_session(struct svc_app *app, const char *sentence);
void svc_app_tell_intruder(struct svc_app *app, const char *reason);
/** For ldc_chaos_on_change. */
void svc_app_tell_chaos(void *arg, const struct ldc_chaos_drill *drill, const char *why);
void svc_app_on_store(void *arg, const struct cache_store_health *before,
                      const struct cache_store_health *now);
void svc_app_on_breaker(void *arg, const struct ldc_breaker *breaker, const char *by);
void svc_app_on_survey(void *arg);

/* app_watchdog.c */
void svc_app_start_reconciler(struct svc_app *app);
/** W was changed: maintenance mode of this one stops it. */
void svc_app_tell_reconciler(struct svc_app *app, const struct ctl_workstation *w);

/* app_workstations.c */
int svc_app_build_workstations(struct svc_app *app);
void svc_app_start_workstations(struct svc_app *app);

#endif
