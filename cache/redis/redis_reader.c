/* SPDX-License-Identifier: MIT */
#include "cache/redis/redis_reader.h"

#include <hiredis.h>

#include "base/memory/mem.h"

enum { MAX_DEPTH = 2, MAX_ELEMENTS = 16384 };

/* hiredis' own functions, and the same with two checks before them. */
static redisReplyObjectFunctions plain, careful;

static void *allocate(size_t n)
{
    return mem_realloc(NULL, n);
}

/* hiredis computes the end of a string in an unsigned long, which is too small for a length near
 * 4 GiB on Windows: it then takes such a string for complete and would read far behind it. */
static void *create_string(const redisReadTask *task, char *text, size_t n)
{
    return n > (size_t)task->privdata ? NULL : plain.createString(task, text, n);
}

/* Freeing an answer recurses, so a deep one would overrun the stack. */
static void *create_array(const redisReadTask *task, size_t n)
{
    unsigned depth = 0;
    for (const redisReadTask *t = task; t; t = t->parent)
        depth++;
    return depth > MAX_DEPTH ? NULL : plain.createArray(task, n);
}

static void set_up(const redisReader *reader)
{
    plain = careful = *reader->fn;
    careful.createString = create_string;
    careful.createArray = create_array;
}

struct redisReader *cache_redis_reader_new(size_t max_bytes)
{
    hiredisAllocFuncs allocators = {allocate, mem_calloc, mem_realloc, mem_strdup, mem_free};
    if (!careful.createArray)
        hiredisSetAllocators(&allocators);
    redisReader *reader = redisReaderCreate();
    if (!careful.createArray)
        set_up(reader);
    reader->fn = &careful;
    reader->maxelements = MAX_ELEMENTS;
    /* hiredis hands this to the two functions above. */
    reader->privdata = (void *)max_bytes;
    return reader;
}
