/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "ldconsole/guard/purpose.h"

Test(ldc_purpose, says_what_a_verb_is_for)
{
    cr_assert_eq(ldc_purpose_of(LDC_VERB_LIST2, false), LDC_PURPOSE_LIST);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_LIST2, true), LDC_PURPOSE_LIST);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_COPY, false), LDC_PURPOSE_CREATE);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_ADD, true), LDC_PURPOSE_QUEUED_CREATE);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_REMOVE, true), LDC_PURPOSE_QUEUED_DELETE);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_LAUNCH, true), LDC_PURPOSE_QUEUED_START);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_QUIT, true), LDC_PURPOSE_QUEUED_STOP);
    cr_assert_eq(ldc_purpose_of(LDC_VERB_MODIFY, true), LDC_PURPOSE_RUN);
}

Test(ldc_purpose, names_each_and_its_like_without_the_queue)
{
    for (int i = 0; i < LDC_PURPOSE_COUNT; i++) {
        const char *name = ldc_purpose_name((enum ldc_purpose)i);
        const char *tail = strncmp(name, "queued-", 7) == 0 ? name + 7 : name;
        enum ldc_purpose unqueued = ldc_purpose_unqueued((enum ldc_purpose)i);
        cr_assert_str_eq(ldc_purpose_name(unqueued), tail);
    }
}
