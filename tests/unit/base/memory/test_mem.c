/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

Test(mem, gives_zeroed_bytes)
{
    char *p cleanup(mem_freep) = mem_alloc(64);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(p[i], 0);
}

Test(mem, copies_strings_and_no_further_than_their_end)
{
    char *whole cleanup(mem_freep) = mem_strdup("abc");
    char *part cleanup(mem_freep) = mem_strndup("abc", 2);
    char *all cleanup(mem_freep) = mem_strndup("abc", 100);
    cr_assert_str_eq(whole, "abc");
    cr_assert_str_eq(part, "ab");
    cr_assert_str_eq(all, "abc");
    cr_assert_null(mem_strdup(NULL));
    cr_assert_null(mem_strndup(NULL, 3));
}

Test(mem, formats)
{
    char *text cleanup(mem_freep) = mem_printf("%s:%d", "port", 8765);
    cr_assert_str_eq(text, "port:8765");
}

Test(mem, grows_by_doubling)
{
    size_t cap = 0;
    int *items = NULL;
    for (size_t n = 0; n < 100; n++) {
        items = mem_grow(items, n, &cap, sizeof(*items));
        items[n] = (int)n;
    }
    cr_assert_eq(cap, 128);
    cr_assert_eq(items[99], 99);
    mem_free(items);
}
