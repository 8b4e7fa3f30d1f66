/* SPDX-License-Identifier: MIT */
#include "tests/support/fake_reach.h"

#include <stdlib.h>

#include "base/loop/loop.h"
#include "base/memory/mem.h"
#include "base/text/str.h"

struct ctl_reach {
    struct list link;
    struct loop *loop;
    ctl_reach_fn done;
    void *arg;
    struct ctl_reach_result result;
};

static struct list waiting = {&waiting, &waiting};
static unsigned n_begun, n_open, last_deadline_ms;
static char last_address[300];
static const char *standing;
static bool standing_reachable;

/* What has been answered is in no list. */
static void deliver(void *arg)
{
    struct ctl_reach *r = arg;
    r->done(r->arg, &r->result);
    mem_free(r);
}

static void decide(struct ctl_reach *r, bool is_reachable, const char *detail)
{
    list_unlink(&r->link);
    n_open--;
    r->result = (struct ctl_reach_result){.is_reachable = is_reachable, .latency_ms = 7};
    str_copy(r->result.detail, sizeof(r->result.detail), detail);
}

static struct ctl_reach *start(struct loop *loop, const char *address, unsigned deadline_ms,
                               ctl_reach_fn done, void *arg)
{
    struct ctl_reach *r = mem_new(struct ctl_reach);
    r->loop = loop;
    r->done = done;
    r->arg = arg;
    list_append(&waiting, &r->link);
    n_begun++;
    n_open++;
    last_deadline_ms = deadline_ms;
    str_copy(last_address, sizeof(last_address), address);
    if (standing) {
        decide(r, standing_reachable, standing);
        loop_post(loop, deliver, r);
    }
    return r;
}

static void cancel(struct ctl_reach *r)
{
    if (list_is_empty(&r->link))
        return;
    decide(r, false, "cancelled");
    loop_post(r->loop, deliver, r);
}

const struct ctl_reach_ops fake_reach_ops = {.start = start, .cancel = cancel};

unsigned fake_reach_n_begun(void)
{
    return n_begun;
}

unsigned fake_reach_n_open(void)
{
    return n_open;
}

const char *fake_reach_address(void)
{
    return last_address;
}

unsigned fake_reach_deadline_ms(void)
{
    return last_deadline_ms;
}

void fake_reach_answer(bool is_reachable, const char *detail)
{
    if (list_is_empty(&waiting))
        abort();
    struct ctl_reach *r = list_entry(waiting.next, struct ctl_reach, link);
    decide(r, is_reachable, detail);
    deliver(r);
}

void fake_reach_answer_all(bool is_reachable, const char *detail)
{
    standing = detail;
    standing_reachable = is_reachable;
    while (detail && !list_is_empty(&waiting))
        fake_reach_answer(is_reachable, detail);
}

void fake_reach_reset(void)
{
    if (!list_is_empty(&waiting))
        abort();
    n_begun = 0;
    standing = NULL;
}
