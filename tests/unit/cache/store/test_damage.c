/* SPDX-License-Identifier: MIT */

/* Every page of a small database, damaged alone in every way below, after a clean stop and after a
 * kill: it opens, works, and has every row that was not on that page, unchanged. The table in
 * docs/damage.md is what came of it. */
#include "tests/unit/cache/damage.h"

/* --- damage --- */

static unsigned char *page_of(struct file *f, uint32_t number)
{
    return f->bytes + (size_t)(number - 1) * CACHE_PAGE_SIZE;
}

static unsigned char *header_of(struct file *f, uint32_t number)
{
    return page_of(f, number) + (number == 1 ? 100 : 0);
}

static void zero(struct file *f, uint32_t number)
{
    memset(page_of(f, number), 0, CACHE_PAGE_SIZE);
}

static void garble(struct file *f, uint32_t number)
{
    uint32_t state = number;
    for (size_t i = 0; i < CACHE_PAGE_SIZE; i++) {
        state = state * 1664525 + 1013904223;
        page_of(f, number)[i] = (unsigned char)(state >> 24);
    }
}

static void zero_header(struct file *f, uint32_t number)
{
    memset(header_of(f, number), 0, 8);
}

static void empty_header(struct file *f, uint32_t number)
{
    memset(header_of(f, number) + 3, 0, 2); /* no cells */
}

static void halve_header(struct file *f, uint32_t number)
{
    header_of(f, number)[4] /= 2; /* there are less than 256 cells */
}

static void move_cell(struct file *f, uint32_t number)
{
    unsigned char *header = header_of(f, number);
    header[(header[0] & 8 ? 8 : 12) + 2] ^= 5; /* the second cell's pointer */
}

static void zero_sector(struct file *f, uint32_t number)
{
    memset(page_of(f, number) + 3072, 0, 512);
}

static void cut(struct file *f, uint32_t number)
{
    f->n = (size_t)(number - 1) * CACHE_PAGE_SIZE;
}

/* Another page in use. */
static uint32_t other_page(const struct subject *s, uint32_t number, uint32_t step)
{
    uint32_t other = number;
    do
        other = (other + step - 1) % s->n_in_file + 1;
    while (s->kinds[other] == PAGE_FREE);
    return other;
}

static void copy_next(struct file *f, uint32_t number)
{
    memcpy(page_of(f, number), image(f->subject, other_page(f->subject, number, 1)),
           CACHE_PAGE_SIZE);
}

static void copy_far(struct file *f, uint32_t number)
{
    memcpy(page_of(f, number), image(f->subject, other_page(f->subject, number, 31)),
           CACHE_PAGE_SIZE);
}

static const struct damage {
    const char *name;
    void (*make)(struct file *f, uint32_t number);
} damages[] = {
    {"zeroed", zero},
    {"garbled", garble},
    {"a copy of the next page", copy_next},
    {"the file cut off here", cut},
    {"its header zeroed", zero_header},
    {"its number of cells zeroed", empty_header},
    {"its number of cells halved", halve_header},
    {"one cell's pointer changed", move_cell},
    {"one sector zeroed", zero_sector},
    {"a copy of a page elsewhere", copy_far},
};

/* --- each page --- */

static struct seen try_damage(const struct subject *s, uint32_t number, const struct damage *damage)
{
    struct file db = read_file(s, "ldplayerd.db");
    struct file log = read_file(s, "ldplayerd.db-wal");
    damage->make(&db, number);
    struct trial t = {s, number, damage->make == cut ? s->n_pages : number, damage->name};
    struct seen seen = try_files(&t, &db, &log);
    mem_free(db.bytes);
    mem_free(log.bytes);
    return seen;
}

/* With the first N_DAMAGES ways. */
static void try_all(bool is_killed, size_t n_damages, struct seen seen[N_KINDS])
{
    struct subject *s = subject_make(is_killed);
    for (uint32_t number = 1; number <= s->n_in_file; number++) {
        for (size_t i = 0; i < n_damages; i++) {
            struct seen one = try_damage(s, number, &damages[i]);
            if (damages[i].make == cut)
                continue;
            struct seen *all = &seen[s->kinds[number]];
            all->is_sound |= one.is_sound;
            all->is_repaired |= one.is_repaired;
            all->is_row_lost |= one.is_row_lost;
        }
    }
    subject_free(s);
}

static char *read_document(void)
{
    struct buf text;
    char *path cleanup(mem_freep) = fs_join(getenv("LDPLAYERD_TEST_DATA"), "../../docs/damage.md");
    buf_init(&text, 0);
    cr_assert_eq(fs_read(path, &text), 0, "%s", path);
    return buf_take(&text, NULL);
}

static char *line_of(enum kind kind, const struct seen *seen)
{
    return mem_printf("| %s | %s | %s |\n", kind_names[kind],
                      !seen->is_repaired ? "nothing"
                      : seen->is_sound   ? "repaired where it matters"
                                         : "repaired",
                      seen->is_row_lost ? "rows that stood on it" : "nothing");
}

Test(cache_damage, each_page_damaged_alone_costs_what_stood_on_it, .timeout = 100)
{
    struct seen seen[N_KINDS] = {0};
    try_all(false, countof(damages), seen);
    char *document cleanup(mem_freep) = read_document();
    for (enum kind kind = 0; kind < N_KINDS; kind++) {
        cr_assert(seen[kind].is_sound || seen[kind].is_repaired, "no page is %s", kind_names[kind]);
        char *line cleanup(mem_freep) = line_of(kind, &seen[kind]);
        cr_expect_not_null(strstr(document, line), "docs/damage.md has not the line\n%s", line);
    }
}

Test(cache_damage, so_it_is_after_a_kill, .timeout = 100)
{
    struct seen seen[N_KINDS] = {0};
    try_all(true, 3, seen);
}
