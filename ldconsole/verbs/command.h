/* SPDX-License-Identifier: MIT */
#ifndef LDC_COMMAND_H
#define LDC_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "ldconsole/verbs/settings.h"
#include "runner/argv.h"

/** The vendor's verbs we use and what is known of each (reference section 1 and 2.6). */
enum ldc_verb {
    LDC_VERB_USAGE, /* no verb at all: ldconsole prints its usage text */
    LDC_VERB_LIST2,
    LDC_VERB_LAUNCH,
    LDC_VERB_QUIT,
    LDC_VERB_ADD,
    LDC_VERB_COPY,
    LDC_VERB_REMOVE,
    LDC_VERB_RENAME,
    LDC_VERB_MODIFY,
    LDC_VERB_ADB, /* the program adb beside ldconsole */
    LDC_VERB_LD,  /* the program ld beside ldconsole */
    LDC_VERB_COUNT
};

/** Bulkheads: how many children of a class may run at once is configured per class. */
enum ldc_class {
    LDC_CLASS_READ,
    LDC_CLASS_LAUNCH,
    LDC_CLASS_QUIT,
    LDC_CLASS_EXCLUSIVE,
    LDC_CLASS_GUEST,
    LDC_CLASS_COUNT
};

enum ldc_program { LDC_PROGRAM_LDCONSOLE, LDC_PROGRAM_ADB, LDC_PROGRAM_LD };

struct ldc_verb_info {
    const char *name;
    enum ldc_program program;
    enum ldc_class class;
    unsigned deadline_ms; /* default; a slow copy legitimately takes minutes */
    bool is_mutating;
    bool exit_is_index; /* add and copy return the new index as exit code (reference 0.1) */
};

extern const struct ldc_verb_info ldc_verb_table[LDC_VERB_COUNT];

/** How the window of an instance opens: flags of launch since LD9 (reference 1.1, 1.9). */
enum ldc_window { LDC_WINDOW_NORMAL, LDC_WINDOW_MINIMIZED, LDC_WINDOW_HIDDEN };

/** One thing to run: the verb and its arguments without the program name. */
struct ldc_command {
    enum ldc_verb verb;
    struct argv args;
    /* It is ended after that, where the verb's own deadline is later; 0 = none. */
    unsigned deadline_ms;
};

/** Builders; each leaves a command that the caller releases with ldc_command_deinit. Selection is
 *  always by index: names may be double (reference 1). */
void ldc_command_usage(struct ldc_command *c);
void ldc_command_list2(struct ldc_command *c);
void ldc_command_launch(struct ldc_command *c, int index, enum ldc_window window);
void ldc_command_quit(struct ldc_command *c, int index);
void ldc_command_add(struct ldc_command *c, const char *name);
void ldc_command_copy(struct ldc_command *c, const char *name, int from_index);
void ldc_command_remove(struct ldc_command *c, int index);
void ldc_command_rename(struct ldc_command *c, int index, const char *title);
void ldc_command_modify(struct ldc_command *c, int index, const struct ldc_settings *settings);
/** `adb -s SERIAL shell ARG...`: ARGS is a NULL-terminated list. */
void ldc_command_adb_shell(struct ldc_command *c, const char *serial, const char *const *args);
/** `ld -s INDEX SHELL_COMMAND`. */
void ldc_command_ld_shell(struct ldc_command *c, int index, const char *shell_command);
void ldc_command_deinit(struct ldc_command *c);

/** Why a title cannot be given to ldconsole, as a sentence, or NULL when it can: 1 to 64 code
 *  points (256 bytes at most) of valid UTF-8 without control characters, not starting with '-'
 *  (it would read as a flag), no double quote, no leading or trailing space. */
const char *ldc_title_refusal(const char *title);

#endif
