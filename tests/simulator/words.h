/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_WORDS_H
#define SIMULATOR_WORDS_H

#include <stdbool.h>

/* Taking a command line apart. */

struct words {
    int argc;
    char **argv;          /* ends in NULL */
    bool stop_on_failure; /* `&&` follows */
};

/** Words between blanks; '...' and "..." keep blanks together and are taken away. */
struct words words_split(const char *line);

/** Back to one line with a blank between the words. */
char *words_join(int argc, char **argv);

/** The next command of a shell line, up to `;`, `&&` or the end; redirections of standard error
 *  are dropped.  Returns false at the end of the line. */
bool words_next_command(const char **cursor, struct words *ret_words);

#endif
