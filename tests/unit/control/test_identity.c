/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/str.h"
#include "control/identity.h"

static struct cache_snapshot *snapshot;

static void set_up(void)
{
    snapshot = cache_snapshot_new(NULL, NULL);
}

static void tear_down(void)
{
    cache_snapshot_free(snapshot);
}

TestSuite(ctl_identity, .init = set_up, .fini = tear_down);

static void know(int index, const char *id, const char *disk_id)
{
    struct cache_instance i;
    cache_instance_init(&i);
    i.index = index;
    str_copy(i.id, sizeof(i.id), id);
    str_copy(i.disk_id, sizeof(i.disk_id), disk_id);
    str_copy(i.group, sizeof(i.group), "farm");
    cache_snapshot_put_one(snapshot, &i);
    cache_instance_deinit(&i);
}

/* Whether the row of INDEX with DISK_ID is the instance ID. */
static bool is_known_as(int index, const char *disk_id, const char *id)
{
    struct cache_instance i;
    cache_instance_init(&i);
    ctl_identity_find(snapshot, index, disk_id, &i);
    bool is_same = strcmp(i.id, id) == 0;
    cr_expect_eq(strlen(i.id), UUID_SIZE - 1);
    cr_expect_str_eq(i.group, is_same ? "farm" : "", "what is known comes along, or does not");
    cache_instance_deinit(&i);
    return is_same;
}

Test(ctl_identity, same_disk_is_the_same_instance)
{
    know(2, "11111111-1111-4111-8111-111111111111", "disk-a");
    cr_expect(is_known_as(2, "disk-a", "11111111-1111-4111-8111-111111111111"));
}

Test(ctl_identity, reused_index_with_another_disk_is_a_new_instance)
{
    know(2, "11111111-1111-4111-8111-111111111111", "disk-a");
    cr_expect_not(is_known_as(2, "disk-b", "11111111-1111-4111-8111-111111111111"));
}

Test(ctl_identity, without_a_disk_to_see_the_index_decides)
{
    know(2, "11111111-1111-4111-8111-111111111111", "disk-a");
    know(3, "22222222-2222-4222-8222-222222222222", "");
    cr_expect(is_known_as(2, "", "11111111-1111-4111-8111-111111111111"));
    cr_expect(is_known_as(3, "disk-c", "22222222-2222-4222-8222-222222222222"));
}

Test(ctl_identity, unknown_index_gets_a_new_id_each_time)
{
    struct cache_instance a, b;
    cache_instance_init(&a);
    cache_instance_init(&b);
    ctl_identity_find(snapshot, 5, "disk-a", &a);
    ctl_identity_find(snapshot, 5, "disk-a", &b);
    cr_expect_str_neq(a.id, b.id);
    cache_instance_deinit(&a);
    cache_instance_deinit(&b);
}
