/* SPDX-License-Identifier: MIT */
#ifndef LDC_SURVEY_H
#define LDC_SURVEY_H

#include "ldconsole/guard/client.h"
#include "ldconsole/install/configs.h"
#include "ldconsole/process/process.h"

/** One look at everything, by three witnesses: list2 by a child, and beside it, on a worker thread,
 *  the config files and the process table. Interpreting what was seen is not done here. */
struct ldc_survey {
    struct ldc_outcome outcome; /* of list2, as ldc_call_fn gives it */
    enum ldc_list_outcome list; /* meaningful when outcome.answer is ACCEPTED */
    struct ldc_rows rows;
    const struct ldc_configs *configs;
    const struct ldc_processes *processes;
    bool has_processes;            /* false: the process table could not be read */
    uint64_t started_ms, ended_ms; /* monotonic; the facts are at least as new as started_ms */
    int64_t wall_ms;               /* wall clock at the end */
};

struct ldc_surveyor;

/** SURVEY and all it points to belong to the surveyor and end with the call. */
typedef void (*ldc_survey_fn)(void *arg, const struct ldc_survey *survey);

/** One survey at a time; DONE is called for each. CODEPAGE as configured. */
struct ldc_surveyor *ldc_surveyor_new(struct loop *loop, struct ldc_client *client,
                                      enum ldc_codepage codepage, ldc_survey_fn done, void *arg);
/** Starts a survey, or does nothing when one runs (its DONE is still to come). An empty or torn
 *  list2 answer is asked again up to twice before it is believed (reference 2.3). */
void ldc_surveyor_start(struct ldc_surveyor *s);
bool ldc_surveyor_is_running(const struct ldc_surveyor *s);
/** Must be called before ldc_client_close. */
void ldc_surveyor_close(struct ldc_surveyor *s, void (*on_closed)(void *arg), void *arg);

#endif
