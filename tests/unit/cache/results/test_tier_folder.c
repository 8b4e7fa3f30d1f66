/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "tests/support/folder.h"
#include "tests/unit/cache/results/tier_folder.h"
#include "tests/unit/cache/results/tier_suite.h"

static struct cache_tier *open_tier(struct loop *loop, void *arg)
{
    return tier_folder_new(loop, arg);
}

Test(cache_tier_folder, keeps_what_every_tier_promises)
{
    char *folder = folder_make();
    tier_suite_run(&(struct tier_suite){.open = open_tier, .arg = folder});
    folder_remove(folder);
}

Test(cache_tier_folder, files_of_others_are_no_values)
{
    struct loop loop;
    struct tier_node node;
    char *folder = folder_make();
    cr_assert_eq(loop_init(&loop), 0);
    folder_write(folder, "note.txt", "not mine");
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    tier_node_put(&node, "k", "x", 60000, 0);
    node.tier->ops->invalidate(node.tier, "*");
    tier_node_expect(&node, "k", NULL);
    char *text = folder_read(folder, "note.txt");
    cr_assert_str_eq(text, "not mine");
    mem_free(text);
    tier_node_deinit(&node);
    cr_assert_eq(loop_deinit(&loop), 0);
    folder_remove(folder);
}

/* The name of the one file in FOLDER that is not OTHER. */
static char *find_file(const char *folder, const char *other)
{
    uv_fs_t req;
    uv_dirent_t entry;
    char *name = NULL;
    cr_assert_geq(uv_fs_scandir(NULL, &req, folder, 0, NULL), 1);
    while (uv_fs_scandir_next(&req, &entry) == 0) {
        if (!other || strcmp(entry.name, other) != 0)
            name = mem_strdup(entry.name);
    }
    uv_fs_req_cleanup(&req);
    return name;
}

Test(cache_tier_folder, a_file_that_is_not_what_its_name_says_is_a_miss)
{
    struct loop loop;
    struct tier_node node;
    char *folder = folder_make();
    cr_assert_eq(loop_init(&loop), 0);
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    tier_node_put(&node, "a", "x", 60000, 0);
    tier_node_expect(&node, "a", "x");
    char *a = find_file(folder, NULL);
    tier_node_put(&node, "b", "y", 60000, 0);
    tier_node_expect(&node, "b", "y");
    char *b = find_file(folder, a), *path_a = fs_join(folder, a), *path_b = fs_join(folder, b);

    cr_assert_eq(fs_copy(path_a, path_b), 0);
    tier_node_expect(&node, "b", NULL);
    folder_write(folder, a, "no header, though it is as long as one would be at the least");
    tier_node_expect(&node, "a", NULL);
    tier_node_deinit(&node);
    cr_assert_eq(loop_deinit(&loop), 0);
    mem_free(path_a);
    mem_free(path_b);
    mem_free(a);
    mem_free(b);
    folder_remove(folder);
}

static void on_closing_get(void *arg, const struct cache_tier_item *item)
{
    struct tier_node *n = arg;
    struct tier_got got = {.n_done = 0};
    cr_assert_null(item);
    n->tier->ops->invalidate(n->tier, "*");
    n->tier->ops->get(n->tier, "k", tier_got_note, &got);
    cr_assert_eq(got.n_done, 1);
}

Test(cache_tier_folder, what_waits_is_bounded_and_nothing_begins_when_it_closes)
{
    enum { N = 1500 };
    struct loop loop;
    struct tier_node node;
    struct tier_got got = {.n_done = 0};
    char *folder = folder_make();
    cr_assert_eq(loop_init(&loop), 0);
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    node.tier->ops->get(node.tier, "k", on_closing_get, &node);
    for (int i = 0; i < N; i++)
        node.tier->ops->get(node.tier, "k", tier_got_note, &got);
    cr_assert_eq(got.n_done, N - 999);
    tier_node_put(&node, "k", "x", 60000, 0);
    cr_assert_eq(tier_node_health(&node).n_failed, N - 999 + 1);
    tier_node_deinit(&node);
    cr_assert_eq(got.n_done, N);
    cr_assert_eq(loop_deinit(&loop), 0);
    folder_remove(folder);
}

Test(cache_tier_folder, what_cannot_be_removed_is_never_seen_again)
{
    struct loop loop;
    struct tier_node node;
    char *parent = folder_make(), *folder = fs_join(parent, "values"),
         *aside = fs_join(parent, "aside");
    cr_assert_eq(loop_init(&loop), 0);
    cr_assert_eq(fs_make_dirs(folder), 0);
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    tier_node_put(&node, "k", "old", 60000, 0);
    tier_node_expect(&node, "k", "old");
    cr_assert_eq(fs_rename(folder, aside), 0);
    node.tier->ops->invalidate(node.tier, "k");
    tier_node_wait_down(&node);
    cr_assert_eq(fs_rename(aside, folder), 0);
    tier_node_expect(&node, "k", NULL);
    tier_node_put(&node, "k", "new", 60000, 0);
    tier_node_expect(&node, "k", "new");
    tier_node_deinit(&node);
    cr_assert_eq(loop_deinit(&loop), 0);
    mem_free(folder);
    mem_free(aside);
    folder_remove(parent);
}

Test(cache_tier_folder, a_file_that_cannot_be_read_may_be_what_was_to_go)
{
    struct loop loop;
    struct tier_node node;
    char *folder = folder_make(), *odd = fs_join(folder, "a-folder");
    cr_assert_eq(loop_init(&loop), 0);
    cr_assert_eq(fs_make_dirs(odd), 0);
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    node.tier->ops->invalidate(node.tier, "k");
    tier_node_put(&node, "k", "x", 60000, 0);
    tier_node_expect(&node, "k", NULL);
    cr_assert_eq(tier_node_health(&node).n_failed, 1);
    tier_node_deinit(&node);
    cr_assert_eq(loop_deinit(&loop), 0);
    mem_free(odd);
    folder_remove(folder);
}

Test(cache_tier_folder, a_folder_that_is_gone_is_told_and_nothing_else_happens)
{
    struct loop loop;
    struct tier_node node;
    char *parent = folder_make(), *folder = fs_join(parent, "values");
    cr_assert_eq(loop_init(&loop), 0);
    tier_node_init(&node, &loop, tier_folder_new(&loop, folder));
    tier_node_put(&node, "k", "x", 60000, 0);
    tier_node_wait_down(&node);
    cr_assert(strstr(tier_node_health(&node).detail, "no such file"), "%s",
              tier_node_health(&node).detail);
    cr_assert_eq(fs_make_dirs(folder), 0);
    tier_node_put(&node, "k", "y", 60000, 0);
    tier_node_expect(&node, "k", "y");
    cr_assert(tier_node_health(&node).is_up);
    cr_assert_eq(tier_node_health(&node).n_failed, 1);
    tier_node_deinit(&node);
    cr_assert_eq(loop_deinit(&loop), 0);
    mem_free(folder);
    folder_remove(parent);
}
