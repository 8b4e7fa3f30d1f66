/* SPDX-License-Identifier: MIT */
#include "control/steps/newcomer.h"

#include <stdio.h>
#include <string.h>

/* A copy has the title of its source, and its own index behind that (reference 1.3). */
static bool is_made_of_source(const struct ctl_newcomers *n, const struct cache_instance *i)
{
    char title[LDC_TITLE_SIZE + 16];
    snprintf(title, sizeof(title), "%s-%d", n->source, i->index);
    return n->source[0] && (strcmp(i->name, n->source) == 0 || strcmp(i->name, title) == 0);
}

void ctl_newcomers_add(struct ctl_newcomers *n, const struct cache_instance *i, bool has_title,
                       bool is_behind)
{
    bool is_named = n->name[0] && strcmp(i->name, n->name) == 0;
    if (!is_named && is_behind)
        return;
    if (!is_named && has_title && !ldc_title_is_default(i->name, i->index) &&
        !is_made_of_source(n, i))
        return;
    if (i->index == n->returned)
        n->at_returned = i;
    if (is_named) {
        n->named = i;
        n->n_named++;
    } else {
        n->nameless = i;
        n->n_nameless++;
    }
}

const struct cache_instance *ctl_newcomers_choose(const struct ctl_newcomers *n)
{
    if (n->at_returned)
        return n->at_returned;
    if (n->name[0])
        return n->n_named == 1 ? n->named : NULL;
    bool is_awaited = n->returned >= 0 && !n->is_late;
    return n->n_nameless == 1 && !is_awaited ? n->nameless : NULL;
}
