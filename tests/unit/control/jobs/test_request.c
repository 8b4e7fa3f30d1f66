/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/mem.h"
#include "base/text/str.h"
#include "control/jobs/request.h"

Test(ctl_request, everything_survives_writing_and_reading)
{
    struct ldc_settings settings = {
        .has_resolution = true, .width = 640, .height = 480, .dpi = 120};
    settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 4};
    settings.values[LDC_SETTING_ROOT] = (struct ldc_setting_value){.is_set = true, .number = 1};
    settings.values[LDC_SETTING_IMEI].is_set = true;
    str_copy(settings.values[LDC_SETTING_IMEI].text, LDC_SETTING_TEXT_MAX, "auto");
    static const enum cache_repair_mode repair = CACHE_REPAIR_OFF;
    static const struct cache_quarantine none;
    struct ctl_request request = {
        .kind = CACHE_OP_MODIFY,
        .revision = "0123456789abcdef",
        .name = "名前, \"x\"",
        .settings = &settings,
        .until_ready = true,
        .force = true,
        .ends_vm_service = true,
        .window = LDC_WINDOW_HIDDEN,
        .timeout_ms = 4000000000u,
        .begin_within_ms = 86400000,
        .local = {.labels = "{\"a\":\"b\"}",
                  .group = "farm",
                  .desired = CACHE_DESIRED_STOPPED,
                  .repair = &repair,
                  .quarantine = &none},
        .priority = CTL_PRIORITY_BATCH,
    };
    struct ctl_params p;
    const char *differing;
    char *json = ctl_request_write(&request);
    ctl_request_read(json, &p);
    mem_free(json);

    cr_expect_str_eq(p.revision, request.revision);
    cr_expect_str_eq(p.name, request.name);
    cr_expect(ldc_settings_hold(&settings, NULL, &p.settings, &differing));
    cr_expect(ldc_settings_hold(&p.settings, NULL, &settings, &differing));
    cr_expect(p.until_ready && p.force && p.ends_vm_service);
    cr_expect_eq(p.window, LDC_WINDOW_HIDDEN);
    cr_expect_eq(p.timeout_ms, 4000000000u);
    cr_expect_eq(p.begin_within_ms, 86400000);
    cr_expect_str_eq(p.labels, "{\"a\":\"b\"}");
    cr_expect(p.has_group);
    cr_expect_str_eq(p.group, "farm");
    cr_expect_eq(p.desired, CACHE_DESIRED_STOPPED);
    cr_expect(p.has_repair && p.ends_quarantine);
    cr_expect_eq(p.repair, CACHE_REPAIR_OFF);
    cr_expect_eq(p.priority, CTL_PRIORITY_BATCH);
    cr_expect(ctl_params_has_local(&p));
    ctl_params_deinit(&p);
}

Test(ctl_request, what_was_not_asked_stays_unasked)
{
    struct ctl_request request = {.kind = CACHE_OP_START, .local = {.desired = -1}};
    struct ctl_params p;
    char *json = ctl_request_write(&request);
    ctl_request_read(json, &p);
    mem_free(json);
    cr_expect_str_empty(p.revision);
    cr_expect_str_empty(p.name);
    cr_expect(ldc_settings_is_empty(&p.settings));
    cr_expect_not(p.until_ready || p.force || p.has_group || p.has_repair || p.ends_quarantine);
    cr_expect_eq(p.window, LDC_WINDOW_NORMAL);
    cr_expect_null(p.labels);
    cr_expect_eq(p.desired, -1);
    cr_expect_eq(p.timeout_ms, 0);
    cr_expect_eq(p.begin_within_ms, 0);
    cr_expect_eq(p.priority, CTL_PRIORITY_INTERACTIVE);
    cr_expect_not(ctl_params_has_local(&p));
    ctl_params_deinit(&p);
}

Test(ctl_request, an_emptied_group_is_not_an_absent_one)
{
    struct ctl_request request = {.kind = CACHE_OP_MODIFY, .local = {.group = "", .desired = -1}};
    struct ctl_params p;
    char *json = ctl_request_write(&request);
    ctl_request_read(json, &p);
    mem_free(json);
    cr_expect(p.has_group);
    cr_expect_str_empty(p.group);
    cr_expect(ctl_params_has_local(&p));
    ctl_params_deinit(&p);
}

Test(ctl_request, text_of_no_params_reads_as_none)
{
    struct ctl_params p;
    ctl_request_read("{}", &p);
    cr_expect_eq(p.desired, -1);
    cr_expect_not(ctl_params_has_local(&p));
    ctl_params_deinit(&p);
}
