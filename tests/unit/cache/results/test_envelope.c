/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/results/envelope.h"
#include "tests/unit/cache/dice.h"

static const char *join(const char *const *names)
{
    static char text[200];
    text[0] = '\0';
    for (; *names; names++) {
        strcat(text, *names);
        strcat(text, ",");
    }
    return text;
}

Test(cache_envelope, gives_back_the_value_and_its_names)
{
    static const struct {
        const char *value, *names[4], *joined;
    } rows[] = {
        {"{\"a\":1}", {"instance:1", "workstation:local"}, "instance:1,workstation:local,"},
        {"v", {NULL}, ""},
        {"", {"x"}, "x,"},
        {"v", {"", "x", ""}, "x,"},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct blob *value = blob_copy(rows[i].value, strlen(rows[i].value)), *opened = NULL;
        struct blob *sealed = cache_envelope_seal(value, rows[i].names);
        const char **names = NULL;
        cr_assert_eq(cache_envelope_open(sealed, &opened, &names), 0);
        cr_assert_str_eq(opened->data, rows[i].value);
        cr_assert_eq(opened->len, value->len);
        cr_assert_str_eq(join(names), rows[i].joined);
        mem_free(names);
        blob_unref(opened);
        blob_unref(sealed);
        blob_unref(value);
    }
}

Test(cache_envelope, takes_no_names_as_none)
{
    struct blob *value = blob_copy("a\0b", 3), *opened;
    struct blob *sealed = cache_envelope_seal(value, NULL);
    const char **names;
    cr_assert_eq(cache_envelope_open(sealed, &opened, &names), 0);
    cr_assert_eq(opened->len, 3);
    cr_assert_eq(memcmp(opened->data, "a\0b", 3), 0);
    cr_assert_null(names[0]);
    mem_free(names);
    blob_unref(opened);
    blob_unref(sealed);
    blob_unref(value);
}

static int open_bytes(const char *bytes, size_t n)
{
    struct blob *sealed = blob_copy(bytes, n), *value = NULL;
    const char **names = NULL;
    int r = cache_envelope_open(sealed, &value, &names);
    cr_assert_eq(r == 0, value != NULL);
    cr_assert_eq(r == 0, names != NULL);
    mem_free(names);
    blob_unref(value);
    blob_unref(sealed);
    return r;
}

Test(cache_envelope, refuses_what_is_none)
{
    cr_assert_eq(open_bytes("", 0), UV_EINVAL);
    cr_assert_eq(open_bytes("{}", 2), UV_EINVAL);
    cr_assert_eq(open_bytes("\1", 1), UV_EINVAL);
    cr_assert_eq(open_bytes("\1name", 5), UV_EINVAL);
    cr_assert_eq(open_bytes("\1name\0", 6), UV_EINVAL, "the empty name is missing");
    cr_assert_eq(open_bytes("\2\0v", 3), UV_EINVAL, "another version");
    cr_assert_eq(open_bytes("\1\0", 2), 0);
}

Test(cache_envelope, any_bytes_are_an_envelope_or_are_not)
{
    struct dice d;
    dice_init(&d);
    for (int i = 0; i < 100000; i++) {
        char bytes[24];
        size_t n = dice_below(&d, sizeof(bytes));
        for (size_t j = 0; j < n; j++)
            bytes[j] = "\1\0\0ab\xff"[dice_below(&d, 6)];
        (void)open_bytes(bytes, n);
    }
}
