/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <hiredis.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "cache/redis/redis_reader.h"

enum { MAX_BYTES = 1000 };

/* What is made of BYTES: REDIS_OK with an answer or none, or REDIS_ERR. */
static int read_bytes(const char *bytes, size_t n, redisReply **ret)
{
    struct redisReader *reader = cache_redis_reader_new(MAX_BYTES);
    void *reply = NULL;
    redisReaderFeed(reader, bytes, n);
    int r = redisReaderGetReply(reader, &reply);
    *ret = reply;
    redisReaderFree(reader);
    return r;
}

static void refuse(const char *text)
{
    redisReply *reply;
    cr_assert_eq(read_bytes(text, strlen(text), &reply), REDIS_ERR, "%s was taken", text);
    cr_assert_null(reply);
}

Test(cache_redis_reader, reads_answers)
{
    static const char text[] = "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n";
    redisReply *reply;
    cr_assert_eq(read_bytes(text, strlen(text), &reply), REDIS_OK);
    cr_assert_not_null(reply);
    cr_assert_eq(reply->elements, 2);
    cr_assert_eq(reply->element[1]->elements, 2);
    cr_assert_str_eq(reply->element[1]->element[0]->str, "a");
    freeReplyObject(reply);
}

Test(cache_redis_reader, limits_depth_elements_and_length)
{
    char text[MAX_BYTES + 32] = "+";
    redisReply *reply;
    refuse("*1\r\n*1\r\n*1\r\n");
    refuse("*16385\r\n");
    memset(text + 1, 'x', MAX_BYTES);
    strcpy(text + 1 + MAX_BYTES, "\r\n");
    cr_assert_eq(read_bytes(text, strlen(text), &reply), REDIS_OK);
    cr_assert_eq(reply->len, MAX_BYTES);
    freeReplyObject(reply);
    strcpy(text + 1 + MAX_BYTES, "x\r\n");
    refuse(text);
}

/* Pieces of the protocol in any order, which goes deeper than bytes by chance. */
static size_t make_garbage(char *out, size_t size)
{
    static const char *const pieces[] = {
        "*",          "$",
        "+",          "-",
        ":",          ",",
        "_",          "#",
        "!",          "=",
        "(",          "%",
        "~",          ">",
        "\r\n",       "\r\n",
        "\r\n",       "\r\n",
        "0",          "1",
        "2",          "3",
        "-1",         "16384",
        "4294967295", "18446744073709551616",
        "txt:",       "message",
        "a",          "inf",
        "t",          "\r",
        "\n",         "*1\r\n",
        "*2\r\n",     "$3\r\nabc\r\n",
        "$-1\r\n",    ":5\r\n",
        "%1\r\n",     ">1\r\n",
    };
    size_t n = 0;
    for (int i = rand() % 40; i >= 0; i--) {
        const char *piece = pieces[(size_t)rand() % countof(pieces)];
        if (n + strlen(piece) >= size)
            break;
        memcpy(out + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return n;
}

Test(cache_redis_reader, takes_no_harm_from_garbage)
{
    enum { ROUNDS = 200000 };
    unsigned n_refused = 0, n_read = 0;
    srand(1);
    for (int i = 0; i < ROUNDS; i++) {
        char bytes[512];
        redisReply *reply;
        int r = read_bytes(bytes, make_garbage(bytes, sizeof(bytes)), &reply);
        n_refused += r == REDIS_ERR;
        n_read += reply != NULL;
        freeReplyObject(reply);
    }
    cr_assert_gt(n_refused, ROUNDS / 10, "%u refused", n_refused);
    cr_assert_gt(n_read, ROUNDS / 100, "%u read", n_read);
}
