/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/reporting/trouble.h"

static void expect_line(const char *type, const char *data, const char *line)
{
    char *json cleanup(mem_freep) = mem_printf("{\"seq\":7,\"data\":%s}", data);
    char *is cleanup(mem_freep) = svc_trouble_line(type, json, strlen(json));
    if (line)
        cr_expect_str_eq(is ? is : "nothing", line);
    else
        cr_expect_null(is, "%s", is);
}

Test(svc_trouble, an_operation_that_ends_badly_is_told)
{
    static const char data[] =
        "{\"id\":\"a-b\",\"kind\":\"start\",\"status\":\"timed_out\",\"error\":{\"code\":"
        "\"OPERATION_TIMED_OUT\",\"detail\":\"instance 1 'one': not done\",\"retryable\":true}}";
    expect_line("operation.timed_out", data,
                "start timed_out (operation a-b): OPERATION_TIMED_OUT: instance 1 'one': not done");
    expect_line("operation.failed", "{}", "  (operation ): : ");
    expect_line("operation.succeeded", data, NULL);
    expect_line("operation.cancelled", data, NULL);
}

Test(svc_trouble, an_instance_that_falls_ill_is_told_once)
{
    expect_line(
        "instance.changed",
        "{\"index\":1,\"name\":\"one\",\"state\":\"zombie\",\"changes\":{\"state\":{\"from\":"
        "\"running\",\"to\":\"zombie\"},\"state_reason\":{\"from\":\"\",\"to\":\"no VM\"}}}",
        "instance 1 'one' became zombie: no VM");
    expect_line(
        "instance.changed",
        "{\"index\":1,\"name\":\"one\",\"state\":\"zombie\",\"changes\":{\"pid\":{\"from\":1,"
        "\"to\":2}}}",
        NULL);
    expect_line("instance.changed",
                "{\"index\":1,\"name\":\"one\",\"changes\":{\"state\":{\"from\":\"zombie\","
                "\"to\":\"running\"}}}",
                NULL);
    expect_line("instance.added", "{\"index\":1}", NULL);
}
