/* SPDX-License-Identifier: MIT */
#include "tests/unit/control/ordeal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text/str.h"
#include "tests/support/folder.h"

static uint64_t now_ms(const struct ordeal *c)
{
    return clock_mono_ms() - c->began_ms;
}

void ordeal_tell(struct ordeal *c, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)buf_printf(&c->told, "\n%7.1f %s", (double)now_ms(c) / 1000, text);
}

unsigned ordeal_random(struct ordeal *c, unsigned below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (unsigned)(c->random >> 33) % below;
}

/* --- what must be so at every moment --- */

/* Before a verb is carried out, which is the last one in the farm's log. */
static void check_verb(void *arg, const char *verb)
{
    struct ordeal *c = arg;
    const char *log = fake_farm_log(c->w.farm), *last = strrchr(log, ';');
    int index = -1;
    if (sscanf(last ? last + 2 : log, "%*s %d", &index) != 1 || index < 0 || index >= ORDEAL_N ||
        (strcmp(verb, "quit") != 0 && strcmp(verb, "launch") != 0))
        return;
    ordeal_tell(c, "  %s %d", verb, index);
    c->may_touch[index] |= fake_farm_is_sick(c->w.farm, index);
    ordeal_must(c, c->may_touch[index], "%s was given to %d, which was well or booting", verb,
                index);
}

static void check_processes(struct ordeal *c)
{
    for (int i = 0; i < ORDEAL_N; i++) {
        /* Once somebody has reason to act on it the end of that may be late. */
        if (fake_farm_is_sick(c->w.farm, i))
            c->may_touch[i] = c->may_end[i] = true;
        ordeal_must(c, fake_farm_kills(c->w.farm, i) == 0 || c->may_end[i],
                    "processes of %d were ended", i);
        ordeal_must(c, fake_farm_rash_launches(c->w.farm, i) == 0 || c->may_touch[i],
                    "%d was launched too soon", i);
    }
    ordeal_must(c, fake_farm_kills(c->w.farm, -1) == 0, "a process of a neighbour was ended");
}

/* --- what is heard and said --- */

static void note(struct ordeal *c, const char *id, const char *text)
{
    for (size_t n = 0; n < c->n_cases; n++) {
        struct ordeal_case *k = &c->cases[n];
        const struct cache_instance *i = k->fault->is_of_host ? NULL : world_at(&c->w, k->index);
        bool is_of_it = k->fault->is_of_host || (i && id && strcmp(i->id, id) == 0);
        if (k->noticed_ms || !is_of_it || !strstr(text, k->fault->sign))
            continue;
        k->noticed_ms = now_ms(c);
        ordeal_tell(c, "  noticed: %s", k->fault->name);
    }
}

static void count_end(struct ordeal *c, const char *json)
{
    char id[UUID_SIZE] = "";
    const char *at = strstr(json, "\"data\":{\"id\":\"");
    if (!at)
        return;
    str_copy(id, sizeof(id), at + strlen("\"data\":{\"id\":\""));
    size_t n = 0;
    while (n < c->n_ops && strcmp(c->ops[n].id, id) != 0)
        n++;
    if (n == c->n_ops && n < ORDEAL_MAX_OPS)
        str_copy(c->ops[c->n_ops++].id, UUID_SIZE, id);
    static const char *const ends[] = {"operation.succeeded", "operation.failed",
                                       "operation.timed_out", "operation.cancelled",
                                       "operation.interrupted"};
    for (size_t i = 0; n < ORDEAL_MAX_OPS && i < countof(ends); i++)
        c->ops[n].n_ends += strstr(json, ends[i]) != NULL;
    if (n < ORDEAL_MAX_OPS)
        ordeal_must(c, c->ops[n].n_ends <= 1, "an operation has ended twice: %s", json);
}

static void on_event(void *arg, const struct cache_event *event)
{
    struct ordeal *c = arg;
    const char *json = (const char *)event->json->data;

    const char *id = NULL;
    if (str_has_prefix(event->type, "operation."))
        count_end(c, json);
    for (int i = 0; i < ORDEAL_N && !c->is_restarting; i++) {
        const struct cache_instance *at = world_at(&c->w, i);
        if (at && strstr(json, at->id))
            id = at->id;
    }
    note(c, id, json);
    if (strcmp(event->type, "workstation.healing") == 0)
        c->is_healing_stopped = strstr(json, "\"is_stopped\":true") != NULL;
    if (!str_has_prefix(event->type, "instance.changed") &&
        !str_has_prefix(event->type, "operation.progress"))
        ordeal_tell(c, "  %s %.220s", event->type, strstr(json, "\"data\"") + 8);
}

static void on_survey(void *arg)
{
    struct ordeal *c = arg;
    c->has_looked = true;
    for (int i = 0; i < ORDEAL_N; i++) {
        const struct cache_instance *at = world_at(&c->w, i);
        if (at)
            note(c, at->id, at->reason);
    }
    /* Then it suffers from that instead, which is a fault with a name of its own. */
    for (size_t n = 0; n < c->n_cases; n++)
        c->cases[n].is_excused |= fake_farm_has_collided(c->w.farm, c->cases[n].index) &&
                                  c->cases[n].fault != &ordeal_faults[ordeal_n_faults - 1];
    check_processes(c);
}

/* --- passing time --- */

static void turn(struct ordeal *c)
{
    world_turn(&c->w);
}

void ordeal_pass(struct ordeal *c, uint64_t ms)
{
    uint64_t end = now_ms(c) + ms;
    while (now_ms(c) < end)
        turn(c);
}

static bool is_idle(struct ordeal *c)
{
    unsigned counts[CACHE_OP_STATUS_COUNT], n = 0;
    ctl_engine_counts(c->w.engine, counts);
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++)
        n += counts[i];
    return n == 0;
}

static struct ordeal_case *case_of(struct ordeal *c, int index)
{
    for (size_t n = 0; n < c->n_cases; n++) {
        if (c->cases[n].index == index)
            return &c->cases[n];
    }
    return NULL;
}

/* Well, or in the hands of a person who was told what to do. */
static bool is_accounted_for(struct ordeal *c, int index)
{
    const struct cache_instance *i = world_at(&c->w, index);
    if (!i)
        return false;
    bool is_well = fake_farm_is_well(c->w.farm, index) && i->state == CACHE_STATE_READY &&
                   ctl_observer_illness(c->w.observer, i) == CTL_ILLNESS_NONE;
    bool is_off = i->state == CACHE_STATE_STOPPED && i->desired != CACHE_DESIRED_RUNNING;
    bool is_reported = false;
    for (size_t n = 0; n < c->n_cases; n++) {
        struct ordeal_case *k = &c->cases[n];
        if (k->index == index && is_well && !k->healed_ms)
            k->healed_ms = now_ms(c);
        else if (k->index == index && !is_well)
            k->healed_ms = 0;
        is_reported |= k->index == index && k->fault->outcome == ORDEAL_REPORTED && k->noticed_ms;
    }
    /* Several in turn may use up what may be done in an hour. */
    is_reported |= i->quarantine.since != 0 && c->n_cases > 1;
    /* Three of five at the same time: whoever is told so has to help one of them. */
    is_reported |= c->is_healing_stopped && c->n_cases > 1;
    return is_well || is_off || is_reported;
}

void ordeal_settle(struct ordeal *c)
{
    enum { LIMIT_MS = 3600000, QUIET_MS = 15000 };
    uint64_t end = now_ms(c) + LIMIT_MS;
    c->well_since_ms = 0;
    for (;;) {
        turn(c);
        if (!c->has_looked)
            continue;
        c->has_looked = false;
        bool is_settled = is_idle(c);
        int worst = -1;
        for (int i = 0; i < ORDEAL_N; i++) {
            if (!is_accounted_for(c, i))
                worst = i;
        }
        is_settled &= worst < 0;
        for (size_t n = 0; n < c->n_cases; n++)
            is_settled &= c->cases[n].noticed_ms != 0 || c->cases[n].is_excused;
        if (!is_settled)
            c->well_since_ms = 0;
        else if (c->well_since_ms == 0)
            c->well_since_ms = now_ms(c);
        if (is_settled && now_ms(c) - c->well_since_ms >= QUIET_MS)
            return;
        if (now_ms(c) < end)
            continue;
        for (size_t n = 0; n < c->n_cases; n++)
            ordeal_must(c, c->cases[n].noticed_ms || c->cases[n].is_excused,
                        "'%s' of %d was not noticed", c->cases[n].fault->name, c->cases[n].index);
        ordeal_must(c, worst < 0, "%d is %s (%s) in the end", worst,
                    cache_state_name(world_state(&c->w, worst)), world_at(&c->w, worst)->reason);
        ordeal_must(c, false, "operations never end");
    }
}

/* --- what happens --- */

void ordeal_desire(struct ordeal *c, int index, enum cache_desired desired)
{
    ctl_observer_set_local(c->w.observer, world_at(&c->w, index)->id,
                           &(struct ctl_local){.desired = desired});
}

bool ordeal_strike(struct ordeal *c, const struct ordeal_fault *fault, int index)
{
    const struct cache_instance *i = world_at(&c->w, index);
    if (!i || !fake_farm_is_well(c->w.farm, index) || ctl_engine_is_busy(c->w.engine, i->id))
        return false;
    ordeal_tell(c, "%s: %d", fault->name, index);
    if (fault->outcome != ORDEAL_PASSES)
        c->may_touch[index] = c->may_end[index] = true;
    struct ordeal_case *k = &c->cases[c->n_cases++];
    *k = (struct ordeal_case){.fault = fault, .index = index};
    fault->begin(c, index);
    k->began_ms = now_ms(c);
    if (k->noticed_ms)
        k->noticed_ms = k->began_ms;
    return true;
}

static void on_accept(void *arg, const struct cache_operation *op, bool is_repeat,
                      const struct ctl_refusal *refusal)
{
    struct ordeal *c = arg;
    (void)is_repeat;
    if (op)
        ordeal_tell(c, "  accepted %s", op->id);
    else
        ordeal_tell(c, "  refused: %s", refusal->code);
}

void ordeal_ask(struct ordeal *c, enum cache_op_kind kind, int index, bool force)
{
    struct ctl_request request = world_request(&c->w, kind, index);
    request.force = force;
    ordeal_tell(c, "%s %d%s", cache_op_kind_name(kind), index, force ? " by force" : "");
    c->may_touch[index] = true;
    c->may_end[index] |= force;
    /* Who helps before anybody has noticed leaves nothing to notice. */
    for (size_t n = 0; n < c->n_cases; n++)
        c->cases[n].is_excused |= c->cases[n].index == index && c->cases[n].began_ms > 0;
    ctl_engine_submit(c->w.engine, &request, on_accept, c);
}

/* --- this machine --- */

static bool has_hyper_v;

bool __wrap_system_has_hyper_v(void);

bool __wrap_system_has_hyper_v(void)
{
    return has_hyper_v;
}

void ordeal_set_hyper_v(bool is_on)
{
    has_hyper_v = is_on;
}

/* --- begin and end --- */

void ordeal_restart(struct ordeal *c)
{
    ordeal_tell(c, "kill -9");
    ctl_observer_unlisten(&c->listener);
    for (size_t n = 0; n < c->n_cases; n++)
        c->cases[n].is_excused |= c->cases[n].fault->needs_witness && !c->cases[n].noticed_ms;
    c->is_restarting = true;
    world_crash(&c->w);
    c->is_restarting = false;
    ctl_observer_listen(c->w.observer, &c->listener);
}

void ordeal_begin(struct ordeal *c, uint64_t seed, bool hurries)
{
    struct world *w = &c->w;
    *c = (struct ordeal){.seed = seed, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1};
    buf_init(&c->told, 0);
    (void)buf_append_str(&c->told, "");
    world_init(w);
    world_live_fast(w);
    fake_farm_live(w->farm);
    fake_farm_have(w->farm, "adb");
    fake_farm_set_neighbour(w->farm, 0, 90001, 90002);
    for (int i = 0; i < ORDEAL_N; i++) {
        char title[8];
        snprintf(title, sizeof(title), "n%d", i);
        fake_farm_put(w->farm, i, title);
        fake_farm_boot(w->farm, i);
    }
    c->copies = folder_make(); /* outlives the process, too */
    w->observing.active_ms = hurries ? 1000 : ctl_observer_defaults.active_ms;
    w->observing.config_copies = c->copies;
    w->has_reconciler = true;
    c->began_ms = clock_mono_ms();
    w->listen = on_event;
    w->listen_arg = c;
    ordeal_set_hyper_v(false);
    world_open(w);
    enum cache_repair_mode full = CACHE_REPAIR_FULL;
    for (int i = 0; i < ORDEAL_N; i++)
        ctl_observer_set_local(
            w->observer, world_at(w, i)->id,
            &(struct ctl_local){.desired = CACHE_DESIRED_RUNNING, .repair = &full});
    c->listener = (struct ctl_survey_listener){.fn = on_survey, .arg = c};
    ctl_observer_listen(w->observer, &c->listener);
    fake_farm_on_verb(w->farm, check_verb, c);
    ordeal_pass(c, 12000);
    for (int i = 0; i < ORDEAL_N; i++)
        ordeal_must(c, world_state(w, i) == CACHE_STATE_READY, "%d is %s (%s) at the beginning", i,
                    cache_state_name(world_state(w, i)), world_at(w, i)->reason);
}

void ordeal_end(struct ordeal *c)
{
    for (size_t n = 0; n < c->n_ops; n++)
        ordeal_must(c, c->ops[n].n_ends == 1, "operation %s has not ended", c->ops[n].id);
    check_processes(c);
    for (int i = 0; i < ORDEAL_N; i++)
        ordeal_must(c, case_of(c, i) || c->may_touch[i] || fake_farm_is_well(c->w.farm, i),
                    "%d, to which nothing happened, is not well", i);
    ctl_observer_unlisten(&c->listener);
    c->w.listen = NULL;
    world_end(&c->w);
    folder_remove(c->copies);
    buf_deinit(&c->told);
}
