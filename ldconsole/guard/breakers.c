/* SPDX-License-Identifier: MIT */
#include "ldconsole/guard/breakers.h"

#include <stdio.h>
#include <string.h>

#include "base/memory/list.h"
#include "base/memory/map.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

/* Of the way of a call; also the bits of PROBES. */
enum { AT_INSTALL, AT_VM_SERVICE, AT_PURPOSE, AT_OWN, N_PLACES };

enum { LOOK_MS = 1000, ORDER_RETRY_MS = 60000 };

/* Whether a VM comes is known a minute or more after the launch, so it is asked less often. */
static const struct ldc_breaker_options vm_service_options = {
    .consecutive_failures = 3,
    .window_ms = 3600000,
    .open_ms = 60000,
    .max_open_ms = 600000,
    .probe_ms = 300000,
};

struct own {
    struct list link;
    struct map_node by_name;
    struct ldc_breaker breaker;
};

struct ldc_breakers {
    struct ldc_breaker_options options;
    struct ldc_breaker host[LDC_BREAKER_HOST_COUNT];
    struct list own; /* of instances, in the order in which they came */
    struct map own_by_name;
    char without_vm[8][UUID_SIZE]; /* instances of the row at vm-service */
    size_t n_without_vm;
    uint64_t next_look_ms;
    ldc_breaker_fn on_change;
    void *on_change_arg;
};

struct ldc_breakers *ldc_breakers_new(const struct ldc_breaker_options *options)
{
    struct ldc_breakers *all = mem_new(struct ldc_breakers);
    all->options = *options;
    list_init(&all->own);
    map_init(&all->own_by_name);
    for (int i = 0; i < LDC_PURPOSE_COUNT; i++)
        ldc_breaker_init(&all->host[i], ldc_purpose_name((enum ldc_purpose)i), "", options);
    ldc_breaker_init(&all->host[LDC_BREAKER_INSTALL], "install", "", options);
    ldc_breaker_init(&all->host[LDC_BREAKER_VM_SERVICE], LDC_BREAKER_VM_SERVICE_NAME, "",
                     &vm_service_options);
    return all;
}

static void drop(struct ldc_breakers *all, struct own *own)
{
    list_unlink(&own->link);
    map_remove(&all->own_by_name, &own->by_name);
    mem_free(own);
}

void ldc_breakers_free(struct ldc_breakers *all)
{
    list_foreach(link, &all->own) {
        drop(all, list_entry(link, struct own, link));
    }
    map_deinit(&all->own_by_name);
    mem_free(all);
}

void ldc_breakers_on_change(struct ldc_breakers *all, ldc_breaker_fn fn, void *arg)
{
    all->on_change = fn;
    all->on_change_arg = arg;
}

static void tell_if_changed(struct ldc_breakers *all, const struct ldc_breaker *b,
                            enum ldc_breaker_state before)
{
    if (b->state != before && all->on_change)
        all->on_change(all->on_change_arg, b, NULL);
}

/* --- those of instances --- */

static void name_own(const struct ldc_way *way, char ret[LDC_BREAKER_NAME_SIZE])
{
    snprintf(ret, LDC_BREAKER_NAME_SIZE, "%s.%s",
             ldc_purpose_name(ldc_purpose_unqueued(way->purpose)), way->instance);
}

static struct ldc_breaker *find_own(const struct ldc_breakers *all, const char *name)
{
    struct map_node *node = map_find(&all->own_by_name, name);
    return node ? &container_of(node, struct own, by_name)->breaker : NULL;
}

/* NULL for what has none. */
static struct ldc_breaker *own_of(const struct ldc_breakers *all, const struct ldc_way *way)
{
    char name[LDC_BREAKER_NAME_SIZE];
    if (!*way->instance || all->own_by_name.n_items == 0)
        return NULL;
    name_own(way, name);
    return find_own(all, name);
}

/* NULL when there are too many: then its failures are everybody's. */
static struct ldc_breaker *make_own(struct ldc_breakers *all, const char *name,
                                    const char *instance)
{
    if (all->own_by_name.n_items >= LDC_BREAKERS_OWN_MAX)
        return NULL;
    struct own *own = mem_new(struct own);
    ldc_breaker_init(&own->breaker, name, instance, &all->options);
    list_append(&all->own, &own->link);
    map_insert(&all->own_by_name, &own->by_name, own->breaker.name);
    return &own->breaker;
}

static bool is_ordered(const struct ldc_breaker *b)
{
    return b->state == LDC_BREAKER_FORCED_OPEN || b->state == LDC_BREAKER_FORCED_CLOSED ||
           b->state == LDC_BREAKER_DISABLED;
}

/* Nothing is left of what it was made for, nor of how its open time has grown; or nobody has asked
 * for as long as that lasts. */
static bool is_idle(const struct ldc_breaker *b, struct ldc_breaker_now now)
{
    unsigned window_ms = b->options.window_ms;
    bool has_grown = b->n_opened > 0 && now.mono_ms - b->closed_ms <= window_ms;
    bool is_blank = b->state == LDC_BREAKER_CLOSED && b->consecutive + b->n_missing == 0 &&
                    ldc_breaker_shares(b).n_failed == 0 && !has_grown;
    bool is_left = window_ms > 0 && now.mono_ms - b->touched_ms > window_ms + b->current_open_ms;
    return !is_ordered(b) && (is_blank || is_left);
}

static void look_at(struct ldc_breakers *all, struct ldc_breaker_now now, struct ldc_breaker *b)
{
    enum ldc_breaker_state before = b->state;
    ldc_breaker_look(b, now);
    tell_if_changed(all, b, before);
}

void ldc_breakers_look(struct ldc_breakers *all, struct ldc_breaker_now now)
{
    if (now.mono_ms < all->next_look_ms)
        return;
    all->next_look_ms = now.mono_ms + LOOK_MS;
    for (int i = 0; i < LDC_BREAKER_HOST_COUNT; i++)
        look_at(all, now, &all->host[i]);
    list_foreach(link, &all->own) {
        struct own *own = list_entry(link, struct own, link);
        enum ldc_breaker_state before = own->breaker.state;
        look_at(all, now, &own->breaker);
        if (!is_idle(&own->breaker, now))
            continue;
        ldc_breaker_obey(&own->breaker, now,
                         &(struct ldc_breaker_order){.state = LDC_BREAKER_CLOSED});
        tell_if_changed(all, &own->breaker, before);
        drop(all, own);
    }
}

/* --- refusals --- */

static const char *advice(const struct ldc_breakers *all, const struct ldc_breaker *b)
{
    if (b == &all->host[LDC_BREAKER_INSTALL])
        return ". Check that LDPlayer is installed and that this service may run its ldconsole";
    if (b == &all->host[LDC_BREAKER_VM_SERVICE])
        return ". LDPlayer's VM service seems to hang: quit all instances, end Ld9BoxSVC.exe once "
               "no Ld9BoxHeadless.exe is left, or start Windows again";
    return *b->instance ? ". Only this instance is refused" : "";
}

static void explain(const struct ldc_breakers *all, const struct ldc_breaker *b, uint64_t retry_ms,
                    struct ldc_refusal *ret)
{
    *ret = (struct ldc_refusal){.retry_ms = retry_ms > 0 ? retry_ms : ORDER_RETRY_MS};
    str_copy(ret->name, sizeof(ret->name), b->name);
    ret->is_order = b->state == LDC_BREAKER_FORCED_OPEN;
    if (ret->is_order)
        snprintf(ret->reason, sizeof(ret->reason), "the breaker '%s' is held open%s%s%s%s", b->name,
                 *b->by ? " by " : "", b->by, *b->note ? ": " : "", b->note);
    else
        snprintf(ret->reason, sizeof(ret->reason), "the breaker '%s' is %s: %s%s", b->name,
                 b->state == LDC_BREAKER_OPEN ? "open" : "waiting for the outcome of one call",
                 b->reason, advice(all, b));
}

/* Places without a breaker are NULL. */
static void find_places(struct ldc_breakers *all, const struct ldc_way *way,
                        struct ldc_breaker *ret[N_PLACES])
{
    bool is_start = ldc_purpose_unqueued(way->purpose) == LDC_PURPOSE_START;
    ret[AT_INSTALL] = &all->host[LDC_BREAKER_INSTALL];
    ret[AT_VM_SERVICE] = is_start ? &all->host[LDC_BREAKER_VM_SERVICE] : NULL;
    ret[AT_PURPOSE] = &all->host[way->purpose];
    ret[AT_OWN] = own_of(all, way);
}

/* The first that refuses, or NULL. */
static struct ldc_breaker *find_refusing(const struct ldc_breakers *all, struct ldc_breaker_now now,
                                         struct ldc_breaker *const places[N_PLACES],
                                         struct ldc_refusal *reterr)
{
    for (int i = 0; i < N_PLACES; i++) {
        uint64_t retry_ms = 0;
        if (!places[i] || !ldc_breaker_refuses(places[i], now, &retry_ms))
            continue;
        explain(all, places[i], retry_ms, reterr);
        return places[i];
    }
    return NULL;
}

bool ldc_breakers_refuse(struct ldc_breakers *all, struct ldc_breaker_now now,
                         const struct ldc_way *way, struct ldc_refusal *reterr)
{
    struct ldc_breaker *places[N_PLACES];
    find_places(all, way, places);
    return find_refusing(all, now, places, reterr) != NULL;
}

bool ldc_breakers_pass(struct ldc_breakers *all, struct ldc_breaker_now now,
                       const struct ldc_way *way, unsigned *ret_probes, struct ldc_refusal *reterr)
{
    struct ldc_breaker *places[N_PLACES];
    find_places(all, way, places);
    struct ldc_breaker *refusing = find_refusing(all, now, places, reterr);
    if (refusing) {
        refusing->n_rejected++;
        return false;
    }
    *ret_probes = 0;
    for (unsigned i = 0; i < N_PLACES; i++) {
        if (!places[i])
            continue;
        enum ldc_breaker_state before = places[i]->state;
        if (ldc_breaker_pass(places[i], now, way->instance))
            *ret_probes |= 1u << i;
        tell_if_changed(all, places[i], before);
    }
    return true;
}

/* --- what came of it --- */

static void report(struct ldc_breakers *all, struct ldc_breaker_now now, struct ldc_breaker *b,
                   const struct ldc_breaker_news *news)
{
    enum ldc_breaker_state before = b->state;
    ldc_breaker_report(b, now, news);
    tell_if_changed(all, b, before);
}

void ldc_breakers_report_run(struct ldc_breakers *all, struct ldc_breaker_now now, unsigned probes,
                             const struct ldc_breaker_news *news)
{
    struct ldc_breaker_news of_run = {
        .fault = news->fault == LDC_FAULT_SPAWN || news->fault == LDC_FAULT_UNKNOWN
                     ? news->fault
                     : LDC_FAULT_NONE,
        .is_probe = probes & 1u << AT_INSTALL,
        .call = news->call,
    };
    report(all, now, &all->host[LDC_BREAKER_INSTALL], &of_run);
}

static bool is_told_to_own(enum ldc_fault fault)
{
    return fault == LDC_FAULT_DEADLINE || fault == LDC_FAULT_EXIT || fault == LDC_FAULT_REFUSAL ||
           fault == LDC_FAULT_EFFECT;
}

/* Tells an instance's own breaker, which is made for a failure. Returns whether it had failed
 * before, and not been well since. */
static bool tell_own(struct ldc_breakers *all, struct ldc_breaker_now now,
                     const struct ldc_way *way, const struct ldc_breaker_news *news)
{
    struct ldc_breaker_news of_own = *news;
    struct ldc_breaker *own = own_of(all, way);
    if (ldc_fault_is_failure(news->fault) && !is_told_to_own(news->fault))
        of_own.fault = LDC_FAULT_UNKNOWN;
    if (!own && *way->instance && ldc_fault_is_failure(of_own.fault)) {
        char name[LDC_BREAKER_NAME_SIZE];
        name_own(way, name);
        own = make_own(all, name, way->instance);
    }
    if (!own)
        return false;
    bool has_failed = own->consecutive > 0 || own->n_missing > 0;
    report(all, now, own, &of_own);
    return has_failed;
}

void ldc_breakers_report_answer(struct ldc_breakers *all, struct ldc_breaker_now now,
                                const struct ldc_way *way, unsigned probes,
                                const struct ldc_breaker_news *news)
{
    struct ldc_breaker *purpose = &all->host[way->purpose];
    struct ldc_breaker *vm_service = &all->host[LDC_BREAKER_VM_SERVICE];
    struct ldc_breaker_news told = *news;

    told.is_probe = probes & 1u << AT_OWN;
    bool is_repeated = tell_own(all, now, way, &told);
    /* The start will not show whether a VM comes. */
    if (news->fault != LDC_FAULT_NONE && probes & 1u << AT_VM_SERVICE)
        ldc_breaker_abandon(vm_service);

    bool is_of_install =
        news->fault == LDC_FAULT_SPAWN && !ldc_breaker_is_well(&all->host[LDC_BREAKER_INSTALL]);
    bool is_of_own =
        news->fault == LDC_FAULT_REFUSAL ||
        (is_repeated && is_told_to_own(news->fault) && purpose->state != LDC_BREAKER_HALF_OPEN);
    told.is_probe = probes & 1u << AT_PURPOSE;
    if (is_of_install || is_of_own)
        told.fault = LDC_FAULT_UNKNOWN;
    report(all, now, purpose, &told);
}

/* Whether a start of INSTANCE without a VM is the first of it in the row at vm-service. */
static bool is_first_without_vm(struct ldc_breakers *all, const char *instance)
{
    if (all->host[LDC_BREAKER_VM_SERVICE].n_missing == 0)
        all->n_without_vm = 0;
    for (size_t i = 0; i < all->n_without_vm; i++) {
        if (strcmp(all->without_vm[i], instance) == 0)
            return false;
    }
    if (all->n_without_vm < countof(all->without_vm))
        str_copy(all->without_vm[all->n_without_vm++], UUID_SIZE, instance);
    return true;
}

static void tell_vm_service(struct ldc_breakers *all, struct ldc_breaker_now now,
                            const struct ldc_way *way, const struct ldc_breaker_news *news)
{
    struct ldc_breaker *b = &all->host[LDC_BREAKER_VM_SERVICE];
    look_at(all, now, b);
    if (news->fault == LDC_FAULT_NONE || b->state == LDC_BREAKER_HALF_OPEN ||
        is_first_without_vm(all, way->instance))
        report(all, now, b, news);
}

void ldc_breakers_try_vm_service(struct ldc_breakers *all, struct ldc_breaker_now now)
{
    struct ldc_breaker *b = &all->host[LDC_BREAKER_VM_SERVICE];
    if (b->state == LDC_BREAKER_OPEN)
        b->open_until_ms = now.mono_ms;
}

/* The try ended without telling anything: another one may go. */
static void abandon_try_of(struct ldc_breaker *b, const char *instance)
{
    if (b->is_probing && strcmp(b->probe, instance) == 0)
        ldc_breaker_abandon(b);
}

void ldc_breakers_report_effect(struct ldc_breakers *all, struct ldc_breaker_now now,
                                const struct ldc_way *way, enum ldc_effect effect,
                                const char *evidence)
{
    struct ldc_breaker *purpose = &all->host[way->purpose];
    struct ldc_breaker_call call = {.at = now.wall_ms, .fault = LDC_FAULT_EFFECT};
    struct ldc_breaker_news news = {
        .fault = effect == LDC_EFFECT_SEEN ? LDC_FAULT_NONE : LDC_FAULT_EFFECT,
        .is_effect = true,
        .call = &call,
    };
    str_copy(call.code, sizeof(call.code), effect == LDC_EFFECT_NO_VM ? "NO_VM" : "NO_EFFECT");
    str_copy(call.instance, sizeof(call.instance), way->instance);
    str_copy(call.output, sizeof(call.output), evidence ? evidence : "");

    bool is_repeated = tell_own(all, now, way, &news);
    bool is_start = ldc_purpose_unqueued(way->purpose) == LDC_PURPOSE_START;
    if (is_start && effect == LDC_EFFECT_MISSING)
        abandon_try_of(&all->host[LDC_BREAKER_VM_SERVICE], way->instance);
    else if (is_start)
        tell_vm_service(all, now, way, &news);

    /* That no VM came is no trouble of ldconsole. */
    bool is_of_own = effect == LDC_EFFECT_NO_VM || (effect == LDC_EFFECT_MISSING && is_repeated &&
                                                    purpose->state != LDC_BREAKER_HALF_OPEN);
    if (is_of_own)
        abandon_try_of(purpose, way->instance);
    else
        report(all, now, purpose, &news);
}

/* --- by name --- */

const struct ldc_breaker *ldc_breakers_host(const struct ldc_breakers *all, unsigned number)
{
    return &all->host[number];
}

struct ldc_breaker *ldc_breakers_find(struct ldc_breakers *all, const char *name)
{
    for (int i = 0; i < LDC_BREAKER_HOST_COUNT; i++) {
        if (strcmp(all->host[i].name, name) == 0)
            return &all->host[i];
    }
    return find_own(all, name);
}

const struct ldc_breaker *ldc_breakers_next(const struct ldc_breakers *all,
                                            const struct ldc_breaker *b)
{
    const struct list *next = all->own.next;
    if (!b)
        return &all->host[0];
    if (*b->instance)
        next = container_of(b, struct own, breaker)->link.next;
    else if (b + 1 < &all->host[LDC_BREAKER_HOST_COUNT])
        return b + 1;
    return next == &all->own ? NULL : &list_entry(next, struct own, link)->breaker;
}

void ldc_breakers_obey(struct ldc_breakers *all, struct ldc_breaker_now now, struct ldc_breaker *b,
                       const struct ldc_breaker_order *order)
{
    enum ldc_breaker_state before = b->state;
    ldc_breaker_obey(b, now, order);
    if ((b->state != before || is_ordered(b)) && all->on_change)
        all->on_change(all->on_change_arg, b, order->by);
}

bool ldc_breakers_restore(struct ldc_breakers *all, struct ldc_breaker_now now,
                          const struct ldc_breaker_memory *memory)
{
    struct ldc_breaker *b = ldc_breakers_find(all, memory->name);
    if (!b && random_is_uuid(memory->instance))
        b = make_own(all, memory->name, memory->instance);
    if (b)
        ldc_breaker_restore(b, now, memory);
    return b != NULL;
}
