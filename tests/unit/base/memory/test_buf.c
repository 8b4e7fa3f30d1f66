/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"

Test(buf, grows_and_stays_terminated)
{
    struct buf b;
    buf_init(&b, 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(buf_append(&b, "0123456789", 10), 0);
    cr_assert_eq(b.len, 10000);
    cr_assert_eq(strlen(b.data), 10000);
    buf_deinit(&b);
}

Test(buf, refuses_to_pass_its_maximum_and_appends_nothing_then)
{
    struct buf b;
    buf_init(&b, 4);
    cr_assert_eq(buf_append(&b, "abc", 3), 0);
    cr_assert_eq(buf_append(&b, "de", 2), UV_ENOBUFS);
    cr_assert_eq(buf_printf(&b, "%d", 42), UV_ENOBUFS);
    cr_assert_null(buf_reserve(&b, 2));
    cr_assert_str_eq(b.data, "abc");
    cr_assert_eq(buf_append(&b, "d", 1), 0, "exactly the maximum is allowed");
    cr_assert_str_eq(b.data, "abcd");
    buf_deinit(&b);
}

Test(buf, appends_numbers_in_decimal)
{
    struct buf b;
    buf_init(&b, 25);
    cr_assert_eq(buf_append_u64(&b, 0), 0);
    cr_assert_eq(buf_append(&b, " ", 1), 0);
    cr_assert_eq(buf_append_u64(&b, UINT64_MAX), 0);
    cr_assert_str_eq(b.data, "0 18446744073709551615");
    cr_assert_eq(buf_append_u64(&b, 1234), UV_ENOBUFS);
    cr_assert_str_eq(b.data, "0 18446744073709551615", "nothing is appended in part");
    buf_deinit(&b);
}

Test(buf, refuses_lengths_that_would_overflow)
{
    struct buf b;
    buf_init(&b, 100);
    (void)buf_append(&b, "x", 1);
    cr_assert_null(buf_reserve(&b, (size_t)-1));
    buf_deinit(&b);
}

Test(buf, keeps_its_maximum_after_deinit)
{
    struct buf b;
    buf_init(&b, 2);
    buf_deinit(&b);
    cr_assert_eq(buf_append(&b, "abc", 3), UV_ENOBUFS);
}

Test(buf, consume_moves_the_rest_to_the_front_and_terminates_it)
{
    struct buf b;
    buf_init(&b, 0);
    buf_consume(&b, 0);
    (void)buf_append_str(&b, "GET / HTTP");
    buf_consume(&b, 6);
    cr_assert_str_eq(b.data, "HTTP");
    cr_assert_eq(b.len, 4);
    buf_consume(&b, 4);
    cr_assert_str_eq(b.data, "");
    buf_deinit(&b);
}

Test(buf, clear_leaves_an_empty_string)
{
    struct buf b;
    buf_init(&b, 0);
    buf_clear(&b);
    (void)buf_append_str(&b, "old");
    buf_clear(&b);
    cr_assert_str_eq(b.data, "");
    cr_assert_eq(b.len, 0);
    buf_deinit(&b);
}

Test(buf, take_hands_over_the_bytes_even_when_there_are_none)
{
    struct buf b;
    size_t n;
    buf_init(&b, 0);
    char *nothing = buf_take(&b, &n);
    cr_assert_str_eq(nothing, "");
    cr_assert_eq(n, 0);
    (void)buf_printf(&b, "%s-%d", "x", 7);
    char *text = buf_take(&b, NULL);
    cr_assert_str_eq(text, "x-7");
    cr_assert_null(b.data);
    mem_free(nothing);
    mem_free(text);
}
