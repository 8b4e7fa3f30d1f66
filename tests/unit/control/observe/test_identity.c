/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/text/str.h"
#include "control/observe/identity.h"

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
    cache_snapshot_put_one(snapshot, &i);
    cache_instance_deinit(&i);
}

/* Whether the row of INDEX with DISK_ID is the instance ID. */
static bool is_known_as(int index, const char *disk_id, const char *id)
{
    const struct cache_entry *entry = ctl_identity_find(snapshot, index, disk_id);
    return entry && strcmp(entry->instance.id, id) == 0;
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

Test(ctl_identity, unknown_index_is_a_new_instance)
{
    know(2, "11111111-1111-4111-8111-111111111111", "disk-a");
    cr_expect_null(ctl_identity_find(snapshot, 5, "disk-a"));
}
