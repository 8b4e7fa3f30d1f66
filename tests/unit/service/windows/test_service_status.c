/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "service/windows/service_code.h"
#include "service/windows/service_status.h"

static const struct svc_service_status running = {
    .state = "running",
    .start_type = "automatic (delayed)",
    .pid = 1234,
    .command = "\"C:\\p\\ldplayerd.exe\" service run",
    .data_dir = "C:\\d",
};

static const struct svc_service_status failed = {
    .state = "stopped",
    .start_type = "manual",
    .exit_code = 1066,
    .specific_code = SVC_SCM_EXIT_ADDRESS_USED,
    .command = "x",
};

Test(svc_service_status, says_what_runs_and_where_its_files_are)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_service_status_text(&running, &out);
    cr_expect_str_eq(out.data, "state        running\n"
                               "process      1234\n"
                               "start        automatic (delayed)\n"
                               "exit code    0\n"
                               "command      \"C:\\p\\ldplayerd.exe\" service run\n"
                               "data         C:\\d\n"
                               "config file  -\n");
}

Test(svc_service_status, says_what_an_exit_code_of_ours_means)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_service_status_text(&failed, &out);
    cr_expect_not_null(strstr(out.data, "exit code    4 (another program listens"));
    cr_expect_null(strstr(out.data, "process"));
}

Test(svc_service_status, is_json_for_programs)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_service_status_json(&failed, &out);
    cr_expect_not_null(strstr(out.data, "\"specific_code\":4,\"meaning\":\"another program"));
    cr_expect_not_null(strstr(out.data, "\"data_dir\":null"));
    cr_expect_eq(out.data[out.len - 1], '\n');
}

Test(svc_service_status, every_reason_of_a_failed_start_has_a_meaning)
{
    static const int reasons[] = {UV_EBUSY,  UV_EADDRINUSE, UV_EADDRNOTAVAIL,
                                  UV_EACCES, UV_EPERM,      UV_EIO};
    for (size_t i = 0; i < countof(reasons); i++)
        cr_expect_not_null(svc_service_code_meaning(svc_service_code_of(reasons[i])));
    cr_expect_not_null(svc_service_code_meaning(SVC_SCM_EXIT_CONFIG));
    cr_expect_null(svc_service_code_meaning(0));
    cr_expect_null(svc_service_code_meaning(7));
    cr_expect_null(svc_service_code_meaning(-1));
}
