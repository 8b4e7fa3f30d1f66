/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_API_HOUSE_H
#define TESTS_UNIT_API_HOUSE_H

#include <yyjson.h>

#include "api/exchange/exchange.h"
#include "api/exchange/parts.h"
#include "api/http/state.h"
#include "api/server.h"
#include "cache/backup/backups.h"
#include "tests/unit/api/client.h"
#include "tests/unit/control/world.h"

/** The world of tests/unit/control with the API on top, asked over a unix socket, whose clients
 *  are admins here, and over TCP. */
struct house {
    struct world world;
    struct cache_tokens *tokens;
    struct cache_backups *backups;
    const char *restarted; /* why, or NULL */
    struct cache_results *results;
    const char *cache_backend;
    struct api_server *server;
    struct api_options options; /* to be changed between house_init and house_open */
    char *path;                 /* of the socket */
    int port;
    struct client c; /* on the socket */
    bool is_closed;
    int64_t clock_set_back_ms; /* before house_open: so far was the wall clock set back since */
};

void house_init(struct house *h);
void house_open(struct house *h);
void house_begin(struct house *h);
void house_end(struct house *h);
void house_turn(void *h);
#define house_until(h, condition) world_until(&(h)->world, condition)

/** An answer with its body read as JSON. */
struct answer {
    struct reply reply;
    yyjson_doc *doc; /* NULL when the body is none */
    yyjson_val *root;
};
void answer_deinit(struct answer *a);

/** Sends METHOD PATH with BODY (NULL = none; single quotes stand for double ones) and expects
 *  STATUS. */
struct answer house_ask(struct house *h, const char *method, const char *path, const char *body,
                        int status);
/** The same with more header lines, each with its line end. */
struct answer house_ask_with(struct house *h, const char *headers, const char *method,
                             const char *path, const char *body, int status);
/** The same where only the status is of interest. */
void house_expect(struct house *h, const char *method, const char *path, const char *body,
                  int status);
/** Expects a problem with CODE and, unless FIELD is NULL, a first refused field of that name. */
void house_refuses(struct house *h, const char *method, const char *path, const char *body,
                   int status, const char *code, const char *field);
/** Text of a member, or of one below by "a/b/0". */
const char *answer_text(const struct answer *a, const char *pointer);
int64_t answer_number(const struct answer *a, const char *pointer);
size_t answer_size(const struct answer *a, const char *pointer);
/** A live token of ROLE. */
void house_token(struct house *h, const char *name, enum cache_role role,
                 char ret_secret[CACHE_TOKEN_SIZE]);

#endif
