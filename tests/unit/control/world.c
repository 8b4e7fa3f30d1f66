/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/world.h"

#include <stdio.h>

#include "base/memory/buf.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "cache/tables/instances.h"
#include "control/operations/engine_private.h"
#include "ldconsole/guard/chaos.h"
#include "ldconsole/verbs/timing.h"
#include "tests/support/fake_timers.h"
#include "tests/support/folder.h"

enum { PULSE_MS = 2 };

static void on_pulse(uv_timer_t *timer)
{
    (void)timer;
}

void world_init(struct world *w)
{
    *w = (struct world){
        .farm = fake_farm_new(),
        .folder = folder_make(),
        .observing = ctl_observer_defaults,
        .limits = ctl_engine_defaults,
        .calls = ldc_client_defaults,
        .standing = ctl_workstations_defaults,
        .keeping = ctl_reconciler_defaults,
    };
    w->observing.active_ms = 4;
    w->observing.idle_ms = 10;
    w->limits.timeouts.settle_ms = 0;
    w->limits.pressure = (struct ctl_pressure_limits){0}; /* whatever else this machine does */
    w->told = mem_strdup("");
    w->heard = mem_strdup("");
    cr_assert_eq(loop_init(&w->loop), 0);
    uv_timer_init(&w->loop.uv, &w->pulse);
    uv_timer_start(&w->pulse, on_pulse, PULSE_MS, PULSE_MS);
}

void world_live_fast(struct world *w)
{
    uv_timer_stop(&w->pulse);
    w->observing = ctl_observer_defaults;
    w->limits.timeouts = ctl_engine_defaults.timeouts;
    w->profile = cache_profile_find("dev");
    fake_timers_begin(&w->loop);
}

static void append(char **text, const char *before, const char *more, const char *behind)
{
    char *longer = mem_printf("%s%s%s%s", *text, **text ? before : "", more, behind);
    mem_free(*text);
    *text = longer;
}

static void on_event(void *arg, const struct cache_event *event)
{
    struct world *w = arg;
    append(&w->heard, "", event->type, ";");
    if (str_has_prefix(event->type, "operation."))
        append(&w->told, " ", event->type + strlen("operation."), "");
    if (w->listen && !w->is_dead)
        w->listen(w->listen_arg, event);
}

unsigned world_heard(const struct world *w, const char *type)
{
    unsigned n = 0;
    size_t length = strlen(type);
    for (const char *at = w->heard; (at = strstr(at, type)); at += length)
        n += at[length] == ';' && (at == w->heard || at[-1] == ';');
    return n;
}

static void build_client(struct world *w)
{
    struct ldc_install install = {0};
    ldc_install_from_path(fake_farm_ldconsole(w->farm), &install);
    struct runner *runner = fake_farm_runner(w->farm, &w->loop);
    if (w->has_chaos) {
        runner = ldc_chaos_new(&w->loop, runner);
        w->chaos = ldc_chaos_of(runner);
    }
    w->client = ldc_client_new(&w->loop, runner, &install, &w->calls);
    ldc_install_deinit(&install);
}

static void build_observer(struct world *w, struct cache_instance *items, size_t n,
                           struct cache_instance *gone, size_t n_gone)
{
    struct ctl_observer_parts parts = {
        .loop = &w->loop,
        .client = w->client,
        .store = w->store,
        .events = w->events,
    };
    w->observer = ctl_observer_new(&parts, &w->observing);
    ctl_observer_load(w->observer, items, n, 0);
    ctl_observer_load_gone(w->observer, gone, n_gone);
}

static void build_engine(struct world *w, struct cache_operation **ops, size_t n)
{
    struct ctl_engine_parts parts = {
        .loop = &w->loop,
        .client = w->client,
        .store = w->store,
        .events = w->events,
        .idempotency = w->idempotency,
        .observer = w->observer,
        .figures = w->figures,
    };
    w->engine = ctl_engine_new(&parts, &w->limits);
    ctl_engine_recover(w->engine, ops, n);
}

static void build_workstations(struct world *w, struct cache_workstation *items, size_t n)
{
    struct ctl_workstations_parts parts = {
        .loop = &w->loop,
        .client = w->client,
        .store = w->store,
        .events = w->events,
        .idempotency = w->idempotency,
        .observer = w->observer,
        .figures = w->figures,
        .reach = &fake_reach_ops,
    };
    w->workstations = ctl_workstations_new(&parts, &w->standing, items, n);
}

static sqlite3 *open_db(struct world *w)
{
    sqlite3 *db = NULL;
    struct cache_db_error error;
    cr_assert_eq(cache_db_open(w->folder, &db, NULL, &error), 0, "%s", error.text);
    return db;
}

void world_open(struct world *w)
{
    struct cache_instance *instances = NULL, *gone = NULL;
    struct cache_operation **ops = NULL;
    struct cache_workstation *stations = NULL;
    size_t n_instances = 0, n_gone = 0, n_ops = 0, n_stations = 0;
    sqlite3 *db = open_db(w);

    cr_assert_eq(cache_instances_load(db, &instances, &n_instances), 0);
    cr_assert_eq(cache_instances_load_gone(db, &gone, &n_gone), 0);
    cr_assert_eq(cache_operations_load_open(db, &ops, &n_ops), 0);
    cr_assert_eq(cache_workstations_load(db, &stations, &n_stations), 0);
    cr_assert_eq(cache_events_new(db, 1000, &w->events), 0);
    w->idempotency = cache_idempotency_new();
    cr_assert_eq(cache_idempotency_load(w->idempotency, db, false), 0);
    w->subscriber = cache_events_subscribe(w->events, on_event, w);
    w->store = cache_store_new(&w->loop, db, w->profile);
    cache_events_set_store(w->events, w->store);
    build_client(w);
    build_observer(w, instances, n_instances, gone, n_gone);
    w->figures = ctl_figures_new(&w->loop, w->folder, 0);
    build_engine(w, ops, n_ops);
    build_workstations(w, stations, n_stations);
    ctl_observer_start(w->observer);
    ctl_engine_start(w->engine);
    ctl_workstations_start(w->workstations);
    if (w->has_reconciler)
        w->reconciler = ctl_reconciler_new(
            &(struct ctl_reconciler_parts){w->engine, w->observer, w->events}, &w->keeping);
    world_until(w, ctl_observer_verdict(w->observer)->status != 0 ||
                       cache_snapshot_is_observed(ctl_observer_snapshot(w->observer)));
}

void world_begin(struct world *w)
{
    world_init(w);
    world_open(w);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

/* Threads end without telling that they are under way: the clock does not jump at once. */
static void await_close(struct world *w)
{
    enum { SPINS = 10, PATIENCE = 100 };
    for (unsigned n = 1; fake_timers_are_on() && !w->is_closed; n++) {
        uv_run(&w->loop.uv, UV_RUN_NOWAIT);
        if (!w->is_closed && n > SPINS)
            uv_sleep(1);
        if (n % PATIENCE == 0)
            fake_timers_let_next_come();
    }
    world_until(w, w->is_closed);
}

/* Calls CLOSE and waits for its callback. */
#define CLOSE(w, close, part)                                                                      \
    do {                                                                                           \
        (w)->is_closed = false;                                                                    \
        close(part, on_closed, &(w)->is_closed);                                                   \
        await_close(w);                                                                            \
    } while (0)

void world_close_workstations(struct world *w)
{
    if (w->workstations)
        CLOSE(w, ctl_workstations_close, w->workstations);
}

void world_close_figures(struct world *w)
{
    if (w->figures)
        CLOSE(w, ctl_figures_close, w->figures);
}

void world_close(struct world *w)
{
    if (w->reconciler)
        ctl_reconciler_close(w->reconciler);
    world_close_workstations(w);
    CLOSE(w, ctl_engine_close, w->engine);
    world_close_figures(w);
    CLOSE(w, ctl_observer_close, w->observer);
    CLOSE(w, ldc_client_close, w->client);
    CLOSE(w, cache_store_close, w->store);
    cache_events_unsubscribe(w->subscriber);
    cache_events_free(w->events);
    cache_idempotency_free(w->idempotency);
    w->reconciler = NULL;
    w->engine = NULL;
    w->store = NULL;
}

static void copy_file(const char *from, const char *to, const char *name)
{
    char *source = fs_join(from, name), *target = fs_join(to, name);
    if (fs_exists(source))
        cr_assert_eq(fs_copy(source, target), 0);
    mem_free(source);
    mem_free(target);
}

void world_crash(struct world *w)
{
    char *now = folder_make();
    world_flush(w);
    copy_file(w->folder, now, "ldplayerd.db");
    copy_file(w->folder, now, "ldplayerd.db-wal");
    w->is_dead = true;
    world_close(w);
    w->is_dead = false;
    folder_remove(w->folder);
    w->folder = now;
    world_open(w);
}

void world_end(struct world *w)
{
    /* What the hook of a test looks at may have been on its stack. */
    fake_farm_on_verb(w->farm, NULL, NULL);
    if (w->engine)
        world_close(w);
    fake_reach_reset();
    if (fake_timers_are_on())
        fake_timers_end(&w->loop);
    uv_close((uv_handle_t *)&w->pulse, NULL);
    loop_run(&w->loop);
    /* Criterion does not count what fails in a tear-down. */
    if (loop_deinit(&w->loop) < 0) {
        fprintf(stderr, "a handle is still open\n");
        abort();
    }
    fake_farm_free(w->farm);
    folder_remove(w->folder);
    mem_free(w->told);
    mem_free(w->heard);
}

/* --- time --- */

void world_turn(struct world *w)
{
    if (fake_timers_are_on())
        fake_timers_turn(&w->loop, w->store && cache_store_stats(w->store).n_waiting > 0);
    else
        uv_run(&w->loop.uv, UV_RUN_ONCE);
}

void world_rest(struct world *w)
{
    while (cache_store_stats(w->store).n_waiting > 0 || !fake_timers_are_at_rest(&w->loop))
        uv_run(&w->loop.uv, UV_RUN_ONCE);
}

static void on_fresh(void *arg, int status)
{
    (void)status;
    *(int *)arg += 1;
}

void world_look(struct world *w)
{
    int n = 0;
    (void)ctl_observer_want(w->observer, 0, on_fresh, &n);
    world_until(w, n == 1);
}

void world_rest_disks(struct world *w)
{
    for (int i = 0; i < LDC_TIMING_DISK_LOOKS; i++)
        world_look(w);
    world_skip(w, LDC_TIMING_DISK_QUIET_MS);
}

void world_skip(struct world *w, uint64_t ms)
{
    fake_clock_skip(ms);
    world_look(w);
}

void world_flush(struct world *w)
{
    world_until(w, cache_store_stats(w->store).n_waiting == 0);
}

/* A step needs a look, then a mark on disk, before anything is seen of it. */
void world_settle(struct world *w)
{
    for (int i = 0; i < 2; i++) {
        world_look(w);
        world_flush(w);
    }
    world_look(w);
}

static int exec_short_patience(sqlite3 *db, void *arg)
{
    (void)arg;
    sqlite3_busy_timeout(db, 1);
    return 0;
}

/* Another program has it locked. */
static void lock_store(struct world *w)
{
    char *path = fs_join(w->folder, "ldplayerd.db");
    cache_store_write(w->store, exec_short_patience, NULL, NULL);
    world_flush(w);
    cr_assert_eq(sqlite3_open(path, &w->breaker), SQLITE_OK);
    sqlite3_busy_timeout(w->breaker, 5000);
    cr_assert_eq(sqlite3_exec(w->breaker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    mem_free(path);
}

void world_order(struct world *w, const char *breaker, enum ldc_breaker_state state)
{
    struct ldc_breaker_order order = {.state = state, .by = "an admin", .note = "a test"};
    cr_assert_not_null(ldc_client_steer(w->client, breaker, &order));
}

void world_break_store(struct world *w, bool is_broken)
{
    if (is_broken)
        lock_store(w);
    else
        cache_db_close(take_ptr(w->breaker));
}

/* --- instances --- */

const struct cache_instance *world_at(struct world *w, int index)
{
    const struct cache_entry *entry =
        cache_snapshot_by_index(ctl_observer_snapshot(w->observer), index);
    return entry ? &entry->instance : NULL;
}

enum cache_state world_state(struct world *w, int index)
{
    const struct cache_instance *i = world_at(w, index);
    return i ? i->state : CACHE_STATE_COUNT;
}

/* --- operations --- */

struct ctl_request world_request(struct world *w, enum cache_op_kind kind, int index)
{
    const struct cache_instance *i = world_at(w, index);
    return (struct ctl_request){
        .kind = kind,
        .target = i ? i->id : NULL,
        .local = {.desired = -1},
        .requested_by = "tester",
    };
}

void world_on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                     const struct ctl_refusal *refusal)
{
    struct world_answer *answer = arg;
    cr_assert_not(answer->is_there, "answered twice");
    answer->is_there = true;
    answer->is_repeat = is_repeat;
    if (op) {
        str_copy(answer->id, sizeof(answer->id), op->id);
        answer->status = op->status;
    } else {
        answer->refusal = *refusal;
    }
}

struct world_answer world_submit(struct world *w, const struct ctl_request *request)
{
    struct world_answer answer = {0};
    ctl_engine_submit(w->engine, request, world_on_accept, &answer);
    cr_assert_not(answer.is_there, "answered in the same turn");
    world_until(w, answer.is_there);
    return answer;
}

struct world_answer world_submit_batch(struct world *w, const struct ctl_request *request,
                                       const int *indexes, size_t n)
{
    struct world_answer answer = {0};
    const char **ids = mem_calloc(n, sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        ids[i] = world_at(w, indexes[i])->id;
    ctl_engine_submit_batch(w->engine, request, ids, n, world_on_accept, &answer);
    mem_free(ids);
    world_until(w, answer.is_there);
    return answer;
}

struct world_answer world_do(struct world *w, enum cache_op_kind kind, int index)
{
    struct ctl_request request = world_request(w, kind, index);
    struct world_answer answer = world_submit(w, &request);
    cr_assert_str_not_empty(answer.id, "refused: %s %s", answer.refusal.code,
                            answer.refusal.detail);
    world_until(w, !w->engine->is_round_due);
    return answer;
}

struct loaded {
    bool is_there;
    struct cache_operation *op;
};

static void on_loaded(void *arg, int status, struct cache_operations_page *page)
{
    struct loaded *l = arg;
    cr_assert_eq(status, 0);
    l->is_there = true;
    if (page->n_items > 0)
        l->op = take_ptr(page->items[0]);
}

struct cache_operation *world_load(struct world *w, const char *id)
{
    struct loaded l = {0};
    cache_operations_get(w->store, id, on_loaded, &l);
    world_until(w, l.is_there);
    cr_assert_not_null(l.op, "no operation %s", id);
    return l.op;
}

static bool has_code(const struct cache_operation *op, const char *code)
{
    if (!code || !op->error)
        return !code && !op->error;
    char *wanted = mem_printf("\"code\":\"%s\"", code);
    bool is_there = strstr(op->error, wanted) != NULL;
    mem_free(wanted);
    return is_there;
}

struct cache_operation *world_ends(struct world *w, const char *id, enum cache_op_status status,
                                   const char *code)
{
    world_until(w, !ctl_engine_find(w->engine, id));
    world_flush(w); /* the event of the end is a write of its own */
    struct cache_operation *op = world_load(w, id);
    cr_assert_eq(op->status, status, "%s instead of %s, error %s, evidence %s",
                 cache_op_status_name(op->status), cache_op_status_name(status),
                 op->error ? op->error : "none", op->evidence);
    cr_assert(has_code(op, code), "error %s, evidence %s", op->error ? op->error : "none",
              op->evidence);
    cr_assert_gt(op->ended_at, 0);
    return op;
}

void world_expect(struct world *w, const char *id, enum cache_op_status status, const char *code)
{
    cache_operation_free(world_ends(w, id, status, code));
}

void world_try(struct world *w, enum cache_op_kind kind, int index, enum cache_op_status status,
               const char *code)
{
    struct world_answer answer = world_do(w, kind, index);
    world_expect(w, answer.id, status, code);
}

static void on_left(void *arg, int status)
{
    cr_assert_eq(status, 0);
    *(bool *)arg = true;
}

void world_leave(struct world *w, struct cache_operation *op)
{
    bool is_written = false;
    struct cache_store *store = cache_store_new(&w->loop, open_db(w), NULL);
    cache_operations_put(store, &op, 1, on_left, &is_written);
    world_until(w, is_written);
    CLOSE(w, cache_store_close, store);
    cache_operation_free(op);
}
