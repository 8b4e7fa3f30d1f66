/* SPDX-License-Identifier: MIT */
#include "base/text/str.h"
#include "tests/unit/control/world.h"

static struct world w;

enum { N = 6 };

/* Six that run, with processes that can be seen. */
static void set_up(void)
{
    world_init(&w);
    for (int i = 0; i < N; i++) {
        char title[16];
        snprintf(title, sizeof(title), "n%d", i);
        fake_farm_put(w.farm, i, title);
        fake_farm_set(w.farm, i, 1, 100 + 10 * i, 101 + 10 * i);
    }
    fake_farm_show_processes(w.farm, true);
    w.has_reconciler = true;
    world_open(&w);
    world_look(&w);
}

static void tear_down(void)
{
    world_end(&w);
}

TestSuite(ctl_healing, .init = set_up, .fini = tear_down, .timeout = 60);

static unsigned n_launches(void)
{
    return fake_farm_count(w.farm, "launch");
}

static void allow(int index, enum cache_repair_mode repair)
{
    struct ctl_local local = {.desired = -1, .repair = &repair};
    ctl_observer_set_local(w.observer, world_at(&w, index)->id, &local);
}

static void make_zombie(int index)
{
    fake_farm_set(w.farm, index, 1, 100 + 10 * index, -1);
    world_until(&w, world_state(&w, index) == CACHE_STATE_ZOMBIE);
}

static bool is_idle(void)
{
    unsigned counts[CACHE_OP_STATUS_COUNT];
    ctl_engine_counts(w.engine, counts);
    for (int i = 0; i < CACHE_OP_STATUS_COUNT; i++) {
        if (counts[i] > 0)
            return false;
    }
    return true;
}

static void let_it_look(void)
{
    world_settle(&w);
    world_until(&w, is_idle());
}

/* Until an illness that is there now must be believed. */
static void be_sure(void)
{
    for (int i = 0; i < 3; i++)
        world_skip(&w, 5000);
}

/* Until what was put off is done. */
static void wait_for_retry(void)
{
    be_sure();
    world_skip(&w, 600000);
}

struct found {
    bool is_there;
    struct cache_operation *op;
};

static void keep_newest(void *arg, int status, struct cache_operations_page *page)
{
    struct found *f = arg;
    cr_assert_eq(status, 0);
    f->is_there = true;
    f->op = page->n_items > 0 ? take_ptr(page->items[0]) : NULL;
}

/* The newest one of the instance at INDEX. */
static struct cache_operation *operation_of(int index)
{
    struct found f = {0};
    struct cache_operations_filter filter = {.status = -1, .kind = -1, .limit = 1};
    str_copy(filter.target, sizeof(filter.target), world_at(&w, index)->id);
    world_flush(&w);
    cache_operations_find(w.store, &filter, keep_newest, &f);
    world_until(&w, f.is_there);
    cr_assert_not_null(f.op);
    return f.op;
}

Test(ctl_healing, a_zombie_is_told_once_and_left_alone_by_default)
{
    make_zombie(0);
    be_sure();
    be_sure();
    let_it_look();
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 1);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    world_until(&w, world_heard(&w, "instance.healthy") == 1);
}

Test(ctl_healing, nothing_is_told_where_that_is_switched_off)
{
    allow(0, CACHE_REPAIR_OFF);
    make_zombie(0);
    be_sure();
    let_it_look();
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 0);
}

Test(ctl_healing, a_zombie_is_restarted_and_the_neighbours_are_not)
{
    allow(0, CACHE_REPAIR_RESTART);
    make_zombie(0);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "", "one look is not believed");
    be_sure();
    world_until(&w, n_launches() == 1 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; launch 0");
    struct cache_operation *op = operation_of(0);
    cr_expect_eq(op->kind, CACHE_OP_REPAIR);
    cr_expect_eq(op->status, CACHE_OP_SUCCEEDED);
    cr_expect_str_eq(op->requested_by, "watchdog");
    cr_expect(strstr(op->evidence, "zombie: list2 says Android is up, but there is no VM process"),
              "%s", op->evidence);
    cr_expect(strstr(op->evidence, "act 1 of the 5 that an hour allows"), "%s", op->evidence);
    cache_operation_free(op);
    cr_expect_eq(world_heard(&w, "instance.healthy"), 1);
}

Test(ctl_healing, a_quit_that_is_ignored_is_not_forced_without_leave)
{
    allow(0, CACHE_REPAIR_RESTART);
    make_zombie(0);
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    be_sure();
    world_until(&w, fake_farm_count(w.farm, "quit") == 2);
    let_it_look();
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 0);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_healing, with_leave_its_own_processes_are_ended)
{
    allow(0, CACHE_REPAIR_FULL);
    fake_farm_set_neighbour(w.farm, 0, 500, 501);
    make_zombie(0);
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    be_sure();
    world_until(&w, n_launches() == 1 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 1, "the player alone");
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; quit 0; launch 0");
}

Test(ctl_healing, one_that_comes_to_itself_is_not_touched)
{
    allow(0, CACHE_REPAIR_FULL);
    fake_farm_answer(w.farm, "list2", FARM_OBEY);
    make_zombie(0);
    world_skip(&w, 5000);
    fake_farm_set(w.farm, 0, 1, 100, 101);
    be_sure();
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "");
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 0);
}

Test(ctl_healing, what_a_person_stopped_is_not_started_again)
{
    fake_farm_answer(w.farm, "quit", FARM_NO_PLAYER);
    world_try(&w, CACHE_OP_STOP, 0, CACHE_OP_FAILED, "LDCONSOLE_NO_SUCH_PLAYER");
    make_zombie(0);
    allow(0, CACHE_REPAIR_FULL);
    be_sure();
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    wait_for_retry();
    let_it_look();
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 1);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_healing, a_repair_gives_way_to_a_stop)
{
    allow(0, CACHE_REPAIR_RESTART);
    make_zombie(0);
    fake_farm_answer(w.farm, "quit", FARM_IGNORE);
    be_sure();
    world_until(&w, fake_farm_count(w.farm, "quit") == 1);
    fake_farm_answer(w.farm, "quit", FARM_OBEY);
    struct world_answer a = world_do(&w, CACHE_OP_STOP, 0);
    world_expect(&w, a.id, CACHE_OP_SUCCEEDED, NULL);
    wait_for_retry();
    let_it_look();
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STOPPED);
    cr_expect_eq(n_launches(), 0);
}

Test(ctl_healing, what_does_not_help_ends_in_quarantine)
{
    allow(0, CACHE_REPAIR_RESTART);
    fake_farm_launch_to(w.farm, 1, false);
    make_zombie(0);
    for (unsigned n = 1; n <= 5; n++) {
        be_sure();
        world_until(&w, n_launches() == n);
        world_until(&w, is_idle() && world_state(&w, 0) == CACHE_STATE_ZOMBIE);
        world_skip(&w, 10000u << (n - 1));
    }
    be_sure();
    world_until(&w, world_at(&w, 0)->quarantine.since != 0);
    cr_expect(strstr(world_at(&w, 0)->quarantine.reason, "5 acts within an hour"), "%s",
              world_at(&w, 0)->quarantine.reason);
    wait_for_retry();
    let_it_look();
    cr_expect_eq(n_launches(), 5);

    /* It outlasts the process. */
    world_crash(&w);
    be_sure();
    let_it_look();
    cr_expect_neq(world_at(&w, 0)->quarantine.since, 0);
    cr_expect_eq(n_launches(), 5);

    /* A person trusts it again. */
    fake_farm_launch_to(w.farm, 1, true);
    static const struct cache_quarantine none;
    ctl_observer_set_local(w.observer, world_at(&w, 0)->id,
                           &(struct ctl_local){.desired = -1, .quarantine = &none});
    be_sure();
    world_until(&w, n_launches() == 6 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    let_it_look();
}

Test(ctl_healing, a_restart_of_the_service_gives_no_new_budget)
{
    allow(0, CACHE_REPAIR_RESTART);
    fake_farm_launch_to(w.farm, 1, false);
    make_zombie(0);
    for (unsigned n = 1; n <= 5; n++) {
        be_sure();
        world_until(&w, n_launches() == n);
        world_until(&w, is_idle() && world_state(&w, 0) == CACHE_STATE_ZOMBIE);
        if (n == 3)
            world_crash(&w);
        world_skip(&w, 10000u << (n - 1));
    }
    be_sure();
    world_until(&w, world_at(&w, 0)->quarantine.since != 0);
    cr_expect_eq(n_launches(), 5);
}

Test(ctl_healing, a_start_by_hand_ends_the_quarantine)
{
    struct cache_quarantine q = {.since = 5, .reason = "because"};
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    ctl_observer_set_local(w.observer, world_at(&w, 0)->id,
                           &(struct ctl_local){.desired = CACHE_DESIRED_RUNNING, .quarantine = &q});
    wait_for_retry();
    let_it_look();
    cr_expect_eq(n_launches(), 0);
    world_try(&w, CACHE_OP_START, 0, CACHE_OP_SUCCEEDED, NULL);
    cr_expect_eq(world_at(&w, 0)->quarantine.since, 0);
}

Test(ctl_healing, what_many_suffer_from_is_told_once_and_not_healed)
{
    for (int i = 0; i < N; i++)
        allow(i, CACHE_REPAIR_FULL);
    for (int i = 0; i < 3; i++)
        fake_farm_set(w.farm, i, 1, 100 + 10 * i, -1);
    world_until(&w, world_state(&w, 2) == CACHE_STATE_ZOMBIE);
    be_sure();
    be_sure();
    wait_for_retry();
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "");
    cr_expect_eq(world_heard(&w, "workstation.healing"), 1);
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 3);

    /* One of them was helped by hand: the others are healed. */
    fake_farm_set(w.farm, 2, 1, 120, 121);
    world_until(&w, world_heard(&w, "workstation.healing") == 2);
    world_until(&w, n_launches() == 2);
    let_it_look();
}

/* All are stuck without a VM: one of them shows that it is the VM service. */
static void break_vm_service(void)
{
    fake_farm_break_vm_service(w.farm, 77);
    for (int i = 0; i < N; i++) {
        allow(i, CACHE_REPAIR_FULL);
        fake_farm_set(w.farm, i, 0, -1, -1);
        world_until(&w, world_state(&w, i) == CACHE_STATE_STOPPED);
        fake_farm_set(w.farm, i, 2, 100 + 10 * i, -1);
        world_until(&w, world_state(&w, i) == CACHE_STATE_STARTING);
    }
    world_skip(&w, 120000);
}

Test(ctl_healing, a_vm_service_that_hangs_is_ended_once_while_no_vm_lives)
{
    break_vm_service();
    be_sure();
    world_until(&w, n_launches() == 1 && world_state(&w, 0) == CACHE_STATE_RUNNING);
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 1);
    struct cache_operation *op = operation_of(0);
    cr_expect(strstr(op->evidence, "the VM service (process 77) was ended"), "%s", op->evidence);
    cache_operation_free(op);
    world_until(&w, n_launches() == N && is_idle());
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 1);
}

Test(ctl_healing, a_vm_service_is_left_alone_while_any_vm_lives)
{
    fake_farm_set_neighbour(w.farm, 40, 500, 501);
    break_vm_service();
    be_sure();
    world_until(&w, n_launches() == 1);
    be_sure();
    cr_expect_eq(n_launches(), 1, "the others are not tried, too");
    cr_expect_eq(fake_farm_count(w.farm, "kill"), 0);
    struct cache_operation *op = operation_of(0);
    cr_expect(strstr(op->evidence, "was left alone: a VM lives"), "%s", op->evidence);
    cache_operation_free(op);
}

Test(ctl_healing, the_hosts_budget_is_for_all)
{
    w.keeping.budget.host_per_hour = 1;
    world_close(&w);
    world_open(&w);
    world_look(&w);
    allow(0, CACHE_REPAIR_FULL);
    allow(1, CACHE_REPAIR_FULL);
    make_zombie(0);
    be_sure();
    world_until(&w, n_launches() == 1);
    let_it_look();
    make_zombie(1);
    be_sure();
    world_until(&w, world_heard(&w, "workstation.healing") == 1);
    let_it_look();
    cr_expect_eq(n_launches(), 1);
    world_skip(&w, 3600000);
    world_until(&w, n_launches() == 2);
    let_it_look();
}

Test(ctl_healing, nothing_is_done_in_maintenance_mode)
{
    allow(0, CACHE_REPAIR_FULL);
    ctl_reconciler_set_maintenance(w.reconciler, true);
    make_zombie(0);
    be_sure();
    wait_for_retry();
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "");
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 0);
    ctl_reconciler_set_maintenance(w.reconciler, false);
    be_sure();
    world_until(&w, n_launches() == 1);
    let_it_look();
}

Test(ctl_healing, what_has_not_begun_is_cancelled_by_the_maintenance_mode)
{
    /* As many quits as there is room for. */
    fake_farm_answer(w.farm, "quit", FARM_HANG);
    struct world_answer other = world_do(&w, CACHE_OP_STOP, 4);
    (void)world_do(&w, CACHE_OP_STOP, 5);
    world_until(&w, fake_farm_n_hung(w.farm) == 2);
    allow(0, CACHE_REPAIR_FULL);
    make_zombie(0);
    be_sure();
    world_until(&w, ctl_engine_is_busy(w.engine, world_at(&w, 0)->id));
    ctl_reconciler_set_maintenance(w.reconciler, true);
    world_until(&w, !ctl_engine_is_busy(w.engine, world_at(&w, 0)->id));
    cr_expect_not_null(ctl_engine_find(w.engine, other.id), "what a person asked for stays");
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 2);
}

Test(ctl_healing, a_boot_is_left_alone_as_long_as_it_used_to_take)
{
    char id[UUID_SIZE];
    strcpy(id, world_at(&w, 0)->id);
    allow(0, CACHE_REPAIR_FULL);
    for (unsigned round = 0; round < 2; round++) {
        fake_farm_set(w.farm, 0, 0, -1, -1);
        world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
        fake_farm_set(w.farm, 0, 2, 100, 101);
        world_until(&w, world_state(&w, 0) == CACHE_STATE_BOOTING);
        if (round == 1)
            break;
        world_skip(&w, 200000);
        fake_farm_set(w.farm, 0, 1, 100, 101);
        world_until(&w, world_state(&w, 0) == CACHE_STATE_RUNNING);
    }
    cr_expect_eq(ctl_observer_care(w.observer, id)->n_boots, 1);
    world_skip(&w, 390000);
    be_sure();
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_STUCK);
    let_it_look();
    cr_expect_eq(fake_farm_count(w.farm, "quit"), 0, "twice as long as its last boot");
    world_skip(&w, 20000);
    be_sure();
    world_until(&w, fake_farm_count(w.farm, "quit") == 1);
    world_until(&w, n_launches() == 1);
    let_it_look();
}

Test(ctl_healing, a_vm_that_crashes_in_a_loop_is_told)
{
    for (int vm = 201; vm <= 203; vm++) {
        fake_farm_set(w.farm, 0, 1, 100, vm);
        world_look(&w);
    }
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 0);
    cr_expect(strstr(world_at(&w, 0)->reason, "and a new one came, 3 times in 10 minutes"), "%s",
              world_at(&w, 0)->reason);
    be_sure();
    world_until(&w, world_heard(&w, "instance.unhealthy") == 1);
    world_skip(&w, 600000);
    world_until(&w, world_heard(&w, "instance.healthy") == 1);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
}

Test(ctl_healing, a_start_that_cannot_succeed_is_told_and_not_repeated)
{
    fake_farm_set(w.farm, 0, 0, -1, -1);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_STOPPED);
    fake_farm_answer(w.farm, "launch", FARM_PARAMETER);
    allow(0, CACHE_REPAIR_RESTART);
    ctl_observer_set_local(w.observer, world_at(&w, 0)->id,
                           &(struct ctl_local){.desired = CACHE_DESIRED_RUNNING});
    world_until(&w, n_launches() == 1);
    world_until(&w, is_idle());
    world_skip(&w, 10001);
    world_until(&w, world_at(&w, 0)->quarantine.since != 0);
    cr_expect(strstr(world_at(&w, 0)->quarantine.reason, "would fail again"), "%s",
              world_at(&w, 0)->quarantine.reason);
    world_flush(&w);
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 1);
    cr_expect_eq(n_launches(), 1);
}

/* --- guests --- */

static void set_up_guests(void)
{
    world_init(&w);
    fake_farm_have(w.farm, "ld");
    fake_farm_put(w.farm, 0, "zero");
    fake_farm_set(w.farm, 0, 1, 100, 101);
    fake_farm_let_guests_answer(w.farm, true);
    w.has_reconciler = true;
    world_open(&w);
    world_until(&w, world_state(&w, 0) == CACHE_STATE_READY);
    allow(0, CACHE_REPAIR_RESTART);
}

TestSuite(ctl_healing_guests, .init = set_up_guests, .fini = tear_down, .timeout = 60);

static void fall_silent(void)
{
    fake_farm_let_guests_answer(w.farm, false);
    for (int i = 0; i < 3; i++) {
        unsigned before = fake_farm_count(w.farm, "ld");
        world_skip(&w, 30000);
        world_until(&w, fake_farm_count(w.farm, "ld") > before);
    }
}

Test(ctl_healing_guests, one_that_is_silent_is_asked_once_more_and_restarted)
{
    fall_silent();
    world_until(&w, n_launches() == 1);
    let_it_look();
    cr_expect_str_eq(fake_farm_log(w.farm), "quit 0; launch 0");
    cr_expect_eq(world_heard(&w, "instance.unhealthy"), 1);
}

Test(ctl_healing_guests, one_that_answers_when_it_is_asked_once_more_is_left_alone)
{
    fall_silent();
    world_until(&w, ctl_engine_is_busy(w.engine, world_at(&w, 0)->id));
    fake_farm_let_guests_answer(w.farm, true);
    let_it_look();
    struct cache_operation *op = operation_of(0);
    cr_expect_eq(op->kind, CACHE_OP_REPAIR);
    cr_expect_eq(op->status, CACHE_OP_SUCCEEDED);
    cache_operation_free(op);
    cr_expect_str_eq(fake_farm_log(w.farm), "");
    cr_expect_eq(world_state(&w, 0), CACHE_STATE_READY);
}
