/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "api/common/cacheable.h"
#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

Test(api_cacheable, a_key_is_that_of_its_row)
{
    char key[CACHE_KEY_MAX + 1], param[64];
    for (int i = 0; i < API_CACHEABLE_COUNT; i++) {
        api_cacheable_key(&api_cacheable_table[i], "some-id", key);
        cr_expect_eq((int)api_cacheable_of_key(key, param, sizeof(param)), i, "%s", key);
        bool has_param = strstr(api_cacheable_table[i].key, "{id}") != NULL;
        cr_expect_str_eq(param, has_param ? "some-id" : "");
    }
    cr_expect_eq(api_cacheable_of_key("nothing", param, sizeof(param)), API_CACHEABLE_COUNT);
}

/* What is kept where, and what makes it forgotten, stands in one table of the architecture. */
Test(api_cacheable, the_architecture_says_of_each_when_it_is_forgotten)
{
    struct buf text cleanup(buf_deinit) = {0};
    char *path cleanup(mem_freep) =
        mem_printf("%s/../../ARCHITECTURE.md", getenv("LDPLAYERD_TEST_DATA"));
    cr_assert_eq(fs_read(path, &text), 0, "%s", path);
    for (int i = 0; i < API_CACHEABLE_COUNT; i++) {
        const struct api_cacheable *row = &api_cacheable_table[i];
        char *key cleanup(mem_freep) = mem_printf("`%s`", row->key);
        char *end cleanup(mem_freep) = mem_printf("| %s |\n", row->forgotten);
        const char *line = strstr(text.data, key);
        cr_assert_not_null(line, "%s is in no table", key);
        size_t n = strcspn(line, "\n") + 1, n_end = strlen(end);
        cr_expect(n > n_end && strncmp(line + n - n_end, end, n_end) == 0, "%.*s", (int)n, line);
    }
}
