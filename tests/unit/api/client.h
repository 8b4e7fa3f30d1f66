/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_API_CLIENT_H
#define TESTS_UNIT_API_CLIENT_H

#include <criterion/criterion.h>

#include <stdbool.h>
#include <string.h>

#include "base/memory/buf.h"
#include "base/memory/mem.h"

/** An HTTP client that shares its thread with the server: whenever it waits, it turns the loop.
 *  Everything fails the test after ten seconds. */
struct client {
    int fd;
    bool is_eof; /* the server has closed, or reset the connection */
    struct buf in;
    void (*turn)(void *arg);
    void *arg;
};

struct reply {
    int status;
    char *head; /* status line and headers, without the empty line */
    char *body;
    size_t n_body;
};

/** TURN does one turn of the loop without blocking for long. */
void client_connect_tcp(struct client *c, int port, void (*turn)(void *arg), void *arg);
void client_connect_unix(struct client *c, const char *path, void (*turn)(void *arg), void *arg);
void client_close(struct client *c);
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const char *bytes, size_t n);
/** Sends no more. */
void client_finish(struct client *c);
/** The next answer; IS_HEAD: it has no body whatever it says. */
struct reply client_read(struct client *c, bool is_head);
void reply_deinit(struct reply *r);
/** Sends TEXT and expects an answer with STATUS. */
struct reply client_ask(struct client *c, const char *text, int status);
/** The same where the answer is of no interest. */
void client_expect(struct client *c, const char *text, int status);
/** Waits until what has come contains TEXT. */
void client_wait_for(struct client *c, const char *text);
/** One turn, and takes what is there. */
void client_pump(struct client *c);
/** Turns until the server has closed; nothing may have come before but what C->in holds. */
void client_expect_end(struct client *c);
/** Value of a header, owned by the caller; NULL when it is not there. */
char *reply_header(const struct reply *r, const char *name);
void reply_expect_header(const struct reply *r, const char *name, const char *value);
bool reply_has_header(const struct reply *r, const char *name);

#endif
