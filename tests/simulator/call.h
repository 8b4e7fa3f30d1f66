/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_CALL_H
#define SIMULATOR_CALL_H

#include "catalogue.h"
#include "config.h"
#include "profile.h"

#include <stdbool.h>

/* One call of ldconsole while it is answered. */
struct call {
    const struct home *home;
    struct settings *settings;
    const struct profile *profile;
    const char *program; /* ldconsole or dnconsole */
    const char *verb;
    int argc; /* what stands behind the verb */
    char **argv;
    int index; /* of the selected instance; -1: none selected, or there is no such one */
    struct catalogue catalogue;
    struct text out; /* what will be printed: UTF-8, unless: */
    bool is_raw;     /* bytes of the guest, no text of ldconsole: no code page */
    int exit_code;
};

/* The 32-bit exit codes of the real program.  A POSIX system keeps the low 8 bits of them. */
enum {
    CALL_UNKNOWN = -1000,
    CALL_MISSING = -1001,
    CALL_PARAMETER = -1005,
};

/** The argument behind the option, NULL when it is not there. */
const char *call_option(const struct call *call, const char *name);

/** A line of text for a person: CRLF is added. */
void call_print_line(struct call *call, const char *line);

/** End with one of the texts that come without a line end. */
void call_fail(struct call *call, const char *text, int exit_code);
void call_fail_with_usage(struct call *call, int exit_code);

/** Find the instance that --index or --name selects. */
void call_select(struct call *call);

/** Scope of the knobs for this call. */
struct scope call_scope(const struct call *call);

/** Change the configuration of the selected instance, in the file and in what a started player
 *  keeps of it, so that it survives the player.  The caller holds the lock. */
void call_edit_config(const struct call *call, void (*edit)(struct config *config, void *arg),
                      void *arg);

/** The selected instance; only when index is not -1. */
const struct instance *call_instance(const struct call *call);

#endif
