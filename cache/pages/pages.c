/* SPDX-License-Identifier: MIT */
#include "cache/pages/pages.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/pages/wal.h"

struct cache_pages {
    uv_file file, log;
    uint32_t n;
    uint64_t *in_log; /* offset of each page there; 0: it is not; LOST: it was, and is no more */
};

static const uint64_t LOST = UINT64_MAX;

static void apply_log(struct cache_pages *pages, const struct cache_wal *wal)
{
    for (size_t i = 0; i < wal->n_frames; i++) {
        const struct cache_wal_frame *f = &wal->frames[i];
        if (f->page > 0 && f->page <= pages->n)
            pages->in_log[f->page] = f->is_good ? f->offset : LOST;
    }
}

int cache_pages_open(const char *path, struct cache_pages **ret)
{
    uv_file file = cache_file_open(path);
    if (file < 0)
        return file;
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    struct cache_pages *pages = mem_new(struct cache_pages);
    struct cache_wal wal;
    pages->file = file;
    pages->log = cache_file_open(log);
    pages->n = cache_file_pages(file);
    cache_wal_read(pages->log, pages->n, &wal);

    if (wal.n_frames > 0)
        pages->n = wal.frames[wal.n_frames - 1].n_pages;
    pages->in_log = mem_calloc((size_t)pages->n + 1, sizeof(*pages->in_log));
    apply_log(pages, &wal);
    cache_wal_deinit(&wal);
    *ret = pages;
    return 0;
}

void cache_pages_close(struct cache_pages *pages)
{
    if (!pages)
        return;
    cache_file_close(pages->file);
    cache_file_close(pages->log);
    mem_free(pages->in_log);
    mem_free(pages);
}

uint32_t cache_pages_count(const struct cache_pages *pages)
{
    return pages->n;
}

bool cache_pages_read(const struct cache_pages *pages, uint32_t number,
                      unsigned char bytes[CACHE_PAGE_SIZE])
{
    if (number == 0 || number > pages->n || pages->in_log[number] == LOST)
        return false;
    if (pages->in_log[number])
        return cache_file_read(pages->log, pages->in_log[number], bytes, CACHE_PAGE_SIZE) == 0;
    uint64_t offset = (uint64_t)(number - 1) * CACHE_PAGE_SIZE;
    return cache_file_read(pages->file, offset, bytes, CACHE_PAGE_SIZE) == 0;
}

/* A trunk of the list has the next trunk, a count, and that many pages. Nothing else looks so: a
 * page of a tree begins with its kind, and one with the rest of a long text has letters in the
 * place of the count. */
static bool is_trunk(const struct cache_pages *pages, const unsigned char *bytes)
{
    uint32_t next = cache_file_u32(bytes), n = cache_file_u32(bytes + 4);
    if (next > pages->n || n == 0 || n > CACHE_PAGE_SIZE / 4 - 2)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t leaf = cache_file_u32(bytes + 8 + 4 * (size_t)i);
        if (leaf < 2 || leaf > pages->n)
            return false;
    }
    return true;
}

/* As page 1 says (the file format, offsets 32 and 36): returns how many pages the list has, 0 where
 * that cannot be told, and marks the trunks, of which one without other pages looks like nothing in
 * particular. */
static uint32_t follow_trunks(const struct cache_pages *pages, bool *is_free)
{
    static const char magic[] = "SQLite format 3";
    unsigned char bytes[CACHE_PAGE_SIZE];
    if (!cache_pages_read(pages, 1, bytes) || memcmp(bytes, magic, sizeof(magic)) != 0)
        return 0;
    uint32_t number = cache_file_u32(bytes + 32), n = cache_file_u32(bytes + 36);
    while (number > 1 && number <= pages->n && !is_free[number] &&
           cache_pages_read(pages, number, bytes) &&
           (is_trunk(pages, bytes) ||
            (cache_file_u32(bytes) <= pages->n && cache_file_u32(bytes + 4) == 0))) {
        is_free[number] = true;
        number = cache_file_u32(bytes);
    }
    return n;
}

bool *cache_pages_free_list(const struct cache_pages *pages, bool *ret_is_whole)
{
    bool *is_free = mem_calloc((size_t)pages->n + 1, sizeof(*is_free));
    unsigned char bytes[CACHE_PAGE_SIZE];
    uint32_t n_said = follow_trunks(pages, is_free), n_found = 0;
    for (uint32_t number = 2; number <= pages->n; number++) {
        if (!cache_pages_read(pages, number, bytes) || !is_trunk(pages, bytes))
            continue;
        uint32_t n = cache_file_u32(bytes + 4);
        is_free[number] = true;
        for (uint32_t i = 0; i < n; i++)
            is_free[cache_file_u32(bytes + 8 + 4 * (size_t)i)] = true;
    }
    for (uint32_t number = 2; number <= pages->n; number++)
        n_found += is_free[number];
    *ret_is_whole = n_found >= n_said;
    return is_free;
}
