/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "base/text/str.h"
#include "ldconsole/process/process.h"
#include "runner/argv.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_farm.h"
#include "tests/support/folder.h"

/* The fake farm does what tests/data/conformance.json says; tests/simulator/test_conformance.py
 * holds the simulator against the same table. */

struct stage {
    const char *scenario, *profile;
    size_t n_more; /* columns behind the known ones */
    struct loop loop;
    struct fake_farm *farm;
    struct runner *runner;
    char *output, *log;
    bool is_live;
    int exit_code;
    bool has_answer, is_closed;
};

static void on_answer(void *arg, const struct run_result *result)
{
    struct stage *s = arg;
    mem_free(s->output);
    s->output = mem_strdup(result->output);
    s->exit_code = result->exit_code;
    s->has_answer = true;
}

static void on_closed(void *arg)
{
    ((struct stage *)arg)->is_closed = true;
}

/* A value, or an object that has it by profile. */
static yyjson_val *of_profile(const struct stage *s, yyjson_val *value)
{
    return yyjson_is_obj(value) ? yyjson_obj_get(value, s->profile) : value;
}

static void run(struct stage *s, const char *line)
{
    struct argv args;
    char *words cleanup(mem_freep) = mem_strdup(line);
    argv_init(&args);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv_add(&args, word);
    struct run_request request = {
        .file = fake_farm_ldconsole(s->farm), .args = &args, .deadline_ms = 1000};
    s->has_answer = false;
    (void)s->runner->ops->start(s->runner, &request, on_answer, s);
    loop_run(&s->loop);
    cr_assert(s->has_answer, "%s: %s: no answer", s->scenario, line);
    argv_deinit(&args);
}

static void check_answer(struct stage *s, yyjson_val *step)
{
    const char *says = yyjson_get_str(of_profile(s, yyjson_obj_get(step, "says")));
    const char *line = yyjson_get_str(yyjson_obj_get(step, "do"));
    run(s, line);
    if (strcmp(says, "usage") == 0)
        cr_assert(strstr(s->output, "Command Line Management Interface"), "%s: %s: %s", s->scenario,
                  line, s->output);
    else
        cr_assert_str_eq(s->output, says, "%s: %s", s->scenario, line);
    cr_assert_eq(s->exit_code, yyjson_get_int(of_profile(s, yyjson_obj_get(step, "exit"))),
                 "%s: %s exits with %d", s->scenario, line, s->exit_code);
}

/* A farm that lives gets on with the clock: what is looked for may take its time. */
enum { LOOK_MS = 500, PATIENCE_MS = 100000 };

static const char *log_of(struct stage *s, int index)
{
    char name[64];
    mem_free(s->log);
    snprintf(name, sizeof(name), "vms/leidian%d/Logs/VBox.log", index);
    char *folder cleanup(mem_freep) = fs_dirname(fake_farm_ldconsole(s->farm));
    s->log = folder_read(folder, name);
    return s->log ? s->log : "";
}

static const char *cut_column(char *line)
{
    char *comma = strrchr(line, ',');
    *comma = '\0';
    return comma + 1;
}

/* index,title,...,state,pid,vm,...,more -> index,title,state,+,-,more; what is no row stays. */
static char *shorten(const struct stage *s, char *line)
{
    enum { MAX_COLUMNS = 12, STATE = 2, PID = 3, VM = 4 };
    size_t n_known = strcmp(s->profile, "ld4") == 0 ? 5 : 8, n_all = n_known + s->n_more;
    const char *columns[MAX_COLUMNS];
    if (line[strspn(line, "0123456789")] != ',')
        return mem_strdup(line);
    for (size_t n = n_all; n > 0; n--)
        columns[n - 1] = cut_column(line);
    char *row = mem_printf("%s,%s,%s,%s", line, columns[STATE], atoi(columns[PID]) > 0 ? "+" : "-",
                           atoi(columns[VM]) > 0 ? "+" : "-");
    for (size_t n = n_known; n < n_all; n++) {
        char *shorter = row;
        row = mem_printf("%s,%s", shorter, columns[n]);
        mem_free(shorter);
    }
    return row;
}

/* Returns the first row that is not as wanted, or NULL. */
static char *compare_rows(struct stage *s, yyjson_val *wanted)
{
    size_t n = 0;
    run(s, "list2");
    for (char *line = s->output, *end; (end = strstr(line, "\r\n")); line = end + 2) {
        *end = '\0';
        char *got = shorten(s, line);
        const char *row = yyjson_get_str(yyjson_arr_get(wanted, n++));
        if (!row || strcmp(got, row) != 0)
            return got;
        mem_free(got);
    }
    return n == yyjson_arr_size(wanted) ? NULL : mem_printf("%zu rows", n);
}

static void check_rows(struct stage *s, yyjson_val *wanted)
{
    char *wrong = compare_rows(s, wanted);
    for (unsigned ms = 0; wrong && s->is_live && ms < PATIENCE_MS; ms += LOOK_MS) {
        mem_free(wrong);
        fake_clock_skip(LOOK_MS);
        wrong = compare_rows(s, wanted);
    }
    cr_assert_null(wrong, "%s: %s", s->scenario, wrong);
}

static void check_columns(struct stage *s, yyjson_val *wanted)
{
    int n = 1;
    run(s, "list2");
    for (const char *at = s->output; *at != '\r'; at++)
        n += *at == ',';
    cr_assert_eq(n, yyjson_get_int(of_profile(s, wanted)), "%s: %d columns", s->scenario, n);
}

static const struct ldc_process *find_process(const struct ldc_processes *all, int index,
                                              const char *kind)
{
    for (size_t i = 0; i < all->n_items; i++) {
        bool is_player = all->items[i].role == LDC_PROCESS_PLAYER;
        if (all->items[i].index == index && is_player == (strcmp(kind, "player") == 0))
            return &all->items[i];
    }
    return NULL;
}

/* "player player vm": as many as there are. */
static char *processes_of(int index)
{
    struct ldc_processes all = {0};
    char *names = mem_strdup("");
    cr_assert_eq(ldc_processes_scan(&all), 0);
    for (enum ldc_process_role role = LDC_PROCESS_PLAYER; role <= LDC_PROCESS_HEADLESS; role++) {
        for (size_t i = 0; i < all.n_items; i++) {
            if (all.items[i].index != index || all.items[i].role != role)
                continue;
            char *longer = mem_printf("%s%s%s", names, *names ? " " : "",
                                      role == LDC_PROCESS_PLAYER ? "player" : "vm");
            mem_free(names);
            names = longer;
        }
    }
    ldc_processes_deinit(&all);
    return names;
}

static void check_processes(struct stage *s, int index, const char *wanted)
{
    char *got = processes_of(index);
    for (unsigned ms = 0; strcmp(got, wanted) != 0 && s->is_live && ms < PATIENCE_MS;
         ms += LOOK_MS) {
        mem_free(got);
        fake_clock_skip(LOOK_MS);
        got = processes_of(index);
    }
    cr_assert_str_eq(got, wanted, "%s: processes of %d", s->scenario, index);
    mem_free(got);
}

static void check_log(struct stage *s, int index, const char *wanted)
{
    for (unsigned ms = 0; !strstr(log_of(s, index), wanted) && ms < PATIENCE_MS; ms += LOOK_MS) {
        fake_clock_skip(LOOK_MS);
        run(s, "list2");
    }
    cr_assert(strstr(log_of(s, index), wanted), "%s: %s", s->scenario, s->log);
}

static void end_process(struct stage *s, const char *which)
{
    struct ldc_processes all = {0};
    cr_assert_eq(ldc_processes_scan(&all), 0);
    const struct ldc_process *process = find_process(&all, atoi(which), strchr(which, ' ') + 1);
    cr_assert(process, "%s: there is no %s", s->scenario, which);
    cr_assert_eq(ldc_process_kill(process), 0);
    ldc_processes_deinit(&all);
}

static void check_files(struct stage *s, int index, const char *wanted)
{
    char *config cleanup(mem_freep) = fake_farm_read_config(s->farm, index);
    bool has_disk = fake_farm_has_disk(s->farm, index);
    char *got cleanup(mem_freep) = mem_printf(
        "%s%s%s", config ? "config" : "", config && has_disk ? " " : "", has_disk ? "disk" : "");
    cr_assert_str_eq(got, wanted, "%s: files of %d", s->scenario, index);
}

static void check_config(struct stage *s, int index, yyjson_val *wanted)
{
    char *text cleanup(mem_freep) = fake_farm_read_config(s->farm, index);
    cr_assert(text, "%s: no config of %d", s->scenario, index);
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    yyjson_obj_iter iter = yyjson_obj_iter_with(wanted);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        yyjson_val *got = yyjson_obj_get(yyjson_doc_get_root(doc), yyjson_get_str(key));
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        cr_assert(yyjson_is_null(value) ? !got : yyjson_equals(got, value), "%s: %s of %d",
                  s->scenario, yyjson_get_str(key), index);
    }
    yyjson_doc_free(doc);
}

/* What a step says of single instances, by their index. */
static void check_each(struct stage *s, const char *what, yyjson_val *by_index)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(by_index);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        yyjson_val *wanted = yyjson_obj_iter_get_val(key);
        int index = atoi(yyjson_get_str(key));
        if (strcmp(what, "processes") == 0)
            check_processes(s, index, yyjson_get_str(wanted));
        else if (strcmp(what, "log") == 0)
            check_log(s, index, yyjson_get_str(wanted));
        else if (strcmp(what, "files") == 0)
            check_files(s, index, yyjson_get_str(wanted));
        else
            check_config(s, index, wanted);
    }
}

static void take_step(struct stage *s, yyjson_val *step)
{
    yyjson_obj_iter iter = yyjson_obj_iter_with(step);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        const char *what = yyjson_get_str(key);
        yyjson_val *value = yyjson_obj_iter_get_val(key);
        if (strcmp(what, "do") == 0)
            check_answer(s, step);
        else if (strcmp(what, "rows") == 0)
            check_rows(s, value);
        else if (strcmp(what, "columns") == 0)
            check_columns(s, value);
        else if (strcmp(what, "end") == 0)
            end_process(s, yyjson_get_str(value));
        else if (strcmp(what, "hide") == 0)
            fake_farm_hide_row(s->farm, atoi(yyjson_get_str(value)), 1000000);
        else if (strcmp(what, "show") == 0)
            fake_farm_hide_row(s->farm, atoi(yyjson_get_str(value)), 0);
        else if (strcmp(what, "lose") == 0)
            fake_farm_lose_disk(s->farm, atoi(yyjson_get_str(value)));
        else if (strcmp(what, "bring") == 0)
            fake_farm_grow_disk(s->farm, atoi(yyjson_get_str(value)), 4);
        else if (strcmp(what, "says") != 0 && strcmp(what, "exit") != 0)
            check_each(s, what, value);
    }
}

static void set_up_verb(struct stage *s, const char *setting)
{
    static const struct {
        const char *word;
        enum farm_answer answer;
    } words[] = {{"ignore", FARM_IGNORE},       {"empty", FARM_EMPTY},
                 {"crash", FARM_CRASH},         {"stray", FARM_NOISE},
                 {"late_disk", FARM_LATE_DISK}, {"no_disk", FARM_LATE_DISK},
                 {"recreate", FARM_RECREATE}};
    for (size_t i = 0; setting && i < countof(words); i++) {
        if (str_has_prefix(setting, words[i].word))
            fake_farm_answer(s->farm, strchr(setting, ' ') + 1, words[i].answer);
    }
}

static void set_up_faults(struct stage *s, yyjson_val *faults)
{
    static const struct {
        const char *word;
        enum farm_fault fault;
    } words[] = {
        {"stuck_starting", FARM_STUCK_STARTING}, {"zombie", FARM_ZOMBIE},
        {"no_kernel_boot", FARM_NO_KERNEL_BOOT}, {"vbox_gutted", FARM_VBOX_GUTTED},
        {"readonly_vmdk", FARM_READONLY_VMDK},   {"repairer", FARM_REPAIRER},
        {"slow_boot", FARM_SLOW_BOOT},           {"hidden", FARM_HIDDEN},
        {"second_player", FARM_SECOND_PLAYER},   {"late_column5", FARM_LATE_COLUMN5},
    };
    yyjson_obj_iter iter = yyjson_obj_iter_with(faults);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));) {
        const char *word = yyjson_get_str(yyjson_obj_iter_get_val(key));
        for (size_t i = 0; i < countof(words); i++) {
            if (strcmp(words[i].word, word) == 0)
                fake_farm_fault_launches(s->farm, atoi(yyjson_get_str(key)), words[i].fault,
                                         FARM_FOR_EVER);
        }
    }
}

static void set_up_columns(struct stage *s, const char *columns)
{
    if (!columns)
        return;
    s->n_more = 1;
    for (const char *at = columns; *at; at++)
        s->n_more += *at == ',';
    fake_farm_add_columns(s->farm, columns);
}

static void set_up_kill_effect(struct stage *s, const char *word)
{
    static const char *const words[] = {"reset", "truncate", "none"}; /* enum farm_effect */
    for (size_t i = 0; word && i < countof(words); i++) {
        if (strcmp(words[i], word) == 0)
            fake_farm_set_kill_effect(s->farm, 1, (enum farm_effect)i);
    }
}

static void play(yyjson_val *scenario, const char *profile)
{
    struct stage s = {
        .scenario = yyjson_get_str(yyjson_obj_get(scenario, "name")),
        .profile = profile,
        .farm = fake_farm_new(),
    };
    yyjson_val *titles = yyjson_obj_get(scenario, "titles");
    yyjson_val *steps = yyjson_obj_get(scenario, "steps");
    yyjson_val *faults = yyjson_obj_get(scenario, "fault");
    s.is_live = faults != NULL;
    if (s.is_live)
        fake_farm_live(s.farm);
    cr_assert_eq(loop_init(&s.loop), 0);
    s.runner = fake_farm_runner(s.farm, &s.loop);
    fake_farm_set_profile(s.farm, profile);
    fake_farm_set_usage(s.farm, "dnplayer Command Line Management Interface\r\n");
    fake_farm_show_processes(s.farm, true);
    fake_farm_put(s.farm, 0, titles ? yyjson_get_str(yyjson_arr_get(titles, 0)) : "LDPlayer");
    fake_farm_put(s.farm, 1, titles ? yyjson_get_str(yyjson_arr_get(titles, 1)) : "LDPlayer-1");
    set_up_faults(&s, faults);
    set_up_verb(&s, yyjson_get_str(yyjson_obj_get(scenario, "set")));
    set_up_columns(&s, yyjson_get_str(yyjson_obj_get(scenario, "more_columns")));
    set_up_kill_effect(&s, yyjson_get_str(yyjson_obj_get(scenario, "kill_effect")));
    for (size_t i = 0; i < yyjson_arr_size(steps); i++)
        take_step(&s, yyjson_arr_get(steps, i));
    s.runner->ops->close(s.runner, on_closed, &s);
    loop_run(&s.loop);
    cr_assert(s.is_closed);
    cr_assert_eq(loop_deinit(&s.loop), 0);
    fake_farm_free(s.farm);
    mem_free(s.output);
    mem_free(s.log);
}

Test(conformance, the_fake_farm_does_what_the_table_of_the_simulator_says)
{
    char *text cleanup(mem_freep) = folder_read(getenv("LDPLAYERD_TEST_DATA"), "conformance.json");
    cr_assert(text);
    yyjson_doc *doc = yyjson_read(text, strlen(text), 0);
    yyjson_val *scenarios = yyjson_obj_get(yyjson_doc_get_root(doc), "scenarios");
    cr_assert_geq(yyjson_arr_size(scenarios), 50);
    for (size_t i = 0; i < yyjson_arr_size(scenarios); i++) {
        yyjson_val *scenario = yyjson_arr_get(scenarios, i);
        yyjson_val *profiles = yyjson_obj_get(scenario, "profiles");
        for (size_t n = 0; n < (profiles ? yyjson_arr_size(profiles) : 1); n++)
            play(scenario, profiles ? yyjson_get_str(yyjson_arr_get(profiles, n)) : "ld9");
    }
    yyjson_doc_free(doc);
}
