/* SPDX-License-Identifier: MIT */
#include "control/admission/retry.h"

#include <uv.h>

enum { FIRST_PAUSE_MS = 500, MAX_PAUSE_MS = 10000, FIFTHS = 5 };

void ctl_retry_init(struct ctl_retry_budget *budget)
{
    budget->fifths = CTL_RETRY_BURST * FIFTHS;
}

void ctl_retry_earn(struct ctl_retry_budget *budget)
{
    if (budget->fifths < CTL_RETRY_BURST * FIFTHS)
        budget->fifths++;
}

bool ctl_retry_spend(struct ctl_retry_budget *budget)
{
    if (budget->fifths < FIFTHS)
        return false;
    budget->fifths -= FIFTHS;
    return true;
}

/* Want of memory, handles or processes, and a program that somebody writes or reads at the moment:
 * an update, or a virus scanner. What libuv has no name for are, on Windows, the limits of commit
 * (1455), of quotas (1816) and of the kernel (1450). */
bool ctl_retry_is_passing(int error)
{
    return error == UV_EAGAIN || error == UV_ENOMEM || error == UV_EMFILE || error == UV_ENFILE ||
           error == UV_EBUSY || error == UV_ETXTBSY || error == UV_UNKNOWN;
}

uint64_t ctl_retry_pause_ms(unsigned n, uint32_t random)
{
    uint64_t pause_ms = FIRST_PAUSE_MS;
    for (; n > 0 && pause_ms < MAX_PAUSE_MS; n--)
        pause_ms *= 2;
    if (pause_ms > MAX_PAUSE_MS)
        pause_ms = MAX_PAUSE_MS;
    return pause_ms - random % (pause_ms / 2 + 1);
}
