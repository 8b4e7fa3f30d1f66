/* SPDX-License-Identifier: MIT */
#ifndef LDC_CLIENT_H
#define LDC_CLIENT_H

#include "ldconsole/guard/breakers.h"
#include "ldconsole/install/install.h"
#include "ldconsole/output/answer.h"
#include "ldconsole/output/row.h"
#include "ldconsole/verbs/command.h"
#include "runner/runner.h"

/** The façade over one installation: bulkheads and breakers in front of a runner. Loop thread
 *  only.
 *
 *      ldc_client_call -> breakers -> bulkhead of the class -> runner -> answer
 *
 *  A question (list2, adb) whose agent was lost is asked once more; nothing else is repeated. */

struct ldc_client_options {
    unsigned concurrency[LDC_CLASS_COUNT];
    unsigned deadline_ms[LDC_VERB_COUNT]; /* 0 = the verb's default */
    size_t max_output;
    struct ldc_breaker_options breaker; /* of all but vm-service, see breakers.h */
};

/** 4 reads, 1 launch, 2 quits, 1 exclusive, 4 guest; 1 MiB; deadlines of the verb table. */
extern const struct ldc_client_options ldc_client_defaults;

struct ldc_client;
struct ldc_call;

/** What came of a call. `is_rejected`: a breaker refused, nothing ran; retry_ms is known. */
struct ldc_outcome {
    bool is_rejected;
    uint64_t retry_ms;
    const char *breaker; /* name of the breaker that refused */
    const char *refusal; /* its reason, as in struct ldc_refusal */
    enum ldc_answer answer;
    const struct run_result *result; /* NULL when rejected or cancelled before it ran */
    const char *command_line;        /* for evidence */
    bool is_slow;                    /* it took more than half of its deadline */
    bool is_unjudged; /* the breaker waits for ldc_client_judge: see ldc_client_reserve_judgement */
    unsigned probes;  /* of which breakers it is the try; for ldc_client_judge */
};

typedef void (*ldc_call_fn)(void *arg, const struct ldc_outcome *outcome);

/** Takes ownership of RUNNER; copies INSTALL and OPTIONS. */
struct ldc_client *ldc_client_new(struct loop *loop, struct runner *runner,
                                  const struct ldc_install *install,
                                  const struct ldc_client_options *options);
/** One listener. */
void ldc_client_on_breaker(struct ldc_client *client, ldc_breaker_fn fn, void *arg);
/** Runs COMMAND (taken over, empty afterwards) when the bulkhead has room. DONE comes exactly once
 *  in a later turn. The call is valid until then. A breaker on its way that is open refuses at
 * once, and again when the call's turn comes. Guest programs (adb, ld) pass no breaker: a guest
 * that hangs says nothing about ldconsole. */
struct ldc_call *ldc_client_call(struct ldc_client *client, struct ldc_command *command,
                                 enum ldc_purpose purpose, ldc_call_fn done, void *arg);
/** What CALL, which has not ended, says of ldconsole is for the caller to judge, who knows more
 * than the answer does: when its outcome `is_unjudged` ldc_client_judge must follow. */
void ldc_client_reserve_judgement(struct ldc_call *call);
/** Tells the breaker of PURPOSE what OUTCOME was worth. CODE is kept as evidence. */
void ldc_client_judge(struct ldc_client *client, enum ldc_purpose purpose,
                      const struct ldc_outcome *outcome, enum ldc_fault fault, const char *code);
/** Whether a call for PURPOSE to the instance (its id; "" or NULL = none) would be refused now. For
 *  whoever can wait before he calls. */
bool ldc_client_refuses(const struct ldc_client *client, enum ldc_purpose purpose,
                        const char *instance_id, struct ldc_refusal *reterr);
/** What became of a command that was accepted, as was seen afterwards: because an answer is no
 *  effect, breakers that missing effects opened wait for it. EVIDENCE: what was seen, as a
 *  sentence. */
void ldc_client_report_effect(struct ldc_client *client, enum ldc_purpose purpose,
                              const char *instance_id, enum ldc_effect effect,
                              const char *evidence);
/** The VM service was ended: what its breaker says of it is of the former one. */
void ldc_client_try_vm_service(struct ldc_client *client);
/** Why nothing can be run now, as a sentence (no session, no agent), or NULL. Calls then end with
 *  LDC_ANSWER_NO_SESSION, which no breaker counts. */
const char *ldc_client_absence(const struct ldc_client *client);
/** Whether a call of VERB would begin now, and not wait for others of its class, when N more of
 * that class begin before it. */
bool ldc_client_has_room(const struct ldc_client *client, enum ldc_verb verb, unsigned n);
/** Ends a waiting or running call; DONE comes with LDC_ANSWER_CANCELLED. */
void ldc_client_cancel(struct ldc_call *call);
/** Asks ldconsole what it can do; does nothing while that is known or being asked, or after three
 *  answers that were no usage text. Cheap: to be called whenever ldconsole is seen to work. */
void ldc_client_probe(struct ldc_client *client);
const struct ldc_abilities *ldc_client_abilities(const struct ldc_client *client);
const struct ldc_install *ldc_client_install(const struct ldc_client *client);
/** Another installation from now on; copied. Whoever kept parts of the former reads them again at
 *  its next look. */
void ldc_client_set_install(struct ldc_client *client, const struct ldc_install *install);
const struct ldc_breaker *ldc_client_breaker(const struct ldc_client *client,
                                             enum ldc_purpose purpose);
/** The one after BREAKER, the first for NULL, NULL at the end: those of the host, of which
 * `instance` is "", and then those of instances. Valid until the loop turns. */
const struct ldc_breaker *ldc_client_next_breaker(const struct ldc_client *client,
                                                  const struct ldc_breaker *breaker);
/** What an operator wants of the breaker NAME. Returns it, or NULL when there is none. */
const struct ldc_breaker *ldc_client_steer(struct ldc_client *client, const char *name,
                                           const struct ldc_breaker_order *order);
/** What of a breaker is to outlive the process. */
void ldc_client_remember_breaker(const struct ldc_breaker *breaker, struct ldc_breaker_memory *ret);
/** As a former process left it; before the first call. False: there is none of this name. */
bool ldc_client_restore_breaker(struct ldc_client *client, const struct ldc_breaker_memory *memory);
/** Children running now and calls waiting, for health and metrics. */
unsigned ldc_client_n_running(const struct ldc_client *client);
unsigned ldc_client_n_waiting(const struct ldc_client *client);
/** Cancels everything; ON_CLOSED comes after the last callback, then the client is gone. */
void ldc_client_close(struct ldc_client *client, void (*on_closed)(void *arg), void *arg);

#endif
