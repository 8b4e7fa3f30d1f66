/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>
#include <yyjson.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/json.h"
#include "base/text/str.h"
#include "cache/snapshot/instance.h"

static char *to_json(const struct cache_instance *i)
{
    struct buf out;
    buf_init(&out, 0);
    cache_instance_append_json(i, &out);
    (void)buf_append_str(&out, "}");
    return buf_take(&out, NULL);
}

static void set_text(char **text, const char *value)
{
    mem_free(*text);
    *text = mem_strdup(value);
}

/* Every field has a value of its own. */
static void fill(struct cache_instance *i)
{
    cache_instance_init(i);
    str_copy(i->id, sizeof(i->id), "0f6ee5b0-1c4c-4b0c-9f0e-2f6f5a0c7b11");
    i->index = 3;
    str_copy(i->name, sizeof(i->name), "Farm \"A\", \xe9\x9b\xb7\xe7\x94\xb5\t1");
    i->state = CACHE_STATE_RUNNING;
    str_copy(i->reason, sizeof(i->reason), "list2 says that Android is up");
    set_text(&i->evidence, "{\"android\":1}");
    i->desired = CACHE_DESIRED_RUNNING;
    i->repair = CACHE_REPAIR_FULL;
    i->quarantine = (struct cache_quarantine){1795184880123, "it \"fell\""};
    str_copy(i->adb_serial, sizeof(i->adb_serial), "emulator-5560");
    i->adb = (struct cache_adb){CACHE_VERIFIED_OTHER, CACHE_REACHABLE_YES, CACHE_ADB_DEBUG_LOCAL};
    i->pid = 100;
    i->vbox_pid = 200;
    i->top_window = -300;
    i->bind_window = INT64_C(5000000000);
    i->width = 960;
    i->height = 540;
    i->dpi = 160;
    i->settings.values[LDC_SETTING_CPU] = (struct ldc_setting_value){.is_set = true, .number = 2};
    i->settings.values[LDC_SETTING_MODEL] =
        (struct ldc_setting_value){.is_set = true, .text = "S\"10"};
    i->settings.values[LDC_SETTING_ROOT] = (struct ldc_setting_value){.is_set = true, .number = 0};
    i->settings.values[LDC_SETTING_AUTO_ROTATE] =
        (struct ldc_setting_value){.is_set = true, .number = 1};
    set_text(&i->labels, "{\"site\":\"north\"}");
    str_copy(i->group, sizeof(i->group), "blue");
    str_copy(i->revision, sizeof(i->revision), "r-1");
    str_copy(i->disk_id, sizeof(i->disk_id), "disk-1");
}

Test(cache_instance, json_has_the_fields_of_the_contract_in_order)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    fill(&i);
    char *json cleanup(mem_freep) = to_json(&i);
    cr_assert_str_eq(
        json,
        "{\"id\":\"0f6ee5b0-1c4c-4b0c-9f0e-2f6f5a0c7b11\",\"index\":3,"
        "\"name\":\"Farm \\\"A\\\", \xe9\x9b\xb7\xe7\x94\xb5\\u00091\","
        "\"state\":\"running\",\"state_reason\":\"list2 says that Android is up\","
        "\"evidence\":{\"android\":1},\"desired_state\":\"running\",\"repair\":\"full\","
        "\"quarantine\":{\"since\":\"2026-11-20T14:28:00.123Z\",\"reason\":\"it \\\"fell\\\"\"},"
        "\"adb_serial\":\"emulator-5560\",\"adb\":{\"serial\":\"emulator-5560\","
        "\"verified\":\"other\",\"reachable\":true,\"debug\":\"local\"},\"pid\":100,\"vbox_pid\":200,"
        "\"top_window\":-300,\"bind_window\":5000000000,"
        "\"resolution\":{\"width\":960,\"height\":540,\"dpi\":160},"
        "\"settings\":{\"cpu\":2,\"model\":\"S\\\"10\",\"auto_rotate\":true,"
        "\"root\":false},\"labels\":{\"site\":\"north\"},\"group\":\"blue\",\"revision\":\"r-1\"}");
}

Test(cache_instance, what_is_not_known_is_null)
{
    struct cache_instance i cleanup(cache_instance_deinit);
    cache_instance_init(&i);
    char *json cleanup(mem_freep) = to_json(&i);
    cr_assert_str_eq(
        json,
        "{\"id\":\"\",\"index\":0,\"name\":\"\",\"state\":\"unknown\","
        "\"state_reason\":\"\",\"evidence\":{},\"desired_state\":null,"
        "\"repair\":\"report\",\"quarantine\":null,\"adb_serial\":null,\"adb\":{\"serial\":null,"
        "\"verified\":\"unknown\",\"reachable\":null,\"debug\":\"unknown\"},"
        "\"pid\":null,\"vbox_pid\":null,"
        "\"top_window\":null,\"bind_window\":null,\"resolution\":null,"
        "\"settings\":{},\"labels\":{},\"group\":null,\"revision\":\"\"}");
}

Test(cache_instance, reading_gives_what_was_written)
{
    struct cache_instance before cleanup(cache_instance_deinit);
    struct cache_instance after cleanup(cache_instance_deinit) = {.index = 0};
    fill(&before);
    char *json cleanup(mem_freep) = to_json(&before);
    cr_assert_eq(cache_instance_from_json(json, &after), 0);
    char *again cleanup(mem_freep) = to_json(&after);
    cr_assert_str_eq(again, json);
    cr_assert(cache_instance_is_same(&before, &after));
    cr_assert_str_eq(after.disk_id, "", "not part of the JSON");
}

Test(cache_instance, settings_that_a_request_could_not_set_survive)
{
    struct cache_instance before cleanup(cache_instance_deinit);
    struct cache_instance after cleanup(cache_instance_deinit) = {.index = 0};
    fill(&before);
    before.settings.values[LDC_SETTING_CPU].number = 7;
    char *json cleanup(mem_freep) = to_json(&before);
    cr_assert_eq(cache_instance_from_json(json, &after), 0);
    cr_assert_eq(after.settings.values[LDC_SETTING_CPU].number, 7);
}

Test(cache_instance, text_that_is_no_instance_is_refused)
{
    static const char *const texts[] = {
        "",
        "not JSON",
        "[]",
        "{}",
        "{\"id\":\"\",\"index\":1,\"state\":\"ready\"}",
        "{\"id\":\"a\",\"index\":\"1\",\"state\":\"ready\"}",
        "{\"id\":\"a\",\"index\":1,\"state\":\"dancing\"}",
        "{\"id\":\"a\",\"index\":1}",
        "{\"index\":1,\"state\":\"ready\"}",
        "{\"id\":\"0123456789012345678901234567890123456\",\"index\":1,\"state\":\"ready\"}",
    };
    for (size_t t = 0; t < countof(texts); t++) {
        struct cache_instance i;
        cr_expect_eq(cache_instance_from_json(texts[t], &i), UV_EINVAL, "%s", texts[t]);
    }
}

Test(cache_instance, members_of_the_wrong_type_read_as_unknown)
{
    struct cache_instance i cleanup(cache_instance_deinit) = {.index = 0};
    cr_assert_eq(cache_instance_from_json(
                     "{\"id\":\"a\",\"index\":1,\"state\":\"ready\",\"name\":5,\"pid\":\"x\","
                     "\"resolution\":[],\"settings\":null,\"labels\":3,\"evidence\":\"y\","
                     "\"desired_state\":\"asleep\",\"more\":1}",
                     &i),
                 0);
    cr_assert_str_eq(i.name, "");
    cr_assert_eq(i.pid, 0);
    cr_assert_eq(i.width, 0);
    cr_assert_str_eq(i.labels, "{}");
    cr_assert_str_eq(i.evidence, "{}");
    cr_assert_eq(i.desired, CACHE_DESIRED_NONE);
}

Test(cache_instance, a_copy_is_independent_and_releases_what_it_replaces)
{
    struct cache_instance a cleanup(cache_instance_deinit), b cleanup(cache_instance_deinit);
    fill(&a);
    cache_instance_init(&b);
    cache_instance_copy(&b, &a);
    a.labels[0] = '[';
    a.evidence[0] = '[';
    cr_assert_str_eq(b.labels, "{\"site\":\"north\"}");
    cr_assert_str_eq(b.evidence, "{\"android\":1}");
    cr_assert_str_eq(b.disk_id, "disk-1");
    cache_instance_copy(&b, &a);
    cr_assert_eq(b.labels[0], '[');
}

Test(cache_instance, equal_instances_have_no_diff)
{
    struct cache_instance a cleanup(cache_instance_deinit), b cleanup(cache_instance_deinit);
    fill(&a);
    fill(&b);
    cr_assert_null(cache_instance_diff(&a, &b));
    set_text(&b.evidence, "{\"android\":1,\"again\":true}");
    cr_assert_null(cache_instance_diff(&a, &b), "evidence does not count");
    str_copy(b.disk_id, sizeof(b.disk_id), "disk-2");
    cr_assert_null(cache_instance_diff(&a, &b), "not part of the API");
    cr_assert(cache_instance_is_same(&a, &b));
}

Test(cache_instance, diff_names_each_field_with_both_values)
{
    struct cache_instance a cleanup(cache_instance_deinit), b cleanup(cache_instance_deinit);
    fill(&a);
    fill(&b);
    b.state = CACHE_STATE_STOPPED;
    b.pid = 0;
    b.settings.values[LDC_SETTING_CPU].number = 4;
    b.group[0] = '\0';
    char *diff cleanup(mem_freep) = cache_instance_diff(&a, &b);
    cr_assert_str_eq(diff, "{\"state\":{\"from\":\"running\",\"to\":\"stopped\"},"
                           "\"pid\":{\"from\":100,\"to\":null},"
                           "\"settings\":{\"from\":{\"cpu\":2,\"model\":\"S\\\"10\","
                           "\"auto_rotate\":true,\"root\":false},\"to\":{\"cpu\":4,"
                           "\"model\":\"S\\\"10\",\"auto_rotate\":true,\"root\":false}},"
                           "\"group\":{\"from\":\"blue\",\"to\":null}}");
}

/* Also checks that it renders the same text as the plain function. */
static uint64_t hash(const struct cache_instance *i)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    (void)buf_append_str(&text, "before");
    uint64_t found = cache_instance_render(i, &text);
    (void)buf_append_str(&text, "}");
    char *json cleanup(mem_freep) = to_json(i);
    cr_assert_str_eq(text.data + strlen("before"), json);
    return found;
}

/* One change a row, to each field of the API. */
static void change(struct cache_instance *i, size_t row)
{
    switch (row) {
    case 0:
        i->id[0] = 'z';
        break;
    case 1:
        i->index++;
        break;
    case 2:
        i->name[0] = 'G';
        break;
    case 3:
        i->state = CACHE_STATE_READY;
        break;
    case 4:
        i->reason[0] = 'L';
        break;
    case 5:
        i->desired = CACHE_DESIRED_NONE;
        break;
    case 6:
        i->adb_serial[0] = '\0';
        break;
    case 7:
        i->pid++;
        break;
    case 8:
        i->vbox_pid++;
        break;
    case 9:
        i->top_window++;
        break;
    case 10:
        i->bind_window++;
        break;
    case 11:
        i->width++;
        break;
    case 12:
        i->height++;
        break;
    case 13:
        i->dpi++;
        break;
    case 14:
        i->settings.values[LDC_SETTING_ROOT].number = 1;
        break;
    case 15:
        i->settings.values[LDC_SETTING_ROOT].is_set = false;
        break;
    case 16:
        i->settings.values[LDC_SETTING_MODEL].text[0] = 'T';
        break;
    case 17:
        set_text(&i->labels, "{}");
        break;
    case 18:
        i->adb.verified = CACHE_VERIFIED_OWN;
        break;
    case 19:
        i->adb.reachable = CACHE_REACHABLE_NO;
        break;
    case 20:
        i->adb.debug = CACHE_ADB_DEBUG_REMOTE;
        break;
    default:
        i->group[0] = 'g';
        break;
    }
}

Test(cache_instance, each_field_counts_for_sameness_diff_and_hash)
{
    for (size_t row = 0; row < 22; row++) {
        struct cache_instance a cleanup(cache_instance_deinit), b cleanup(cache_instance_deinit);
        fill(&a);
        fill(&b);
        change(&b, row);
        cr_expect_not(cache_instance_is_same(&a, &b), "row %zu", row);
        char *diff cleanup(mem_freep) = cache_instance_diff(&a, &b);
        cr_expect_not_null(diff, "row %zu", row);
        cr_expect_neq(hash(&a), hash(&b), "row %zu", row);
    }
}

Test(cache_instance, equal_content_has_an_equal_hash)
{
    struct cache_instance a cleanup(cache_instance_deinit), b cleanup(cache_instance_deinit);
    fill(&a);
    fill(&b);
    set_text(&b.evidence, "{}");
    cr_assert_eq(hash(&a), hash(&b));
}

Test(cache_instance, every_state_has_a_name_that_reads_back)
{
    static const char *const names[] = {"unknown", "stopped",    "starting", "booting",
                                        "running", "ready",      "stopping", "stuck",
                                        "zombie",  "unreachable"};
    cr_assert_eq(countof(names), CACHE_STATE_COUNT);
    for (int i = 0; i < CACHE_STATE_COUNT; i++) {
        enum cache_state state;
        cr_expect_str_eq(cache_state_name((enum cache_state)i), names[i]);
        cr_expect_eq(cache_state_parse(names[i], &state), 0);
        cr_expect_eq((int)state, i);
    }
    enum cache_state state = CACHE_STATE_STUCK;
    cr_assert_eq(cache_state_parse("Running", &state), UV_EINVAL);
    cr_assert_eq(cache_state_parse("", &state), UV_EINVAL);
    cr_assert_eq(state, CACHE_STATE_STUCK);
    cr_assert_str_eq(cache_desired_name(CACHE_DESIRED_STOPPED), "stopped");
    cr_assert_str_eq(cache_desired_name(CACHE_DESIRED_RUNNING), "running");
    cr_assert_null(cache_desired_name(CACHE_DESIRED_NONE));
}

/* Whether what I is now, after BEFORE, has another revision. */
static bool is_revised(const struct cache_instance *before, const struct cache_instance *i)
{
    struct cache_instance after cleanup(cache_instance_deinit) = {.index = 0};
    cache_instance_copy(&after, i);
    cache_instance_revise(&after, before);
    return strcmp(after.revision, before->revision) != 0;
}

Test(cache_instance, a_revision_is_of_what_callers_can_set)
{
    struct cache_instance before cleanup(cache_instance_deinit);
    struct cache_instance i cleanup(cache_instance_deinit) = {.index = 0};
    fill(&before);
    cache_instance_copy(&i, &before);
    i.state = CACHE_STATE_STOPPED;
    i.quarantine = (struct cache_quarantine){0};
    i.index = 9;
    i.pid = i.vbox_pid = i.top_window = i.bind_window = 0;
    i.adb_serial[0] = i.reason[0] = '\0';
    set_text(&i.evidence, "{}");
    cr_expect_not(is_revised(&before, &i), "what moves by itself");

    str_copy(i.group, sizeof(i.group), "red");
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    i.desired = CACHE_DESIRED_NONE;
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    i.repair = CACHE_REPAIR_REPORT;
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    i.dpi = 161;
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    i.settings.values[LDC_SETTING_CPU].number = 3;
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    i.settings.values[LDC_SETTING_CPU].is_set = false;
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    set_text(&i.labels, "{}");
    cr_expect(is_revised(&before, &i));
    cache_instance_copy(&i, &before);
    str_copy(i.name, sizeof(i.name), "x");
    cr_expect(is_revised(&before, &i));
}

Test(cache_instance, what_becomes_known_is_no_new_revision)
{
    struct cache_instance before cleanup(cache_instance_deinit);
    struct cache_instance i cleanup(cache_instance_deinit) = {.index = 0};
    fill(&before);
    cache_instance_copy(&i, &before);
    before.settings.values[LDC_SETTING_CPU].is_set = false;
    before.width = before.height = before.dpi = 0;
    cr_expect_not(is_revised(&before, &i));
}

Test(cache_instance, a_revision_does_not_come_again)
{
    struct cache_instance a cleanup(cache_instance_deinit);
    struct cache_instance b cleanup(cache_instance_deinit) = {.index = 0};
    fill(&a);
    cache_instance_copy(&b, &a);
    str_copy(b.group, sizeof(b.group), "red");
    cache_instance_revise(&b, &a);
    struct cache_instance c cleanup(cache_instance_deinit) = {.index = 0};
    cache_instance_copy(&c, &b);
    str_copy(c.group, sizeof(c.group), a.group);
    cache_instance_revise(&c, &b);
    cr_expect_str_neq(c.revision, a.revision);
    cr_expect_str_neq(c.revision, b.revision);
    cr_expect_eq(strlen(c.revision) + 1, sizeof(c.revision));
}
