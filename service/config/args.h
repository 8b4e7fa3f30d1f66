/* SPDX-License-Identifier: MIT */
#ifndef SVC_ARGS_H
#define SVC_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "service/config/config.h"
#include "service/config/problems.h"

/** What a command takes: words in order, its own flags, and perhaps the options of the service. */
struct svc_args_rule {
    const char *const *flags; /* NULL-terminated names without dashes; each takes a value, but
                               * those that end in '?' */
    bool takes_options;       /* also every option of the configuration, and --config */
    unsigned min_words, max_words;
};

/** What was given. Strings point into the arguments. */
struct svc_args {
    const char **words;
    size_t n_words;
    struct svc_flag *flags;
    size_t n_flags;
    bool wants_help; /* --help or -h stood somewhere */
};

/** Reads the arguments behind the name of a command: `--flag VALUE`, `--flag=VALUE`, words, and
 *  `--` before words that start with a dash. ARGV ends in NULL; "--flag=VALUE" is cut in two where
 *  it stands. What is wrong is added to PROBLEMS. RET must be released in any case. Returns 0 or
 *  UV_EINVAL. */
int svc_args_parse(const struct svc_args_rule *rule, char **argv, struct svc_args *ret,
                   struct svc_problems *problems);
void svc_args_deinit(struct svc_args *args);
/** The value of a flag, the last one where it stands twice, or NULL. */
const char *svc_args_flag(const struct svc_args *args, const char *name);

#endif
