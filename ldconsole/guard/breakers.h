/* SPDX-License-Identifier: MIT */
#ifndef LDC_BREAKERS_H
#define LDC_BREAKERS_H

#include "ldconsole/guard/breaker.h"
#include "ldconsole/guard/purpose.h"

/** The breakers of one installation, and which of them a call passes. Loop thread.
 *
 *      install -> vm-service (starts alone) -> the purpose's -> the instance's own, if it has one
 *
 *  Whose trouble a fault is decides who is told of it:
 *
 *      fault            install   the purpose's                     the instance's own
 *      spawn            yes       yes, unless install has opened    -
 *      lost, parse      -         yes                               -
 *      deadline, exit   -         yes, once an instance             yes
 *      effect missing   -         yes, once an instance             yes
 *      vendor refusal   -         -                                 yes
 *      caller's mistake -         -                                 -
 *
 *  Once an instance: what the same one fails with again and again is told to its own breaker alone,
 *  until it is well again, so that a dead instance opens the breaker of nobody else. An instance
 *  gets one for a purpose with its first failure ("start.<id>", the same for queued ones) and loses
 *  it when that has left the window. A start that brought no VM is told to its own breaker and,
 *  once an instance, to vm-service: several of them in a row are a trouble of the host. */
enum {
    LDC_BREAKER_INSTALL = LDC_PURPOSE_COUNT,
    LDC_BREAKER_VM_SERVICE,
    LDC_BREAKER_HOST_COUNT, /* those that are always there */
    LDC_BREAKERS_OWN_MAX = 256
};

/** What of a command that was accepted is known afterwards. */
enum ldc_effect {
    LDC_EFFECT_SEEN,
    LDC_EFFECT_MISSING, /* it did not come in time */
    LDC_EFFECT_NO_VM    /* a start: its player came, and no VM (reference 5.2) */
};

/** Called whenever a breaker changes state, or was given an order. BY: the operator who did it;
 *  NULL when the calls or the time did. */
typedef void (*ldc_breaker_fn)(void *arg, const struct ldc_breaker *breaker, const char *by);

struct ldc_breakers;

/** What a call passes. */
struct ldc_way {
    enum ldc_purpose purpose;
    const char *instance; /* "" = none */
};

/** Why a call is refused, for people and for whoever waits. */
#define LDC_BREAKER_VM_SERVICE_NAME "vm-service"

struct ldc_refusal {
    char name[LDC_BREAKER_NAME_SIZE];           /* of the breaker */
    char reason[LDC_BREAKER_REASON_SIZE + 400]; /* a sentence without its end: which one, why, the
                                                 * last call that failed, what to do */
    uint64_t retry_ms; /* when it is worth asking again; of an order without an end a minute */
    bool is_order;     /* an operator holds it open */
};

/** OPTIONS of all but vm-service; copied. */
struct ldc_breakers *ldc_breakers_new(const struct ldc_breaker_options *options);
void ldc_breakers_free(struct ldc_breakers *all);
void ldc_breakers_on_change(struct ldc_breakers *all, ldc_breaker_fn fn, void *arg);

/** Whether a call is refused now. Changes nothing. */
bool ldc_breakers_refuse(struct ldc_breakers *all, struct ldc_breaker_now now,
                         const struct ldc_way *way, struct ldc_refusal *reterr);
/** A call wants to go. False: refused, and counted as such. True: *RET_PROBES says of which of them
 *  it is the try; it is for the functions below, of which one must follow. */
bool ldc_breakers_pass(struct ldc_breakers *all, struct ldc_breaker_now now,
                       const struct ldc_way *way, unsigned *ret_probes, struct ldc_refusal *reterr);
/** What the end of the child says of the installation: it could be started, or not. */
void ldc_breakers_report_run(struct ldc_breakers *all, struct ldc_breaker_now now, unsigned probes,
                             const struct ldc_breaker_news *news);
/** What the answer is worth, for the others. */
void ldc_breakers_report_answer(struct ldc_breakers *all, struct ldc_breaker_now now,
                                const struct ldc_way *way, unsigned probes,
                                const struct ldc_breaker_news *news);
/** What became of a command to WAY's instance that was accepted. EVIDENCE: what was seen, as a
 *  sentence; copied. */
void ldc_breakers_report_effect(struct ldc_breakers *all, struct ldc_breaker_now now,
                                const struct ldc_way *way, enum ldc_effect effect,
                                const char *evidence);
/** The VM service was ended, and the next launch brings a new one: if vm-service is open, a start
 * may find out at once. */
void ldc_breakers_try_vm_service(struct ldc_breakers *all, struct ldc_breaker_now now);
/** Sees to what time alone changes; cheap, at most once a second. */
void ldc_breakers_look(struct ldc_breakers *all, struct ldc_breaker_now now);

/** One of the host, by its purpose or number. */
const struct ldc_breaker *ldc_breakers_host(const struct ldc_breakers *all, unsigned number);
/** By name, or NULL. */
struct ldc_breaker *ldc_breakers_find(struct ldc_breakers *all, const char *name);
/** The one after B in order, the first for NULL, NULL at the end: those of the host come first. */
const struct ldc_breaker *ldc_breakers_next(const struct ldc_breakers *all,
                                            const struct ldc_breaker *b);
void ldc_breakers_obey(struct ldc_breakers *all, struct ldc_breaker_now now, struct ldc_breaker *b,
                       const struct ldc_breaker_order *order);
/** Before anything was told. False: there is no breaker of this name, and cannot be. */
bool ldc_breakers_restore(struct ldc_breakers *all, struct ldc_breaker_now now,
                          const struct ldc_breaker_memory *memory);

#endif
