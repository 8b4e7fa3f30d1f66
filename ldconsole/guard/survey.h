/* SPDX-License-Identifier: MIT */
#ifndef LDC_SURVEY_H
#define LDC_SURVEY_H

#include "ldconsole/guard/client.h"
#include "ldconsole/install/preflight.h"
#include "ldconsole/process/process.h"

/** One look at everything, by three witnesses: list2 by a child, and beside it, on a worker thread,
 *  the config files, what VMs need, and the process table. Interpreting what was seen is not done
 * here. */
struct ldc_survey {
    uint64_t number;            /* 1 for the first, and one more for each */
    struct ldc_outcome outcome; /* of list2, as ldc_call_fn gives it */
    enum ldc_list_outcome list; /* OK also where list2 gave no list: see outcome.answer */
    struct ldc_rows rows;
    const struct ldc_configs *configs;
    const struct ldc_processes *processes;
    const struct ldc_premises *premises;
    bool has_configs;              /* false: their folder could not be read */
    bool has_processes;            /* false: the process table could not be read */
    uint64_t started_ms, ended_ms; /* monotonic; the facts are at least as new as started_ms */
    int64_t wall_ms;               /* wall clock when it started */
};

struct ldc_surveyor;

/** SURVEY and all it points to belong to the surveyor and end with the call of DONE. */
typedef void (*ldc_survey_fn)(void *arg, const struct ldc_survey *survey);
/** Takes in a part of SURVEY and returns whether that was the last: else it is called again in the
 *  next turn of the loop, so that nobody waits for long. Until then the survey still runs. */
typedef bool (*ldc_survey_take_fn)(void *arg, const struct ldc_survey *survey);

/** One survey at a time; TAKE and then DONE are called for each. CODEPAGE as configured. */
struct ldc_surveyor *ldc_surveyor_new(struct loop *loop, struct ldc_client *client,
                                      enum ldc_codepage codepage, ldc_survey_take_fn take,
                                      ldc_survey_fn done, void *arg);
/** Has copies of good config files kept in DIR, which outlives the surveyor; before its first
 * survey. */
void ldc_surveyor_keep_configs(struct ldc_surveyor *s, const char *dir);
/** Sees to a survey that began at most MAX_AGE_MS ago: the one that runs, or else one that begins
 *  now, or as soon as that one is over. 0 is never content with the one that runs, UINT64_MAX
 *  always. Returns its number; it is the running one or the next, so that many askers share them.
 *  A list2 answer that is empty, torn or not understood is asked again up to twice before it is
 *  believed (reference 2.3). */
uint64_t ldc_surveyor_start(struct ldc_surveyor *s, uint64_t max_age_ms);
bool ldc_surveyor_is_running(const struct ldc_surveyor *s);
/** Must be called before ldc_client_close. */
void ldc_surveyor_close(struct ldc_surveyor *s, void (*on_closed)(void *arg), void *arg);

#endif
