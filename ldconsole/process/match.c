/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/match.h"

enum ownership { FOREIGN, POSSIBLE, OWN };

static bool is_id(const struct ldc_process *p, const struct ldc_process_id *id)
{
    return p->pid == id->pid && p->born == id->born;
}

static bool is_elsewhere(const struct ldc_process *p, const char *dir)
{
    return p->image && !ldc_process_is_in(p, dir);
}

bool ldc_match_sees_neighbour(const struct ldc_processes *processes, const char *dir)
{
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        if ((p->role == LDC_PROCESS_PLAYER || p->role == LDC_PROCESS_MANAGER) &&
            is_elsewhere(p, dir))
            return true;
    }
    return false;
}

static bool is_older_than_disk(const struct ldc_process *p, const struct ldc_claim *claim)
{
    return claim->age_ms > 0 && p->age_ms > claim->age_ms;
}

/* By itself, without what else runs. What its command line says of another instance outweighs a
 * number that list2 names: numbers are given away again. */
static enum ownership look_at(const struct ldc_process *p, const char *dir,
                              const struct ldc_claim *claim)
{
    bool is_player = p->role == LDC_PROCESS_PLAYER;
    if ((!is_player && p->role != LDC_PROCESS_HEADLESS) ||
        (p->index >= 0 && p->index != claim->index))
        return FOREIGN;
    if (p->pid == (is_player ? claim->pid : claim->vbox_pid) ||
        is_id(p, is_player ? &claim->player : &claim->headless))
        return OWN;
    if (p->index < 0)
        return FOREIGN;
    if (ldc_process_is_in(p, dir))
        return OWN;
    /* The folder of a player is its installation's, if the system lets us see it; that of a VM is
     * shared by some. */
    if (is_older_than_disk(p, claim) ||
        (p->image && (is_player || (claim->vm_dir && !ldc_process_is_in(p, claim->vm_dir)))))
        return FOREIGN;
    return POSSIBLE;
}

/* How the VMs and players of one index stand to a VM that may be its own as well as another's. A VM
 * is started by its player, so that is not the younger one. */
struct company {
    bool has_own_player, has_neighbour;
    size_t n_foreign_players, n_foreign_vms, n_possible_vms;
};

static struct company look_around(const struct ldc_processes *processes, const char *dir,
                                  const struct ldc_claim *claim, const struct ldc_process *vm)
{
    struct company c = {
        .has_neighbour = claim->has_neighbour || ldc_match_sees_neighbour(processes, dir),
    };
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        enum ownership o = look_at(p, dir, claim);
        bool is_player = p->role == LDC_PROCESS_PLAYER && p->born <= vm->born;
        bool is_vm = p->role == LDC_PROCESS_HEADLESS;
        c.has_own_player |= is_player && o != FOREIGN;
        if (p->index != claim->index)
            continue;
        c.n_foreign_players += is_player && is_elsewhere(p, dir);
        c.n_foreign_vms += is_vm && o == FOREIGN;
        c.n_possible_vms += is_vm && o == POSSIBLE;
    }
    return c;
}

/* Without a neighbour its own player explains it. With one, nothing tells whose it is, but that
 * others' players that have no VM yet explain one each, unless its own player is there and list2
 * has lost sight of that. A VM without any player is whoever's: it outlives its player. */
static enum ownership judge_possible(const struct ldc_processes *processes, const char *dir,
                                     const struct ldc_claim *claim, const struct ldc_process *p)
{
    struct company c = look_around(processes, dir, claim, p);
    bool is_denied = claim->pid > 0 && claim->vbox_pid <= 0; /* list2 sees the player, and no VM */
    if (!c.has_neighbour && (p->role == LDC_PROCESS_PLAYER || c.has_own_player))
        return OWN;
    if (p->role == LDC_PROCESS_PLAYER || (c.has_own_player && !is_denied))
        return POSSIBLE;
    return c.n_possible_vms + c.n_foreign_vms <= c.n_foreign_players ? FOREIGN : POSSIBLE;
}

/* Rather the one that list2 names than the one we knew, rather that than any other. */
static bool is_better(const struct ldc_process *p, const struct ldc_process *than, int64_t listed,
                      const struct ldc_process_id *known)
{
    if (!than || p->pid == listed)
        return true;
    return than->pid != listed && is_id(p, known);
}

static void take(const struct ldc_process *p, const struct ldc_claim *claim, struct ldc_match *ret)
{
    if (p->role == LDC_PROCESS_PLAYER) {
        if (is_better(p, ret->player, claim->pid, &claim->player))
            ret->player = p;
    } else if (is_better(p, ret->headless, claim->vbox_pid, &claim->headless)) {
        ret->headless = p;
    }
}

void ldc_match_find(const struct ldc_processes *processes, const char *dir,
                    const struct ldc_claim *claim, struct ldc_match *ret)
{
    *ret = (struct ldc_match){0};
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        enum ownership o = look_at(p, dir, claim);
        if (o == POSSIBLE)
            o = judge_possible(processes, dir, claim, p);
        if (o == OWN)
            take(p, claim, ret);
        else if (o == POSSIBLE)
            ret->possible = p;
    }
    /* Whose the others are does not matter to one that has its own. */
    if (ret->headless)
        ret->possible = NULL;
}

bool ldc_match_owns(const struct ldc_processes *processes, const char *dir,
                    const struct ldc_claim *claim, const struct ldc_process *process)
{
    enum ownership o = look_at(process, dir, claim);
    return o == OWN || (o == POSSIBLE && judge_possible(processes, dir, claim, process) == OWN);
}
