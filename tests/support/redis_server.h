/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_REDIS_SERVER_H
#define TESTS_SUPPORT_REDIS_SERVER_H

/** A real redis-server of the test's own (package redis-server) on a free port of 127.0.0.1, with a
 *  folder of its own and nothing on disk. It dies with the test. What cannot be done aborts with
 *  the reason: without its server a test has nothing to say. */
struct redis_server;

/** Returns when it takes connections. EXTRA: more arguments, NULL-terminated; may be NULL. */
struct redis_server *redis_server_start(const char *const *extra);
/** Ends it, by its pid. */
void redis_server_stop(struct redis_server *s);

int redis_server_port(const struct redis_server *s);
/** SIGKILL, and again on the same port: what it knew is gone. */
void redis_server_kill(struct redis_server *s);
void redis_server_restart(struct redis_server *s);
/** It neither reads nor answers, but its connections stay and new ones are made. */
void redis_server_pause(struct redis_server *s);
void redis_server_resume(struct redis_server *s);

/** Runs one command, words apart by spaces, and returns the answer: a text, a number, the elements
 *  of an array apart by spaces, or "(nil)". Good until the next call. Blocks. */
const char *redis_server_ask(struct redis_server *s, const char *command);

#endif
