/* SPDX-License-Identifier: MIT */
#include "cache/pages/wal.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "cache/pages/file.h"

/* Frames of one generation of the log have the same salt; those behind them are left from before
 * and long in the database. A frame's checksum goes on from that of the frame before it, which
 * stands in that one's header: so each can be judged without the others. */

enum {
    HEADER_SIZE = 32,
    FRAME_HEADER_SIZE = 24,
    SALT_SIZE = 8,
    FRAME_SIZE = FRAME_HEADER_SIZE + CACHE_PAGE_SIZE
};

struct reader {
    uv_file file;
    bool is_big_endian; /* the words that are summed */
    unsigned char salt[SALT_SIZE];
    uint32_t sum[2]; /* of the frame before, as it stands in its header */
    bool is_sum_known;
    bool has_header;
    uint64_t max_page; /* no database that this log belongs to has more */
};

static uint32_t word(const struct reader *r, const unsigned char *p)
{
    if (r->is_big_endian)
        return cache_file_u32(p);
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void add_sum(const struct reader *r, const unsigned char *bytes, size_t n, uint32_t sum[2])
{
    for (size_t i = 0; i < n; i += 8) {
        sum[0] += word(r, bytes + i) + sum[1];
        sum[1] += word(r, bytes + i + 4) + sum[0];
    }
}

static bool is_sum(const uint32_t sum[2], const unsigned char *stored)
{
    return sum[0] == cache_file_u32(stored) && sum[1] == cache_file_u32(stored + 4);
}

static bool read_frame(const struct reader *r, size_t i, unsigned char bytes[FRAME_SIZE])
{
    return cache_file_read(r->file, HEADER_SIZE + i * (uint64_t)FRAME_SIZE, bytes, FRAME_SIZE) == 0;
}

static void add_frame(const struct reader *r, const unsigned char *bytes, uint32_t sum[2])
{
    add_sum(r, bytes, 8, sum);
    add_sum(r, bytes + FRAME_HEADER_SIZE, CACHE_PAGE_SIZE, sum);
}

/* Whether frame I + 1 goes on from frame I; both stand in the log. */
static bool is_proven_by_next(const struct reader *r, size_t i, unsigned char salt[SALT_SIZE])
{
    unsigned char frame[FRAME_SIZE], next[FRAME_SIZE];
    if (!read_frame(r, i, frame) || !read_frame(r, i + 1, next) ||
        memcmp(frame + 8, next + 8, SALT_SIZE) != 0)
        return false;
    uint32_t sum[2] = {cache_file_u32(frame + 16), cache_file_u32(frame + 20)};
    add_frame(r, next, sum);
    memcpy(salt, frame + 8, SALT_SIZE);
    return is_sum(sum, next + 16);
}

/* Without a header that is right, the salt is one that two frames prove. Not any two: those further
 * behind may be left from before, and what they say is older than the database. */
static bool read_header(struct reader *r)
{
    unsigned char bytes[HEADER_SIZE];
    uint32_t sum[2] = {0, 0};
    if (cache_file_read(r->file, 0, bytes, sizeof(bytes)) < 0)
        return false;
    uint32_t magic = cache_file_u32(bytes);
    r->is_big_endian = magic == 0x377f0683;
    add_sum(r, bytes, 24, sum);
    r->has_header = (magic | 1) == 0x377f0683 && is_sum(sum, bytes + 24);
    if (r->has_header) {
        memcpy(r->salt, bytes + 16, sizeof(r->salt));
        memcpy(r->sum, sum, sizeof(sum));
        r->is_sum_known = true;
        return true;
    }
    r->is_big_endian = false;
    return is_proven_by_next(r, 0, r->salt) || is_proven_by_next(r, 1, r->salt);
}

/* One that follows a header which cannot be read cannot be judged, and is believed. */
static struct cache_wal_frame judge(struct reader *r, const unsigned char *bytes, uint64_t offset)
{
    struct cache_wal_frame frame = {.offset = offset + FRAME_HEADER_SIZE};
    if (memcmp(bytes + 8, r->salt, sizeof(r->salt)) != 0) {
        r->is_sum_known = false;
        return frame;
    }
    uint32_t page = cache_file_u32(bytes), n_pages = cache_file_u32(bytes + 4);
    if (page <= r->max_page && n_pages <= r->max_page) {
        frame.page = page;
        frame.n_pages = n_pages;
    }
    add_frame(r, bytes, r->sum);
    frame.is_good = frame.page > 0 && (!r->is_sum_known || is_sum(r->sum, bytes + 16));
    r->sum[0] = cache_file_u32(bytes + 16);
    r->sum[1] = cache_file_u32(bytes + 20);
    r->is_sum_known = true;
    return frame;
}

/* Behind the first bad frame, is there anything of a later transaction? Each is on disk before the
 * next one is begun. */
static bool is_damaged(const struct cache_wal *wal)
{
    size_t i = 0;
    while (i < wal->n_frames && wal->frames[i].is_good)
        i++;
    while (i < wal->n_frames && !wal->frames[i].n_pages)
        i++;
    for (i++; i < wal->n_frames; i++) {
        if (wal->frames[i].page)
            return true;
    }
    return false;
}

static void cut_after_last_commit(struct cache_wal *wal)
{
    while (wal->n_frames > 0 &&
           !(wal->frames[wal->n_frames - 1].is_good && wal->frames[wal->n_frames - 1].n_pages))
        wal->n_frames--;
}

void cache_wal_read(uv_file file, uint32_t n_pages, struct cache_wal *ret)
{
    struct reader r = {.file = file};
    unsigned char bytes[FRAME_SIZE];
    size_t cap = 0;
    int64_t size = file < 0 ? 0 : cache_file_size(file);
    *ret = (struct cache_wal){0};
    if (size <= 0)
        return;
    r.max_page = n_pages + (uint64_t)size / FRAME_SIZE;
    if (!read_header(&r)) {
        ret->is_damaged = true;
        return;
    }
    for (size_t i = 0; read_frame(&r, i, bytes); i++) {
        ret->frames = mem_grow(ret->frames, ret->n_frames, &cap, sizeof(*ret->frames));
        ret->frames[ret->n_frames++] = judge(&r, bytes, HEADER_SIZE + i * (uint64_t)FRAME_SIZE);
    }
    ret->is_damaged = is_damaged(ret);
    cut_after_last_commit(ret);
    /* A log that is begun anew has its header before its first frame; what is then behind it is in
     * the database, and to write it there again changes nothing. */
    ret->is_damaged |= !r.has_header && ret->n_frames > 0;
}

void cache_wal_deinit(struct cache_wal *wal)
{
    mem_free(wal->frames);
}

bool cache_wal_is_damaged(const char *path)
{
    struct cache_wal wal;
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    uv_file database = cache_file_open(path), file = cache_file_open(log);
    cache_wal_read(file, cache_file_pages(database), &wal);
    cache_file_close(file);
    cache_file_close(database);
    cache_wal_deinit(&wal);
    return wal.is_damaged;
}

/* How many frames of transactions that ended can be read without a gap: what SQLite will find. */
static size_t count_proven(const struct cache_wal *wal)
{
    size_t n = 0;
    for (size_t i = 0; i < wal->n_frames && wal->frames[i].is_good; i++) {
        if (wal->frames[i].n_pages)
            n = i + 1;
    }
    return n;
}

/* The memory that connections share is a file of its own, which is there as long as the log is. It
 * says how many frames the log has, in two copies, one of which is whole at any moment; which salt
 * they have; and how many of them were copied back. In the order of bytes of this machine
 * (sqlite.org/walformat.html#the_wal_index_file_format). It is never ahead of the log: a frame is
 * on disk before it is counted. */
bool cache_wal_is_lost(const char *path)
{
    enum { N_FRAMES = 16 / 4, SALT = 32 / 4, COPY = 48, N_COPIED = 96 / 4, N_WORDS };
    uint32_t words[N_WORDS];
    unsigned char header[HEADER_SIZE];
    struct cache_wal wal;
    char *log cleanup(mem_freep) = mem_printf("%s-wal", path);
    char *shared cleanup(mem_freep) = mem_printf("%s-shm", path);
    if (fs_read_head(shared, words, sizeof(words)) < 0 ||
        memcmp(words, words + COPY / 4, COPY) != 0 || words[N_FRAMES] <= words[N_COPIED])
        return false;
    int r = fs_read_head(log, header, sizeof(header));
    if (r == UV_ENOENT || r == UV_EOF)
        return true;
    /* Of another salt: begun anew, which the -shm need not have said to the disk before a power
     * cut. */
    if (r < 0 || memcmp(words + SALT, header + 16, SALT_SIZE) != 0)
        return false;
    uv_file database = cache_file_open(path), file = cache_file_open(log);
    cache_wal_read(file, cache_file_pages(database), &wal);
    cache_file_close(file);
    cache_file_close(database);
    size_t n_proven = count_proven(&wal);
    cache_wal_deinit(&wal);
    return n_proven < words[N_FRAMES];
}
