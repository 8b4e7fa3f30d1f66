/* SPDX-License-Identifier: MIT */
#include "cache/pages/btree.h"

#include <string.h>

#include "base/memory/mem.h"

enum {
    KIND_INDEX = 2,
    KIND_TABLE = 5,
    KIND_LEAF = 8, /* added to one of the above */
    FILE_HEADER_SIZE = 100,
    OVERFLOW_ROOM = CACHE_PAGE_SIZE - 4,
    MIN_LOCAL = (CACHE_PAGE_SIZE - 12) * 32 / 255 - 23,
    MAX_LOCAL_TABLE = CACHE_PAGE_SIZE - 35,
    MAX_LOCAL_INDEX = (CACHE_PAGE_SIZE - 12) * 64 / 255 - 23,
    MIN_CELL = 4,
    MAX_PAYLOAD = 64 << 20, /* more than any row of ours; what claims more is damage */
};

/* A part of a page or record that is read from its front. */
struct span {
    const unsigned char *at, *end;
};

static bool take_varint(struct span *s, uint64_t *ret)
{
    uint64_t value = 0;
    for (int i = 0; i < 9 && s->at < s->end; i++) {
        unsigned char byte = *s->at++;
        if (i == 8) {
            *ret = value << 8 | byte;
            return true;
        }
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool take_u32(struct span *s, uint32_t *ret)
{
    if (s->end - s->at < 4)
        return false;
    *ret = cache_file_u32(s->at);
    s->at += 4;
    return true;
}

/* --- pages --- */

/* How much of a payload of N bytes stands in the cell itself. */
static size_t local_size(size_t n, bool is_index)
{
    size_t max = is_index ? MAX_LOCAL_INDEX : MAX_LOCAL_TABLE;
    if (n <= max)
        return n;
    size_t k = MIN_LOCAL + (n - MIN_LOCAL) % OVERFLOW_ROOM;
    return k <= max ? k : MIN_LOCAL;
}

bool cache_btree_read(const struct cache_pages *pages, uint32_t number, struct cache_btree *ret)
{
    if (!cache_pages_read(pages, number, ret->bytes))
        return false;
    ret->header = number == 1 ? FILE_HEADER_SIZE : 0;
    const unsigned char *header = ret->bytes + ret->header;
    unsigned kind = *header & ~(unsigned)KIND_LEAF;
    ret->is_leaf = *header & KIND_LEAF;
    ret->is_index = kind == KIND_INDEX;
    ret->n_cells = cache_file_u16(header + 3);
    ret->pointers = ret->header + (ret->is_leaf ? 8 : 12);
    return (kind == KIND_INDEX || kind == KIND_TABLE) &&
           ret->pointers + 2 * ret->n_cells <= CACHE_PAGE_SIZE;
}

static struct span cell(const struct cache_btree *page, unsigned i)
{
    unsigned offset = cache_file_u16(page->bytes + page->pointers + 2 * (size_t)i);
    unsigned first = page->pointers + 2 * page->n_cells;
    if (offset < first || offset > CACHE_PAGE_SIZE)
        offset = CACHE_PAGE_SIZE;
    return (struct span){page->bytes + offset, page->bytes + CACHE_PAGE_SIZE};
}

uint32_t cache_btree_child(const struct cache_btree *page, unsigned i)
{
    uint32_t number = 0;
    if (i == page->n_cells)
        return cache_file_u32(page->bytes + page->pointers - 4);
    struct span s = cell(page, i);
    (void)take_u32(&s, &number);
    return number;
}

int64_t cache_btree_bound(const struct cache_btree *page, unsigned i)
{
    uint32_t child;
    uint64_t rowid;
    struct span s = cell(page, i);
    return take_u32(&s, &child) && take_varint(&s, &rowid) ? (int64_t)rowid : INT64_MAX;
}

/* 0 when it cannot be told. */
static size_t cell_size(const struct cache_btree *page, unsigned i)
{
    struct span s = cell(page, i);
    const unsigned char *start = s.at;
    uint64_t size = 0, rowid;
    uint32_t child;
    bool has_payload = page->is_leaf || page->is_index;
    if ((!page->is_leaf && !take_u32(&s, &child)) || (has_payload && !take_varint(&s, &size)) ||
        (!page->is_index && !take_varint(&s, &rowid)) || size > MAX_PAYLOAD)
        return 0;
    size_t local = local_size((size_t)size, page->is_index);
    size_t n = (size_t)(s.at - start) + local + (local < size ? 4 : 0);
    return n < MIN_CELL ? MIN_CELL : n;
}

/* A chain of free blocks in the order of the page, each with the next one and its size. */
static size_t free_size(const struct cache_btree *page)
{
    const unsigned char *header = page->bytes + page->header;
    size_t n = header[7];
    for (unsigned at = cache_file_u16(header + 1), last = 0; at > last && at < CACHE_PAGE_SIZE - 3;
         last = at, at = cache_file_u16(page->bytes + at))
        n += cache_file_u16(page->bytes + at + 2);
    return n;
}

bool cache_btree_is_whole(const struct cache_btree *page)
{
    size_t n = free_size(page);
    for (unsigned i = 0; i < page->n_cells; i++)
        n += cell_size(page, i);
    return n + cache_file_u16(page->bytes + page->header + 5) == CACHE_PAGE_SIZE;
}

/* --- records --- */

void cache_record_deinit(struct cache_record *record)
{
    mem_free(record->payload);
    record->payload = NULL;
}

/* The rest of a payload, behind the LOCAL bytes that are there, from the chain that begins with
 * page NUMBER. The last page of a chain says so. */
static bool read_rest(const struct cache_pages *pages, uint32_t number, size_t local,
                      struct cache_record *record)
{
    unsigned char bytes[CACHE_PAGE_SIZE];
    for (size_t got = local; got < record->size;) {
        size_t n = record->size - got < OVERFLOW_ROOM ? record->size - got : OVERFLOW_ROOM;
        if (!cache_pages_read(pages, number, bytes))
            return false;
        memcpy(record->payload + got, bytes + 4, n);
        number = cache_file_u32(bytes);
        got += n;
    }
    return number == 0;
}

static bool take_payload(const struct cache_pages *pages, bool is_index, struct span *s,
                         struct cache_record *record)
{
    size_t local = local_size(record->size, is_index);
    uint32_t number = 0;
    record->is_long = local < record->size;
    if ((size_t)(s->end - s->at) < local)
        return false;
    record->payload = mem_realloc(record->payload, record->size);
    memcpy(record->payload, s->at, local);
    s->at += local;
    return !record->is_long || (take_u32(s, &number) && read_rest(pages, number, local, record));
}

static int64_t read_integer(const unsigned char *p, size_t n)
{
    uint64_t value = p[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | p[i];
    return (int64_t)value;
}

/* One value by its serial type, from the front of BODY. */
static bool take_value(struct span *body, uint64_t type, struct cache_value *ret)
{
    static const unsigned char sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    if (type == 10 || type == 11)
        return false;
    *ret = (struct cache_value){.bytes = body->at};
    uint64_t n = type < 12 ? sizes[type] : (type - 12) / 2;
    if (n > (uint64_t)(body->end - body->at))
        return false;
    body->at += n;
    ret->n = (size_t)n;
    if (type >= 12)
        ret->type = type % 2 ? CACHE_TEXT : CACHE_BLOB;
    else if (type > 0)
        ret->type = type == 7 ? CACHE_REAL : CACHE_INTEGER;
    if (type >= 1 && type <= 7)
        ret->integer = read_integer(ret->bytes, ret->n);
    else if (type == 9)
        ret->integer = 1;
    return true;
}

/* The values must fill the record to its last byte. */
static bool split(struct cache_record *record)
{
    struct span all = {record->payload, record->payload + record->size}, types = all;
    uint64_t header_size, type;
    if (!take_varint(&types, &header_size) || header_size > record->size)
        return false;
    struct span body = {record->payload + header_size, all.end};
    types.end = body.at;
    for (record->n = 0; types.at < types.end; record->n++) {
        if (record->n == CACHE_RECORD_MAX || !take_varint(&types, &type) ||
            !take_value(&body, type, &record->values[record->n]))
            return false;
    }
    return record->n > 0 && body.at == body.end;
}

bool cache_btree_record(const struct cache_pages *pages, const struct cache_btree *page, unsigned i,
                        struct cache_record *record)
{
    struct span s = cell(page, i);
    uint64_t size, rowid = 0;
    uint32_t child;
    if (!page->is_leaf && (!page->is_index || !take_u32(&s, &child)))
        return false;
    if (!take_varint(&s, &size) || size == 0 || size > MAX_PAYLOAD)
        return false;
    if (!page->is_index && !take_varint(&s, &rowid))
        return false;
    record->size = (size_t)size;
    record->rowid = (int64_t)rowid;
    return take_payload(pages, page->is_index, &s, record) && split(record);
}
