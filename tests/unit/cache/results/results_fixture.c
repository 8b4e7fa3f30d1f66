/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/results/results_fixture.h"

uint64_t now_ms;
uv_timer_cb sweep_fn;
uint64_t sweep_in_ms;
uv_timer_t *sweep_timer;

const struct cache_policy plain = {.ttl_ms = 60000};
const struct cache_policy rich = {
    .ttl_ms = 60000, .stale_ms = 30000, .error_ms = 60000, .failure_ms = 1000};

uint64_t __wrap_uv_now(const uv_loop_t *loop);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t timeout, uint64_t repeat);

uint64_t __wrap_uv_now(const uv_loop_t *loop)
{
    (void)loop;
    return now_ms;
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t timeout, uint64_t repeat)
{
    (void)repeat;
    sweep_timer = timer;
    sweep_fn = fn;
    sweep_in_ms = timeout;
    return 0;
}

struct cache_results_options house_options(void)
{
    return (struct cache_results_options){
        .limits = {.max_entries = 1000, .max_bytes = 1 << 20, .ttl_ms = 1000},
        .is_enabled = true,
        .max_waiters = 1000,
    };
}

void house_open(struct house *h, struct cache_tier *tier)
{
    struct cache_results_options options = house_options();
    *h = (struct house){.n_loads = 0};
    now_ms = 1000000;
    cr_assert_eq(loop_init(&h->loop), 0);
    h->r = cache_results_new(&h->loop, tier, &options);
}

static void on_closed(void *arg)
{
    struct house *h = arg;
    h->is_closed = true;
}

void house_begin_close(struct house *h)
{
    cache_results_close(h->r, on_closed, h);
    cr_assert_not(h->is_closed, "it is told in a later turn");
}

void house_finish_close(struct house *h)
{
    loop_run(&h->loop);
    cr_assert(h->is_closed);
    cr_assert_eq(loop_deinit(&h->loop), 0, "a handle is still open");
}

void house_close(struct house *h)
{
    house_begin_close(h);
    while (h->n_loads > 0)
        end_load(h, UV_ECANCELED, NULL);
    house_finish_close(h);
}

static struct blob *text(const char *s)
{
    return blob_copy(s, strlen(s));
}

static void load(void *arg, const char *key, struct cache_load *l)
{
    struct house *h = arg;
    cr_assert_not_null(key);
    h->n_begun++;
    if (h->is_sync) {
        cache_load_end(l, h->sync_status, h->sync_status ? NULL : text("sync"), 0);
        return;
    }
    cr_assert_lt(h->n_loads, countof(h->loads));
    h->loads[h->n_loads++] = l;
}

static void on_result(void *arg, const struct cache_result *result)
{
    struct reader *reader = arg;
    cr_assert_eq(++reader->n_done, 1, "answered once");
    cr_assert_eq(result->status == 0, result->value != NULL);
    reader->wait = NULL;
    reader->outcome = result->outcome;
    reader->status = result->status;
    reader->age_ms = result->age_ms;
    if (result->value)
        snprintf(reader->value, sizeof(reader->value), "%s", result->value->data);
    if (reader->then)
        reader->then(reader);
    if (result->value)
        cr_assert_eq(strncmp(result->value->data, reader->value, sizeof(reader->value) - 1), 0,
                     "it is good until the end of the call");
}

/* The key and the fetch are gone as soon as the reader was answered. */
void ask_young(struct reader *reader, const char *key, const struct cache_policy *policy,
               uint64_t max_age_ms)
{
    struct reader *other = reader->other;
    void (*then)(struct reader *) = reader->then;
    *reader = (struct reader){.h = reader->h, .then = then, .other = other};
    char *copy = mem_strdup(key);
    struct cache_fetch fetch = {
        .key = copy,
        .policy = policy,
        .max_age_ms = max_age_ms,
        .load = load,
        .load_arg = reader->h,
        .done = on_result,
        .arg = reader,
    };
    struct cache_wait *wait = cache_results_fetch(reader->h->r, &fetch);
    mem_free(copy);
    cr_assert_eq(wait == NULL, reader->n_done == 1);
    reader->wait = wait;
}

void ask(struct reader *reader, const char *key, const struct cache_policy *policy)
{
    ask_young(reader, key, policy, UINT64_MAX);
}

void ask_bypass(struct reader *reader, const char *key, const struct cache_policy *policy)
{
    ask_young(reader, key, policy, 0);
}

void end_load(struct house *h, int status, const char *value)
{
    cr_assert_gt(h->n_loads, 0, "no load is under way");
    struct cache_load *l = h->loads[0];
    h->n_loads--;
    memmove(h->loads, h->loads + 1, h->n_loads * sizeof(h->loads[0]));
    cache_load_end(l, status, value ? text(value) : NULL, h->age_ms);
}

void fill(struct house *h, const char *key, const struct cache_policy *policy, const char *value)
{
    struct reader reader = {.h = h};
    ask(&reader, key, policy);
    cr_assert_str_eq(told(&reader), "pending");
    end_load(h, 0, value);
    cr_assert_str_eq(reader.value, value);
}

const char *told(const struct reader *reader)
{
    static char text_of[2][128];
    static unsigned at;
    char *out = text_of[at++ % 2];
    if (reader->n_done == 0)
        return "pending";
    snprintf(out, sizeof(text_of[0]), "%s %s", cache_outcome_name(reader->outcome),
             reader->status ? uv_err_name(reader->status) : reader->value);
    return out;
}

const char *look(struct house *h, const char *key, const struct cache_policy *policy)
{
    struct reader reader = {.h = h};
    unsigned before = h->n_loads;
    ask(&reader, key, policy);
    const char *answer = told(&reader);
    if (reader.wait)
        cache_results_cancel(reader.wait);
    if (h->n_loads > before && strcmp(answer, "pending") == 0) {
        struct cache_load *l = h->loads[--h->n_loads];
        cache_load_end(l, UV_ECANCELED, NULL, 0);
    }
    return answer;
}
