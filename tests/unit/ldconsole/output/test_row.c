/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/buf.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/output/row.h"
#include "tests/support/folder.h"

static struct ldc_rows rows;

static enum ldc_list_outcome parse(const char *text)
{
    return ldc_rows_parse(text, strlen(text), LDC_CODEPAGE_SYSTEM, NULL, NULL, &rows);
}

/* ARG is a NULL-terminated list of titles, by index; "" for a config without a title. */
static const char *title_of(const void *arg, int index)
{
    const char *const *titles = arg;
    for (int i = 0; titles[i]; i++) {
        if (i == index)
            return titles[i];
    }
    return NULL;
}

static enum ldc_list_outcome parse_with(const char *text, const char *const *titles)
{
    return ldc_rows_parse(text, strlen(text), LDC_CODEPAGE_SYSTEM, title_of, titles, &rows);
}

/* The file is one of tests/data/ldconsole/list2. */
static enum ldc_list_outcome parse_file(const char *name)
{
    char *path cleanup(mem_freep) = mem_printf("ldconsole/list2/%s.txt", name);
    char *text cleanup(mem_freep) = folder_read(getenv("LDPLAYERD_TEST_DATA"), path);
    cr_assert_not_null(text, "%s", path);
    return parse(text);
}

static const struct ldc_row *find_row(const struct ldc_rows *list, int index)
{
    for (size_t i = 0; i < list->n_items; i++) {
        if (list->items[i].index == index)
            return &list->items[i];
    }
    return NULL;
}

static void assert_title(int index, const char *title)
{
    const struct ldc_row *row = find_row(&rows, index);
    cr_assert_not_null(row, "no row %d", index);
    cr_assert_str_eq(row->title, title);
}

Test(ldc_title, the_default_has_the_index_behind_it)
{
    cr_expect(ldc_title_is_default("LDPlayer", 0));
    cr_expect(ldc_title_is_default("雷电模拟器-3", 3));
    cr_expect_not(ldc_title_is_default("LDPlayer", 1));
    cr_expect_not(ldc_title_is_default("LDPlayer-3", 4));
    cr_expect_not(ldc_title_is_default("mine-3", 3));
}

Test(ldc_rows, reads_ten_columns)
{
    cr_assert_eq(parse_file("ld9-utf8"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 10);
    cr_assert_eq(rows.n_items, 2);
    cr_assert_eq(rows.n_bad_lines, 0);
    const struct ldc_row *row = find_row(&rows, 0);
    cr_assert_str_eq(row->title, "雷电模拟器");
    cr_assert_eq(row->top_window, 28053900);
    cr_assert_eq(row->bind_window, 42935798);
    cr_assert_eq(row->android, 1);
    cr_assert_eq(row->pid, 59776);
    cr_assert_eq(row->vbox_pid, 36816);
    cr_assert_eq(row->width, 1280);
    cr_assert_eq(row->height, 720);
    cr_assert_eq(row->dpi, 240);
    cr_assert_eq(find_row(&rows, 1)->pid, -1);
    cr_assert_null(find_row(&rows, 2));
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, reads_seven_columns)
{
    cr_assert_eq(parse_file("ld3-seven-columns"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 7);
    const struct ldc_row *row = find_row(&rows, 0);
    cr_assert_eq(row->top_window, 2032678);
    cr_assert_eq(row->android, 1);
    cr_assert_eq(row->pid, 7456);
    cr_assert_eq(row->vbox_pid, 3500);
    cr_assert_eq(row->width, 0);
    assert_title(1, "farm 2");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, reads_gbk)
{
    cr_assert_eq(parse_file("ld9-gbk"), LDC_LIST_OK);
    assert_title(0, "雷电模拟器");
    assert_title(3, "联通-3");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, keeps_commas_in_titles)
{
    cr_assert_eq(parse_file("ld9-commas-in-titles"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 10);
    assert_title(0, "a,b");
    assert_title(1, "1,2,3,4,5,6,7,8,9");
    assert_title(2, "");
    assert_title(4, "\",\"");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, does_not_take_a_title_that_ends_in_numbers_for_more_columns)
{
    cr_assert_eq(parse_file("ld3-commas-in-titles"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 7);
    assert_title(1, "a,b");
    assert_title(2, "x,1,2,3");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, bears_numeric_titles)
{
    cr_assert_eq(parse("0,12345,0,0,0,-1,-1\r\n1,-7,0,0,0,-1,-1\r\n"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 7);
    assert_title(0, "12345");
    assert_title(1, "-7");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, bears_disorder_gaps_repeats_and_the_phantom)
{
    cr_assert_eq(parse_file("disorder-gaps-and-repeats"), LDC_LIST_TORN);
    cr_assert_eq(rows.n_items, 3);
    cr_assert_eq(rows.n_bad_lines, 1, "two rows of 2 contradict each other");
    cr_assert_str_eq(rows.bad, "2,again,0,0,0,-1,-1,960,540,160");
    assert_title(1000, "big");
    assert_title(2, "same");
    assert_title(0, "same");
    cr_assert_null(find_row(&rows, 99999));
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, the_same_row_twice_is_one)
{
    cr_assert_eq(parse("0,a,0,0,0,-1,-1\r\n1,b,0,0,1,5,6\r\n0,a,0,0,0,-1,-1\r\n"), LDC_LIST_OK);
    cr_assert_eq(rows.n_items, 2);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, the_first_broken_row_is_quoted)
{
    cr_assert_eq(parse("0,a,0,0,0,-1,-1,960,540,160\r\n1,b,0\r\n2,c,0,0"), LDC_LIST_TORN);
    cr_assert_eq(rows.n_bad_lines, 2);
    cr_assert_str_eq(rows.bad, "1,b,0");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, counts_a_torn_last_row)
{
    cr_assert_eq(parse_file("truncated-row"), LDC_LIST_TORN);
    cr_assert_eq(rows.n_items, 1);
    cr_assert_eq(rows.n_bad_lines, 1);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, takes_a_whole_last_row_without_line_end)
{
    cr_assert_eq(parse_file("truncated-line-end"), LDC_LIST_OK);
    cr_assert_eq(rows.n_items, 2);
    cr_assert_eq(rows.n_bad_lines, 0);
    ldc_rows_deinit(&rows);
    cr_assert_eq(parse("0,one,0,0,0,-1,-1,960,540,160"), LDC_LIST_OK);
    cr_assert_eq(rows.columns, 10);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, reads_lf_a_byte_order_mark_and_empty_lines)
{
    cr_assert_eq(parse("\xef\xbb\xbf\n0,a,0,0,0,-1,-1\n\n1,b,0,0,0,-1,-1\n"), LDC_LIST_OK);
    cr_assert_eq(rows.n_items, 2);
    cr_assert_eq(rows.n_bad_lines, 0);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, tells_empty_from_usage_from_garbage)
{
    static const struct {
        const char *text;
        enum ldc_list_outcome outcome;
    } cases[] = {
        {"", LDC_LIST_EMPTY},
        {"\r\n  \r\n", LDC_LIST_EMPTY},
        {"player don't exist!", LDC_LIST_USAGE},
        {"parameter error!\r\n", LDC_LIST_USAGE},
        {"dnplayer Command Line Management Interface\r\nAll rights reserved.\r\n", LDC_LIST_USAGE},
        {"hello\r\n", LDC_LIST_GARBAGE},
        {"0,a,0,0,0,-1\r\n", LDC_LIST_GARBAGE},
        {"-1,a,0,0,0,-1,-1\r\n", LDC_LIST_GARBAGE},
        {"x,a,0,0,0,-1,-1\r\n", LDC_LIST_GARBAGE},
        {"99999999999,a,0,0,0,-1,-1\r\n", LDC_LIST_GARBAGE},
        {",,,,,,,\r\n", LDC_LIST_GARBAGE},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_assert_eq(parse(cases[i].text), cases[i].outcome, "%s", cases[i].text);
        cr_assert_eq(rows.n_items, 0);
        ldc_rows_deinit(&rows);
    }
    cr_assert_eq(parse_file("ld14-usage"), LDC_LIST_USAGE);
    cr_assert_eq(parse_file("garbage"), LDC_LIST_GARBAGE);
    cr_assert_eq(rows.n_bad_lines, 0);
    cr_assert_eq(rows.n_noise_lines, 3);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, a_title_that_quotes_the_banner_is_no_usage_text)
{
    cr_assert_eq(parse("0,Command Line Management Interface,0,0,0,-1,-1\r\n"), LDC_LIST_OK);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, keeps_rows_between_lines_that_are_none)
{
    cr_assert_eq(parse("warning\r\n0,a,0,0,0,-1,-1,960,540,160\r\n???\r\n"), LDC_LIST_OK);
    cr_assert_eq(rows.n_items, 1);
    cr_assert_eq(rows.n_bad_lines, 0);
    cr_assert_eq(rows.n_noise_lines, 2);
    cr_assert_str_eq(rows.noise, "warning");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, noise_is_no_part_of_the_list)
{
    static const char *const noise[] = {
        "Active code page: 65001\r\n%s",
        "Aktive Codepage: 1252.\r\n\r\n%s",
        "%swarning: something is wrong, 1,2,3,4,5\r\n",
        "%sC:\\>",
        "dnplayer Command Line Management Interface\r\nAll rights reserved.\r\n%s",
        "\xef\xbb\xbfnote\r\n\xef\xbb\xbf%s",
    };
    for (size_t i = 0; i < countof(noise); i++) {
        struct buf text cleanup(buf_deinit);
        buf_init(&text, 0);
        (void)buf_printf(&text, noise[i],
                         "0,a,0,0,0,-1,-1,960,540,160\r\n"
                         "1,b,0,0,0,-1,-1,960,540,160\r\n");
        cr_assert_eq(parse(text.data), LDC_LIST_OK, "%s", text.data);
        cr_assert_eq(rows.n_items, 2, "%s", text.data);
        cr_assert_eq(rows.n_bad_lines, 0, "%s", text.data);
        cr_assert_gt(rows.n_noise_lines, 0, "%s", text.data);
        ldc_rows_deinit(&rows);
    }
}

Test(ldc_rows, only_broken_rows_tear_a_list)
{
    static const char *const broken[] = {
        "0,a,0,0,0,-1,-1,960,540,160\r\n1",
        "0,a,0,0,0,-1,-1,960,540,160\r\n1,b,0,0\r\n",
        "0,a,0,0,0,-1,-1,960,540,160\r\n1,b,0,0,0,-1,-1,960\r\n",
        "0,a,0,0,0,-1,-1,960,540,160\r\n1,b,5,0,0,0,-1,-1,960,540",
        "1,b,x,y,0,-1,-1,960,540,160\r\n0,a,0,0,0,-1,-1,960,540,160\r\n",
    };
    for (size_t i = 0; i < countof(broken); i++) {
        cr_assert_eq(parse(broken[i]), LDC_LIST_TORN, "%s", broken[i]);
        cr_assert_eq(rows.n_items, 1, "%s", broken[i]);
        cr_assert_eq(rows.n_bad_lines, 1, "%s", broken[i]);
        cr_assert_eq(rows.n_noise_lines, 0, "%s", broken[i]);
        assert_title(0, "a");
        ldc_rows_deinit(&rows);
    }
}

static void assert_row(int index, const char *title, int64_t pid, int height, int dpi)
{
    const struct ldc_row *row = find_row(&rows, index);
    assert_title(index, title);
    cr_assert_eq(row->pid, pid, "pid %d", (int)row->pid);
    cr_assert_eq(row->height, height, "height %d", row->height);
    cr_assert_eq(row->dpi, dpi, "dpi %d", row->dpi);
}

Test(ldc_rows, ignores_columns_behind_those_it_knows)
{
    static const char *const further[] = {",60", ",60,1", ",on", ",", ",on,60,", ",-1", ",0.5,x"};
    for (size_t i = 0; i < countof(further); i++) {
        struct buf text cleanup(buf_deinit);
        buf_init(&text, 0);
        (void)buf_printf(&text,
                         "0,LDPlayer,2032678,1704928,1,7456,3500,960,540,160%s\r\n"
                         "1,x,3,0,0,0,-1,-1,1280,720,240%s\r\n"
                         "2,a,b,100,200,2,77,-1,1280,720,240%s\r\n",
                         further[i], further[i], further[i]);
        cr_assert_eq(parse(text.data), LDC_LIST_OK, "%s", text.data);
        assert_row(0, "LDPlayer", 7456, 540, 160);
        assert_row(1, "x,3", -1, 720, 240);
        assert_row(2, "a,b", 77, 720, 240);
        cr_assert_gt(rows.columns, 10);
        ldc_rows_deinit(&rows);
    }
}

Test(ldc_rows, ignores_columns_behind_those_it_knows_of_one_row)
{
    cr_assert_eq(parse("0,x,0,0,0,-1,-1,960,540,160,60\r\n"), LDC_LIST_OK);
    assert_row(0, "x", -1, 540, 160);
    cr_assert_eq(rows.columns, 11);
    ldc_rows_deinit(&rows);
    cr_assert_eq(parse("0,farm,1,28053900,42935798,1,59776,36816,1280,720,240\r\n"), LDC_LIST_OK);
    assert_row(0, "farm,1", 59776, 720, 240);
    cr_assert_eq(rows.columns, 10);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, titles_that_all_end_in_numbers_are_no_further_column)
{
    cr_assert_eq(parse("0,farm,1,0,0,0,-1,-1,960,540,160\r\n1,farm,2,0,0,0,-1,-1,960,540,160\r\n"),
                 LDC_LIST_OK);
    assert_row(1, "farm,2", -1, 540, 160);
    ldc_rows_deinit(&rows);
    cr_assert_eq(parse("0,farm,1,0,0,0,-1,-1\r\n1,farm,2,0,0,0,-1,-1\r\n"), LDC_LIST_OK);
    assert_row(1, "farm,2", -1, 0, 0);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, a_known_title_decides_what_the_numbers_leave_open)
{
    static const char text[] = "0,x,1,0,0,0,-1,-1,7\r\n";
    cr_assert_eq(parse(text), LDC_LIST_UNKNOWN_FORMAT);
    ldc_rows_deinit(&rows);
    cr_assert_eq(parse_with(text, (const char *[]){"x,1", NULL}), LDC_LIST_OK);
    assert_row(0, "x,1", -1, 0, 0);
    cr_assert_eq(rows.columns, 8);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, a_known_title_that_contradicts_makes_the_format_unknown)
{
    static const char text[] = "0,LDPlayer,7,0,0,0,-1,-1,960,540,160\r\n"
                               "1,one,7,0,0,0,-1,-1,960,540,160\r\n";
    static const char *const none[] = {NULL}, *const defaults[] = {"", NULL},
                             *const titles[] = {"zero", "one", NULL};
    cr_assert_eq(parse_with(text, none), LDC_LIST_OK);
    assert_title(0, "LDPlayer,7");
    ldc_rows_deinit(&rows);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(parse_with(text, i ? titles : defaults), LDC_LIST_UNKNOWN_FORMAT);
        cr_assert_eq(rows.n_items, 0);
        cr_assert_eq(rows.n_strange_fields, 11);
        cr_assert_str_eq(rows.bad, "0,LDPlayer,7,0,0,0,-1,-1,960,540,160");
        ldc_rows_deinit(&rows);
    }
}

Test(ldc_rows, a_title_that_was_just_changed_outvotes_nobody)
{
    static const char *const titles[] = {"a", "b", "c", NULL};
    cr_assert_eq(parse_with("0,a,0,0,0,-1,-1,960,540,160\r\n1,b,9,0,0,0,-1,-1,960,540,160\r\n"
                            "2,c,0,0,0,-1,-1,960,540,160\r\n",
                            titles),
                 LDC_LIST_OK);
    assert_title(1, "b,9");
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, columns_that_are_other_ones_are_an_unknown_format)
{
    static const char *const texts[] = {
        "0,LDPlayer,stopped,none,0,-1,960x540\r\n",
        "0,LDPlayer,0,0,stopped,-1,-1,960,540,x,160\r\n1,LDPlayer-1,0,0,stopped,-1,-1,960,540,x,1\r\n",
    };
    for (size_t i = 0; i < countof(texts); i++) {
        cr_assert_eq(parse(texts[i]), LDC_LIST_UNKNOWN_FORMAT, "%s", texts[i]);
        cr_assert_eq(rows.n_items, 0);
        cr_assert(str_has_prefix(rows.bad, "0,LDPlayer,"), "%s", rows.bad);
        ldc_rows_deinit(&rows);
    }
}

Test(ldc_list, says_of_which_answers_ldconsole_is_sick)
{
    static const struct {
        enum ldc_list_outcome outcome;
        enum ldc_fault without, with; /* instances on disk */
    } cases[] = {
        {LDC_LIST_OK, LDC_FAULT_NONE, LDC_FAULT_NONE},
        {LDC_LIST_EMPTY, LDC_FAULT_NONE, LDC_FAULT_PARSE},
        {LDC_LIST_TORN, LDC_FAULT_UNKNOWN, LDC_FAULT_UNKNOWN},
        {LDC_LIST_USAGE, LDC_FAULT_PARSE, LDC_FAULT_PARSE},
        {LDC_LIST_GARBAGE, LDC_FAULT_PARSE, LDC_FAULT_PARSE},
        {LDC_LIST_UNKNOWN_FORMAT, LDC_FAULT_UNKNOWN, LDC_FAULT_UNKNOWN},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        cr_assert_eq(ldc_list_fault(cases[i].outcome, false), cases[i].without, "case %zu", i);
        cr_assert_eq(ldc_list_fault(cases[i].outcome, true), cases[i].with, "case %zu", i);
    }
}

Test(ldc_rows, keeps_states_it_does_not_know_and_clips_numbers_that_do_not_fit)
{
    cr_assert_eq(parse("0,a,-5,7,9,-1,-1,99999999999,540,160\r\n"), LDC_LIST_OK);
    cr_assert_eq(rows.items[0].top_window, -5);
    cr_assert_eq(rows.items[0].android, 9);
    cr_assert_eq(rows.items[0].width, INT_MAX);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, cuts_a_long_title_at_a_character)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    (void)buf_append_str(&text, "0,");
    for (int i = 0; i < 100; i++)
        (void)buf_append_str(&text, "雷");
    (void)buf_append_str(&text, ",0,0,0,-1,-1\r\n");
    cr_assert_eq(parse(text.data), LDC_LIST_OK);
    cr_assert_eq(strlen(rows.items[0].title), 255);
    ldc_rows_deinit(&rows);
}

Test(ldc_rows, finds_each_of_many_rows)
{
    struct buf text cleanup(buf_deinit);
    buf_init(&text, 0);
    for (int i = 0; i < 10000; i++)
        (void)buf_printf(&text, "%d,t%d,0,0,0,-1,-1,960,540,160\r\n", i * 7, i);
    cr_assert_eq(parse(text.data), LDC_LIST_OK);
    cr_assert_eq(rows.n_items, 10000);
    for (int i = 0; i < 10000; i++)
        cr_assert_eq(find_row(&rows, i * 7), &rows.items[i]);
    cr_assert_null(find_row(&rows, 1));
    cr_assert_null(find_row(&rows, -1));
    ldc_rows_deinit(&rows);
}
