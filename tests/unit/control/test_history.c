/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <yyjson.h>

#include "base/text/str.h"
#include "ldconsole/verbs/timing.h"
#include "tests/unit/control/world.h"

/* Random histories: people and we ourselves put, drop, start, stop, set and copy instances, also
 * while we are at work on others; processes end alone, another installation has instances of the
 * same numbers; ldconsole leaves rows out, also for long, prints what is no list, brings disks
 * late, lies, crashes and does nothing; the service is killed. What the observer and the engine say
 * of all that is held against a plain model of what is there:
 *
 *   - no id is lost while its disk is there, and none is given to another disk;
 *   - nothing is taken for gone that is there;
 *   - no operation is a success without its effect;
 *   - no state contradicts what stands beside it in the same answer;
 *   - no process of the other installation is ended;
 *   - and once the noise is over, what is known is what is there.
 *
 * LDP_HISTORIES is how many (default 60, `./run histories` 1000), LDP_SEED where they begin. Time
 * is that of the fake timers, so that a seed is the same history each time; each says before it
 * begins how it is had again, whatever ends it. */

enum { STEPS = 20, INDEXES = 8, SOULS = 200, LONG_AGO_MS = 3600000 };
static const uint64_t GENEROUS_NS = 60000000000; /* the engine has a clock of its own to turn by */

/* One disk, from its making to its end. */
struct soul {
    char id[UUID_SIZE]; /* "" until it was seen */
    bool is_away;       /* its files are at another place */
};

struct history {
    struct world w;
    uint64_t random;
    struct soul souls[SOULS];
    size_t n_souls;
    int soul_at[INDEXES]; /* -1 none; one that is away keeps its place */
    bool shows_processes;
    int busy;        /* an operation of ours acts on that index; -1 none */
    bool is_copying; /* it may take any free index */
    struct buf told; /* what was done, for a failure */
};

static unsigned next_random(struct history *h, unsigned below)
{
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return (unsigned)(h->random >> 33) % below;
}

#define expect(h, condition, ...)                                                                  \
    do {                                                                                           \
        char why_[256];                                                                            \
        snprintf(why_, sizeof(why_), __VA_ARGS__);                                                 \
        cr_assert(condition, "%s\nafter: %s", why_, (h)->told.data);                               \
    } while (0)

#define tell(h, ...) (void)buf_printf(&(h)->told, __VA_ARGS__)

static bool is_there(struct history *h, int index)
{
    return fake_farm_has(h->w.farm, index);
}

/* What happens meets no look that is under way, else it is another history each time. */
static void look(struct history *h)
{
    fake_clock_skip(1); /* it stands still otherwise, and nothing would be before anything else */
    world_look(&h->w);
    world_rest(&h->w);
}

static void skip(struct history *h, uint64_t ms)
{
    world_skip(&h->w, ms);
    world_rest(&h->w);
}

/* --- the model --- */

/* Files of a new instance get another identity only when the clock of the file system has moved. */
static void let_file_clock_move(void)
{
    uv_sleep(5);
}

static void begin_soul(struct history *h, int index)
{
    expect(h, h->n_souls < SOULS, "too many instances");
    h->souls[h->n_souls] = (struct soul){0};
    h->soul_at[index] = (int)h->n_souls++;
}

/* What the verbs have made and removed. */
static void follow_farm(struct history *h)
{
    for (int i = 0; i < INDEXES; i++) {
        bool is_known = h->soul_at[i] >= 0;
        bool is_away = is_known && h->souls[h->soul_at[i]].is_away;
        if (is_there(h, i) && !is_known)
            begin_soul(h, i);
        else if (!is_there(h, i) && is_known && !is_away)
            h->soul_at[i] = -1;
    }
}

static void check_id(struct history *h, struct soul *soul, const struct cache_instance *i)
{
    if (!soul->id[0]) {
        for (size_t n = 0; n < h->n_souls; n++)
            expect(h, strcmp(h->souls[n].id, i->id) != 0, "index %d has the id of another disk",
                   i->index);
        str_copy(soul->id, sizeof(soul->id), i->id);
    }
    expect(h, strcmp(soul->id, i->id) == 0, "index %d has lost its id %s for %s", i->index,
           soul->id, i->id);
}

/* What an answer shows beside its state; 0 = null. */
struct shown {
    bool is_listed, has_processes;
    int64_t android, pid, vbox_pid, player, headless;
};

static int64_t number_in(yyjson_val *object, const char *name)
{
    return yyjson_get_sint(yyjson_obj_get(object, name));
}

static struct shown read_evidence(const struct cache_instance *i)
{
    const char *text = i->evidence ? i->evidence : "{}";
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    yyjson_val *list2 = yyjson_obj_get(yyjson_doc_get_root(doc), "list2");
    yyjson_val *processes = yyjson_obj_get(yyjson_doc_get_root(doc), "processes");
    struct shown shown = {
        .is_listed = yyjson_is_obj(list2),
        .has_processes = yyjson_is_obj(processes),
        .android = number_in(list2, "android"),
        .pid = number_in(list2, "pid"),
        .vbox_pid = number_in(list2, "vbox_pid"),
        .player = number_in(processes, "player"),
        .headless = number_in(processes, "headless"),
    };
    yyjson_doc_free(doc);
    return shown;
}

static bool says(const struct cache_instance *i, const char *part)
{
    return strstr(i->reason, part) != NULL;
}

/* Of one answer by itself, whatever was seen. */
static void check_state(struct history *h, const struct cache_instance *i)
{
    struct shown shown = read_evidence(i);
    bool has_player = shown.player > 0 || (!shown.has_processes && shown.pid > 0);
    bool has_vm = shown.headless > 0 || (!shown.has_processes && shown.vbox_pid > 0);
    bool is_right = true;
    switch (i->state) {
    case CACHE_STATE_STOPPED:
        is_right = !has_player && !has_vm && shown.android == 0;
        break;
    case CACHE_STATE_STARTING:
        is_right = has_player || says(i, "launch was asked for") || says(i, "looking again") ||
                   (says(i, "leaves its row out") && !shown.has_processes);
        break;
    case CACHE_STATE_BOOTING:
        is_right = has_vm || (!shown.is_listed && (has_player || !shown.has_processes));
        break;
    case CACHE_STATE_RUNNING:
    case CACHE_STATE_READY:
        is_right = has_player && has_vm && shown.android == 1;
        break;
    case CACHE_STATE_ZOMBIE:
        is_right = has_player && !has_vm;
        break;
    case CACHE_STATE_UNREACHABLE:
        is_right = has_player || has_vm;
        break;
    default:
        break;
    }
    is_right &= !says(i, "no process of the instance") || (!has_player && !has_vm);
    is_right &= !says(i, "none of its processes lives") || (!has_player && !has_vm);
    is_right &= !says(i, "list2 does not show it,") || !shown.is_listed;
    is_right &= !says(i, "list2 does not show it;") || !shown.is_listed;
    is_right &= !says(i, "list2 says Android is up") || shown.android == 1;
    is_right &= i->pid == (shown.pid > 0 ? shown.pid : 0);
    expect(h, i->reason[0] && is_right, "%d is %s (%s) beside %s, pid %" PRId64, i->index,
           cache_state_name(i->state), i->reason, i->evidence, i->pid);
}

static void check_states(struct history *h)
{
    struct cache_snapshot *s = ctl_observer_snapshot(h->w.observer);
    for (size_t n = 0; n < cache_snapshot_count(s); n++)
        check_state(h, &cache_snapshot_at(s, n)->instance);
    expect(h, !fake_farm_has_lost_neighbour(h->w.farm), "another installation's process was ended");
}

/* After a good look. */
static void check_all(struct history *h)
{
    check_states(h);
    for (int i = 0; i < INDEXES; i++) {
        const struct cache_instance *seen = world_at(&h->w, i);
        struct soul *soul = h->soul_at[i] >= 0 ? &h->souls[h->soul_at[i]] : NULL;
        if (!soul || soul->is_away) {
            expect(h, !seen, "%d is gone and still told of", i);
            continue;
        }
        expect(h, seen, "%d is there and was taken for gone", i);
        check_id(h, soul, seen);
    }
}

/* --- what happens --- */

/* One that is there, or a free index; -1 = none was found, or an operation of ours is at it. */
static int pick(struct history *h, bool wanted)
{
    for (int tries = 0; tries < 20; tries++) {
        int index = (int)next_random(h, INDEXES);
        bool is_free = !is_there(h, index) && h->soul_at[index] < 0 && !h->is_copying;
        if (index != h->busy && (wanted ? is_there(h, index) : is_free))
            return index;
    }
    return -1;
}

static void put_by_hand(struct history *h)
{
    char title[32];
    int index = pick(h, false);
    if (index < 0)
        return;
    tell(h, "put %d; ", index);
    snprintf(title, sizeof(title), "hand %zu", h->n_souls);
    let_file_clock_move();
    fake_farm_put(h->w.farm, index, title);
    follow_farm(h);
}

static void drop_by_hand(struct history *h)
{
    int index = pick(h, true);
    if (index < 0 || h->is_copying || fake_farm_is_held(h->w.farm, index))
        return;
    tell(h, "drop %d; ", index);
    fake_farm_drop(h->w.farm, index);
    follow_farm(h);
}

static void switch_by_hand(struct history *h)
{
    int index = pick(h, true);
    if (index < 0)
        return;
    bool was_on = fake_farm_is_held(h->w.farm, index);
    int pid = 1000 + (int)next_random(h, 1000) * 2;
    tell(h, "%s %d by hand; ", was_on ? "end" : "start", index);
    fake_farm_set(h->w.farm, index, was_on ? 0 : 1, was_on ? -1 : pid, was_on ? -1 : pid + 1);
}

/* List2 goes on to show it for as long as it is left so. */
static void end_a_process(struct history *h)
{
    int index = pick(h, true);
    if (index < 0 || !h->shows_processes || !fake_farm_is_on(h->w.farm, index))
        return;
    unsigned which = next_random(h, 3);
    tell(h, "process %u of %d ends; ", which, index);
    fake_farm_end_process(h->w.farm, index, which != 1);
    if (which > 0)
        fake_farm_end_process(h->w.farm, index, false);
}

static void set_by_hand(struct history *h)
{
    int index = pick(h, true);
    if (index < 0)
        return;
    bool is_broken = next_random(h, 4) == 0;
    tell(h, "%s %d; ", is_broken ? "break config of" : "set", index);
    char *text cleanup(mem_freep) = is_broken
                                        ? mem_strdup("{\"statusSettings.playerName\":\"x")
                                        : mem_printf("{\"statusSettings.playerName\":\"set %u\","
                                                     "\"advancedSettings.cpuCount\":%u}",
                                                     next_random(h, 100), 1 + next_random(h, 4));
    fake_farm_write_config(h->w.farm, index, text);
}

/* It runs an instance of that number, and may lose the player of that once it was seen: an
 * installation of which nobody knows cannot be told from ours. */
static void move_neighbour(struct history *h)
{
    int index = (int)next_random(h, INDEXES);
    unsigned how = next_random(h, 3);
    tell(h, "neighbour %d %u; ", index, how);
    fake_farm_set_neighbour(h->w.farm, index, 500000, 500001);
    look(h);
    if (how > 0)
        fake_farm_set_neighbour(h->w.farm, index, 0, how == 1 ? 500001 : 0);
}

static void hide_row(struct history *h)
{
    int index = pick(h, true);
    if (index < 0)
        return;
    unsigned n = 1 + next_random(h, next_random(h, 2) ? LDC_TIMING_ABSENT_LOOKS - 1 : 30);
    tell(h, "hide %d for %u; ", index, n);
    fake_farm_hide_row(h->w.farm, index, n);
}

static void print_nonsense(struct history *h)
{
    static const enum farm_answer answers[] = {FARM_TORN,  FARM_GARBAGE, FARM_EMPTY,
                                               FARM_NOISE, FARM_CRASH,   FARM_NOT_STARTED};
    unsigned n = 1 + next_random(h, 2), which = next_random(h, countof(answers));
    tell(h, "list2 %u for %u; ", which, n);
    fake_farm_answer(h->w.farm, "list2", answers[which]);
    while (n-- > 0) {
        look(h);
        check_states(h);
    }
    fake_farm_answer(h->w.farm, "list2", FARM_OBEY);
}

static void move_files(struct history *h)
{
    for (int i = 0; i < INDEXES; i++) {
        struct soul *soul = h->soul_at[i] >= 0 ? &h->souls[h->soul_at[i]] : NULL;
        if (!soul || (soul->is_away ? next_random(h, 2) : next_random(h, 8)) != 0 ||
            fake_farm_is_held(h->w.farm, i))
            continue;
        soul->is_away = !soul->is_away;
        tell(h, "%d moves %s; ", i, soul->is_away ? "away" : "back");
        fake_farm_move_away(h->w.farm, i, soul->is_away);
        return;
    }
}

static void restart(struct history *h)
{
    tell(h, "restart; ");
    fake_farm_set_neighbour(h->w.farm, 0, 0, 0); /* what was seen of it is forgotten */
    world_crash(&h->w);
    world_rest(&h->w);
}

static void pass_time(struct history *h)
{
    unsigned ms = 500 + next_random(h, 20000);
    tell(h, "%u ms; ", ms);
    skip(h, ms);
}

/* --- what we do --- */

static bool has_effect(struct history *h, const struct cache_operation *op, int index)
{
    switch (op->kind) {
    case CACHE_OP_START:
        return fake_farm_is_on(h->w.farm, index);
    case CACHE_OP_STOP:
        return !fake_farm_is_held(h->w.farm, index);
    case CACHE_OP_REMOVE:
        return !is_there(h, index);
    default: /* a clone, where there was none */
        return is_there(h, index) && fake_farm_has_disk(h->w.farm, index);
    }
}

static int lowest_free(struct history *h)
{
    int index = 0;
    while (is_there(h, index))
        index++;
    return index;
}

/* What goes on elsewhere meanwhile, and the disk that comes at last. */
static void live_on(struct history *h, int made_at)
{
    static void (*const elsewhere[])(struct history * h) = {
        switch_by_hand, end_a_process, set_by_hand, hide_row, put_by_hand, drop_by_hand,
    };
    if (next_random(h, 8) == 0)
        elsewhere[next_random(h, countof(elsewhere))](h);
    if (made_at >= 0 && is_there(h, made_at) && next_random(h, 4) == 0 &&
        !fake_farm_has_disk(h->w.farm, made_at)) {
        tell(h, " (disk of %d)", made_at);
        fake_farm_grow_disk(h->w.farm, made_at, 4);
    }
}

/* Nobody else acts on the same instance until it has ended; ldconsole does what it likes. */
static void operate(struct history *h)
{
    static const struct {
        enum cache_op_kind kind;
        const char *verb;
    } kinds[] = {{CACHE_OP_START, "launch"},
                 {CACHE_OP_STOP, "quit"},
                 {CACHE_OP_REMOVE, "remove"},
                 {CACHE_OP_CLONE, "copy"}};
    static const enum farm_answer answers[] = {
        FARM_OBEY, FARM_OBEY, FARM_OBEY, FARM_IGNORE, FARM_CRASH, FARM_NO_PLAYER, FARM_LATE_DISK};
    unsigned kind = next_random(h, countof(kinds));
    bool is_clone = kinds[kind].kind == CACHE_OP_CLONE;
    unsigned how = next_random(h, countof(answers) - !is_clone);
    int index = pick(h, true);
    if (index < 0 || !world_at(&h->w, index))
        return;
    int made_at = lowest_free(h);
    if (is_clone && (made_at >= INDEXES || h->soul_at[made_at] >= 0))
        return;
    struct ctl_request request = world_request(&h->w, kinds[kind].kind, index);
    request.name = is_clone ? "copied" : NULL;
    request.force = kinds[kind].kind == CACHE_OP_STOP && next_random(h, 2) == 0;
    h->busy = index;
    h->is_copying = is_clone;
    tell(h, "%s %d (%s: %s)%s answered %u", kinds[kind].verb, index,
         cache_state_name(world_state(&h->w, index)), world_at(&h->w, index)->reason,
         request.force ? " by force" : "", how);
    fake_farm_answer(h->w.farm, kinds[kind].verb, answers[how]);
    let_file_clock_move();
    fake_clock_skip(1);
    struct world_answer a = world_submit(&h->w, &request);
    world_rest(&h->w);
    if (!a.id[0]) {
        tell(h, " (refused: %s); ", a.refusal.code);
    } else {
        uint64_t began = uv_hrtime();
        while (ctl_engine_find(h->w.engine, a.id)) {
            expect(h, uv_hrtime() - began < GENEROUS_NS, "an operation never ends");
            live_on(h, is_clone ? made_at : -1);
            skip(h, 500);
            check_states(h);
        }
        world_flush(&h->w);
        struct cache_operation *op = world_load(&h->w, a.id);
        tell(h, " (%s); ", cache_op_status_name(op->status));
        bool is_good =
            op->status != CACHE_OP_SUCCEEDED || has_effect(h, op, is_clone ? made_at : index);
        if (!is_good)
            tell(h, "evidence %s", op->evidence);
        expect(h, is_good, "a success that did not happen: %s %d", kinds[kind].verb, index);
        cache_operation_free(op);
    }
    fake_farm_answer(h->w.farm, kinds[kind].verb, FARM_OBEY);
    if (is_clone && is_there(h, made_at) && !fake_farm_has_disk(h->w.farm, made_at))
        fake_farm_grow_disk(h->w.farm, made_at, 4);
    h->busy = -1;
    h->is_copying = false;
    follow_farm(h);
}

/* --- a history --- */

static void (*const happenings[])(struct history *h) = {
    put_by_hand, drop_by_hand,  switch_by_hand, hide_row,       print_nonsense,
    move_files,  end_a_process, set_by_hand,    move_neighbour, restart,
    pass_time,   operate,       operate,        operate,        operate,
};

/* What may still be late comes, a breaker closes again, doubts end. */
static void let_noise_end(struct history *h)
{
    fake_farm_set_neighbour(h->w.farm, 0, 0, 0);
    for (int i = 0; i < INDEXES; i++) {
        if (!is_there(h, i))
            continue;
        fake_farm_hide_row(h->w.farm, i, 0);
        /* Somebody closes what has lost a process. */
        if (!fake_farm_is_whole(h->w.farm, i))
            fake_farm_set(h->w.farm, i, 0, -1, -1);
    }
    skip(h, 120000);
    for (unsigned n = 0; n <= LDC_TIMING_ABSENT_LOOKS; n++)
        skip(h, LDC_TIMING_ABSENT_MS);
    cr_assert_eq(ctl_observer_verdict(h->w.observer)->status, 0);
}

static void check_end(struct history *h)
{
    let_noise_end(h);
    check_all(h);
    for (int i = 0; i < INDEXES; i++) {
        if (!is_there(h, i))
            continue;
        bool is_on = fake_farm_is_on(h->w.farm, i);
        enum cache_state state = world_state(&h->w, i);
        expect(h, is_on == ctl_state_is_up(state), "%d is %s and yet %s: %s", i,
               is_on ? "on" : "off", cache_state_name(state), world_at(&h->w, i)->reason);
    }
}

static void run_history(uint64_t seed)
{
    struct history *h = mem_new(struct history);
    fprintf(stderr, "again by: LDP_SEED=%" PRIu64 " ./run histories 1\n", seed);
    h->random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    buf_init(&h->told, 0);
    tell(h, "seed %" PRIu64 ": ", seed);
    memset(h->soul_at, -1, sizeof(h->soul_at));
    h->busy = -1;
    h->shows_processes = next_random(h, 2) == 0;
    world_init(&h->w);
    world_live_fast(&h->w);
    fake_clock_skip(
        LONG_AGO_MS); /* of the files, whose clock is the system's: in the first as well */
    fake_farm_show_processes(h->w.farm, h->shows_processes);
    for (int i = 0; i < 3; i++)
        fake_farm_put(h->w.farm, i, "given");
    follow_farm(h);
    world_open(&h->w);
    world_rest(&h->w);
    check_all(h);
    for (int step = 0; step < STEPS; step++) {
        happenings[next_random(h, countof(happenings))](h);
        look(h);
        check_states(h);
    }
    check_end(h);
    world_end(&h->w);
    buf_deinit(&h->told);
    mem_free(h);
}

static uint64_t number_of(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : fallback;
}

Test(ctl_history, what_is_said_is_what_is_there, .timeout = 3000)
{
    uint64_t first = number_of("LDP_SEED", 1), n = number_of("LDP_HISTORIES", 60);
    for (uint64_t i = 0; i < n; i++)
        run_history(first + i);
}
