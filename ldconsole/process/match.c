/* SPDX-License-Identifier: MIT */
#include "ldconsole/process/match.h"

enum ownership { FOREIGN, POSSIBLE, OWN };

static bool is_id(const struct ldc_process *p, const struct ldc_process_id *id)
{
    return p->pid == id->pid && p->born == id->born;
}

/* Players of the same index in other folders: each may have one VM that says this index. */
static size_t count_foreign_players(const struct ldc_processes *processes, const char *dir,
                                    int index)
{
    size_t n = 0;
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        n += p->role == LDC_PROCESS_PLAYER && p->index == index && p->image &&
             !ldc_process_is_in(p, dir);
    }
    return n;
}

/* By itself, without what else runs. */
static enum ownership look_at(const struct ldc_process *p, const char *dir,
                              const struct ldc_claim *claim)
{
    bool is_player = p->role == LDC_PROCESS_PLAYER;
    if (!is_player && p->role != LDC_PROCESS_HEADLESS)
        return FOREIGN;
    if (p->pid == (is_player ? claim->pid : claim->vbox_pid) ||
        is_id(p, is_player ? &claim->player : &claim->headless))
        return OWN;
    if (p->index != claim->index)
        return FOREIGN;
    if (ldc_process_is_in(p, dir))
        return OWN;
    /* The folder of a player is its installation's, if the system lets us see it; that of a VM is
     * shared by some. */
    if (p->image && (is_player || (claim->vm_dir && !ldc_process_is_in(p, claim->vm_dir))))
        return FOREIGN;
    return POSSIBLE;
}

/* A VM is started by its player, so it is not the older one. */
static bool has_player_for(const struct ldc_processes *processes, const char *dir,
                           const struct ldc_claim *claim, const struct ldc_process *vm)
{
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *p = &processes->items[i];
        if (p->role == LDC_PROCESS_PLAYER && p->born <= vm->born &&
            look_at(p, dir, claim) != FOREIGN)
            return true;
    }
    return false;
}

/* One that may be its own as well as another's. The others' players may explain it; else its own
 * player does. A VM without any player is whoever's: it outlives its player, and no installation is
 * told by it. */
static enum ownership judge_possible(const struct ldc_processes *processes, const char *dir,
                                     const struct ldc_claim *claim, const struct ldc_process *p)
{
    size_t n_possible = 0, n_foreign = count_foreign_players(processes, dir, claim->index);
    for (size_t i = 0; i < processes->n_items; i++) {
        const struct ldc_process *other = &processes->items[i];
        n_possible += other->role == p->role && look_at(other, dir, claim) == POSSIBLE;
    }
    if (n_foreign > 0)
        return n_possible <= n_foreign ? FOREIGN : POSSIBLE;
    return p->role == LDC_PROCESS_PLAYER || has_player_for(processes, dir, claim, p) ? OWN
                                                                                     : POSSIBLE;
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
