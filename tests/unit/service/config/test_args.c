/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "service/config/args.h"

enum { ARGS_MAX = 8 };

struct parsed {
    char *argv[ARGS_MAX + 1];
    struct svc_args args;
    struct svc_problems problems;
};

/* LINE is split at spaces; "''" stands for an empty argument. */
static int parse(struct parsed *p, const struct svc_args_rule *rule, const char *line)
{
    size_t n = 0;
    memset(p, 0, sizeof(*p));
    svc_problems_init(&p->problems);
    for (const char *word = line; *word && n < ARGS_MAX; n++) {
        size_t len = strcspn(word, " ");
        p->argv[n] = strncmp(word, "''", 2) == 0 ? mem_strdup("") : mem_strndup(word, len);
        word += len + (word[len] == ' ');
    }
    return svc_args_parse(rule, p->argv, &p->args, &p->problems);
}

static void parsed_deinit(struct parsed *p)
{
    for (size_t i = 0; p->argv[i]; i++)
        mem_free(p->argv[i]);
    svc_args_deinit(&p->args);
    svc_problems_deinit(&p->problems);
}

static const char *const own_flags[] = {"name", "role", NULL};
static const struct svc_args_rule token_rule = {own_flags, false, 0, 1};
static const struct svc_args_rule serve_rule = {NULL, true, 0, 0};

static void check_refused(const struct svc_args_rule *rule, const char *line, const char *expected)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_lt(parse(&p, rule, line), 0, "%s was taken", line);
    cr_assert_str_eq(svc_problems_text(&p.problems), expected);
}

Test(svc_args, takes_values_behind_a_space_and_behind_an_equals_sign)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &token_rule, "--name a=b word --role=x=y"), 0);
    cr_assert_str_eq(svc_args_flag(&p.args, "name"), "a=b");
    cr_assert_str_eq(svc_args_flag(&p.args, "role"), "x=y");
    cr_assert_eq(p.args.n_words, 1);
    cr_assert_str_eq(p.args.words[0], "word");
    cr_assert_null(svc_args_flag(&p.args, "config"));
}

Test(svc_args, takes_a_dash_as_the_start_of_a_value)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &token_rule, "--name --role"), 0);
    cr_assert_str_eq(svc_args_flag(&p.args, "name"), "--role");
}

Test(svc_args, keeps_empty_values)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &token_rule, "--name= --role ''"), 0);
    cr_assert_str_eq(svc_args_flag(&p.args, "name"), "");
    cr_assert_str_eq(svc_args_flag(&p.args, "role"), "");
}

Test(svc_args, takes_options_with_and_without_value)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &serve_rule, "--simulate --allow-remote=false --config x"), 0);
    cr_assert_str_eq(svc_args_flag(&p.args, "simulate"), "8");
    cr_assert_str_eq(svc_args_flag(&p.args, "allow-remote"), "false");
    cr_assert_str_eq(svc_args_flag(&p.args, "config"), "x");
}

Test(svc_args, does_not_take_the_next_argument_for_an_optional_value)
{
    check_refused(
        &serve_rule, "--simulate 4",
        "\"4\" is one argument too many; a value that an option can do without follows =, "
        "as in --simulate=5\n");
}

Test(svc_args, takes_words_with_dashes_behind_two_dashes)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &token_rule, "-- --name"), 0);
    cr_assert_eq(p.args.n_flags, 0);
    cr_assert_str_eq(p.args.words[0], "--name");
}

Test(svc_args, notices_the_wish_for_help_beside_mistakes)
{
    struct parsed p cleanup(parsed_deinit);
    cr_assert_lt(parse(&p, &token_rule, "--nmae x -h"), 0);
    cr_assert(p.args.wants_help);
}

Test(svc_args, names_every_mistake)
{
    check_refused(&token_rule, "--nmae x --role",
                  "--nmae: there is no such flag; did you mean --name?\n"
                  "--role: a value must follow\n");
    check_refused(&token_rule, "-n x", "-n: flags have two dashes\n");
    check_refused(&token_rule, "a b", "\"b\" is one argument too many\n");
    check_refused(&token_rule, "--http x", "--http: there is no such flag\n");
    check_refused(&serve_rule, "--max_connections 5",
                  "--max_connections: there is no such flag; did you mean --max-connections?\n");
}

Test(svc_args, a_switch_takes_no_value)
{
    static const char *const flags[] = {"force?", "name", NULL};
    static const struct svc_args_rule rule = {flags, false, 1, 1};
    struct parsed p cleanup(parsed_deinit);
    cr_assert_eq(parse(&p, &rule, "--force word --name n"), 0);
    cr_assert_str_eq(svc_args_flag(&p.args, "force"), "true");
    cr_assert_str_eq(svc_args_flag(&p.args, "name"), "n");
    cr_assert_str_eq(p.args.words[0], "word");
    check_refused(&rule, "--forced x y", "--forced: there is no such flag\n");
}
