/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FAKE_REDIS_H
#define TESTS_SUPPORT_FAKE_REDIS_H

#include <stddef.h>

#include "base/loop/loop.h"

/** Something on a free port of 127.0.0.1 that answers as the test says, in the test's own loop. */
struct fake_redis;

/** What each COMMAND is answered: N bytes, or a text when N is 0; nothing for NULL. COMMAND NULL
 *  is the last row and stands for all others. */
struct fake_redis_answer {
    const char *command, *answer;
    size_t n;
};

/** ANSWERS lasts as long as the fake. */
struct fake_redis *fake_redis_new(struct loop *loop, const struct fake_redis_answer *answers);
int fake_redis_port(const struct fake_redis *f);
unsigned fake_redis_n_accepted(const struct fake_redis *f);
/** How often COMMAND was heard. */
unsigned fake_redis_n_heard(const struct fake_redis *f, const char *command);
/** From now on. */
void fake_redis_change(struct fake_redis *f, const struct fake_redis_answer *answers);
/** To all that are connected, without being asked. */
void fake_redis_say(struct fake_redis *f, const char *text, size_t n);
/** The connections that there are. */
void fake_redis_hang_up(struct fake_redis *f);
/** With all connections; the loop frees it. */
void fake_redis_close(struct fake_redis *f);

#endif
