/* SPDX-License-Identifier: MIT */
#include "service/agent/session.h"

#include <string.h>

#include "base/text/str.h"

/* Windows' names know no case; a name without a domain is that user of any. */
static bool is_wanted(const struct svc_session *s, const char *wanted)
{
    if (!*s->user)
        return false;
    const char *name = strrchr(s->user, '\\');
    name = name ? name + 1 : s->user;
    return !*wanted || str_is_equal_nocase(s->user, wanted) || str_is_equal_nocase(name, wanted);
}

static bool is_same(const struct svc_session *a, const struct svc_session *b)
{
    return b && a->id == b->id && (a->is_unnamed || str_is_equal_nocase(a->user, b->user));
}

static int rank(const struct svc_session *s)
{
    if (!s->is_active)
        return 0;
    return s->is_console ? 2 : 1;
}

const struct svc_session *svc_session_pick(const struct svc_session *sessions, size_t n,
                                           const char *wanted, const struct svc_session *current)
{
    const struct svc_session *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct svc_session *s = &sessions[i];
        if (is_same(s, current) && is_wanted(current, wanted))
            return s;
        if (!is_wanted(s, wanted))
            continue;
        if (!best || rank(s) > rank(best))
            best = s;
    }
    return best;
}
