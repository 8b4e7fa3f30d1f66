/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/reporting/eventlog.h"

Test(svc_eventlog, knows_what_administrators_are_to_hear_of)
{
    cr_expect_eq(svc_eventlog_find("service.started"), SVC_EVENTLOG_STARTED);
    cr_expect_eq(svc_eventlog_find("breaker.open"), SVC_EVENTLOG_BREAKER_OPEN);
    cr_expect_eq(svc_eventlog_find("breaker.half_open"), 0);
    cr_expect_eq(svc_eventlog_find("instance.changed"), 0);
    cr_expect_eq(svc_eventlog_level(SVC_EVENTLOG_STOPPED), SVC_EVENTLOG_INFO);
    cr_expect_eq(svc_eventlog_level(SVC_EVENTLOG_AGENT_REFUSED), SVC_EVENTLOG_WARNING);
    cr_expect_eq(svc_eventlog_level(SVC_EVENTLOG_CRASHED), SVC_EVENTLOG_ERROR);
    cr_expect_eq(svc_eventlog_level(SVC_EVENTLOG_SETUP_FAILED), SVC_EVENTLOG_ERROR);
}

Test(svc_eventlog, details_are_for_people)
{
    const char *json = "{\"seq\":7,\"data\":{\"name\":\"list2\",\"reason\":null,\"pid\":12,"
                       "\"elevated\":true}}";
    char *details cleanup(mem_freep) = svc_eventlog_details(json, strlen(json));
    cr_expect_str_eq(details, "name: list2\npid: 12\nelevated: true");
}

Test(svc_eventlog, an_event_without_data_has_no_details)
{
    static const char *const events[] = {"{\"data\":{}}", "{}", "torn"};
    for (size_t i = 0; i < countof(events); i++) {
        char *details cleanup(mem_freep) = svc_eventlog_details(events[i], strlen(events[i]));
        cr_expect_str_eq(details, "");
    }
}

Test(svc_eventlog, nothing_is_written_where_there_is_no_event_log)
{
    svc_eventlog_write(SVC_EVENTLOG_STARTED, "");
}

Test(svc_eventlog, percent_signs_of_strangers_are_not_expanded)
{
    char *plain cleanup(mem_freep) = svc_eventlog_plain("50% of C:\\%1\\%%1234%n %");
    cr_assert_str_eq(plain, "50% of C:\\\xEF\xBC\x85"
                            "1\\\xEF\xBC\x85\xEF\xBC\x85"
                            "1234%n %");
}
