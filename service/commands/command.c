/* SPDX-License-Identifier: MIT */
#include "service/commands/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory/cleanup.h"
#include "service/commands/report.h"
#include "service/config/config_docs.h"
#include "service/config/nearest.h"
#include "service/process/platform.h"

#define put(out, ...) ((void)buf_printf(out, __VA_ARGS__))

/* How many of the words at ARGV the name of COMMAND takes; 0 when it is another command. */
static size_t match(const struct svc_command *command, char **argv)
{
    size_t n_words = 0;
    const char *name = command->name;
    while (*name) {
        size_t n = strcspn(name, " ");
        const char *word = argv[n_words++];
        if (!word || strlen(word) != n || memcmp(word, name, n) != 0)
            return 0;
        name += n + (name[n] == ' ');
    }
    return n_words;
}

static const struct svc_command *find(char **argv, size_t *ret_n_words)
{
    for (size_t i = 0; i < svc_command_count; i++) {
        *ret_n_words = match(&svc_command_table[i], argv);
        if (*ret_n_words > 0)
            return &svc_command_table[i];
    }
    return NULL;
}

void svc_command_overview(struct buf *out)
{
    put(out, "Usage: ldplayerd COMMAND [flags]\n\n");
    for (size_t i = 0; i < svc_command_count; i++)
        put(out, "  %-19s  %s\n", svc_command_table[i].name, svc_command_table[i].help);
    put(out, "\n%s\n`ldplayerd COMMAND --help` tells more.\n", svc_platform_advice());
}

void svc_command_describe(const struct svc_command *command, struct buf *out)
{
    put(out, "Usage: ldplayerd %s%s%s\n\n%s\n", command->name, *command->synopsis ? " " : "",
        command->synopsis, command->help);
    if (!command->rule.takes_options)
        return;
    put(out, "\n  --config FILE\n        The configuration file.\n");
    svc_config_help(out);
}

/* Whether commands begin with WORD and have another one. */
static bool has_more_words(const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < svc_command_count; i++) {
        if (strncmp(svc_command_table[i].name, word, n) == 0 && svc_command_table[i].name[n] == ' ')
            return true;
    }
    return false;
}

static void append_unknown(char **argv, struct buf *out)
{
    char typed[80], hint[80];
    /* "token" alone, or "token" and a word that is no part of its name. */
    snprintf(typed, sizeof(typed), "%s%s%s", argv[0], argv[1] ? " " : "", argv[1] ? argv[1] : "");
    struct svc_nearest one, two;
    svc_nearest_init(&one, argv[0]);
    svc_nearest_init(&two, typed);
    for (size_t i = 0; i < svc_command_count; i++) {
        svc_nearest_offer(&one, svc_command_table[i].name);
        svc_nearest_offer(&two, svc_command_table[i].name);
    }
    const struct svc_nearest *nearest = one.best ? &one : &two;
    put(out, "ldplayerd: there is no command \"%.40s\"%s\n\n",
        two.best || has_more_words(argv[0]) ? typed : argv[0],
        svc_nearest_hint(nearest, "", hint, sizeof(hint)));
}

/* "token" of "token create": the commands that begin so. Returns how many there are. */
static size_t append_noun(const char *noun, struct buf *out)
{
    size_t n_found = 0, n = strlen(noun);
    put(out, "Usage: ldplayerd %s COMMAND [flags]\n\n", noun);
    for (size_t i = 0; i < svc_command_count; i++) {
        const struct svc_command *c = &svc_command_table[i];
        if (strncmp(c->name, noun, n) != 0 || c->name[n] != ' ')
            continue;
        put(out, "  %-19s  %s\n", c->name, c->help);
        n_found++;
    }
    put(out, "\n`ldplayerd %s COMMAND --help` tells more.\n", noun);
    return n_found;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

/* Whether ARGV is a noun alone, or with a wish for help; *RET says what came of it then. */
static bool is_noun(char **argv, enum svc_exit *ret)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    if (!argv[0] || (argv[1] && !is_help(argv[1])) || append_noun(argv[0], &out) == 0)
        return false;
    if (argv[1]) {
        *ret = svc_exit_print(&out);
        return true;
    }
    fputs(out.data, stderr);
    *ret = SVC_EXIT_USAGE;
    return true;
}

static enum svc_exit refuse_command(char **argv)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    if (argv[0])
        append_unknown(argv, &out);
    svc_command_overview(&out);
    fputs(out.data, stderr);
    return SVC_EXIT_USAGE;
}

static enum svc_exit print_help(const struct svc_command *command)
{
    struct buf out cleanup(buf_deinit);
    buf_init(&out, 0);
    svc_command_describe(command, &out);
    return svc_exit_print(&out);
}

static enum svc_exit refuse_args(const struct svc_command *command,
                                 const struct svc_problems *problems)
{
    fprintf(stderr, "%sUsage: ldplayerd %s %s\n", svc_problems_text(problems), command->name,
            command->synopsis);
    return SVC_EXIT_USAGE;
}

/* The usual spellings of two commands as flags, and of "token create --help" as "help token
 * create".
 */
static void translate(char **argv)
{
    static char help[] = "help", help_flag[] = "--help", version[] = "version";
    if (!argv[0])
        return;
    if (is_help(argv[0]))
        argv[0] = help;
    else if (strcmp(argv[0], "--version") == 0)
        argv[0] = version;
    if (strcmp(argv[0], help) != 0 || !argv[1])
        return;
    for (; argv[1]; argv++)
        argv[0] = argv[1];
    argv[0] = help_flag;
}

enum svc_exit svc_command_run(int argc, char **argv)
{
    size_t n_words;
    char **words = argv + (argc > 0);
    translate(words);
    const struct svc_command *command = find(words, &n_words);
    enum svc_exit of_noun;
    if (!command)
        return is_noun(words, &of_noun) ? of_noun : refuse_command(words);

    struct svc_problems problems cleanup(svc_problems_deinit);
    struct svc_args args cleanup(svc_args_deinit);
    svc_problems_init(&problems);
    int status = svc_args_parse(&command->rule, words + n_words, &args, &problems);
    if (args.wants_help)
        return print_help(command);
    if (status < 0)
        return refuse_args(command, &problems);
    const char *report = svc_args_flag(&args, "report");
    return report ? svc_report_run(command->run, &args, report) : command->run(&args);
}
