/* SPDX-License-Identifier: MIT */
#include "tests/unit/cache/backup/restore_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

char *folder, *file;

void restore_begin(void)
{
    folder = folder_make();
    file = mem_printf("%s.backup", folder);
}

void restore_end(void)
{
    unlink(file);
    mem_free(file);
    folder_remove(folder);
}

void begin_anew(void)
{
    folder_remove(folder);
    folder = folder_make();
    set("old");
    unlink(file);
    back_up();
}

void set(const char *value)
{
    char *sql = mem_printf("INSERT OR REPLACE INTO preferences VALUES ('is', '%s')", value);
    sqlite3 *db = open_db(folder);
    execute(db, sql);
    cache_db_close(db);
    mem_free(sql);
}

void set_and_crash(const char *value)
{
    pid_t pid = fork();
    if (pid == 0) {
        char *sql = mem_printf("INSERT OR REPLACE INTO preferences VALUES ('is', '%s')", value);
        execute(open_db(folder), sql);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

bool is(const char *path, const char *value)
{
    sqlite3 *db = NULL;
    char *sql =
        mem_printf("SELECT count(*) FROM preferences WHERE name = 'is' AND value = '%s'", value);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK, "%s", path);
    bool result = query_number(db, sql) == 1;
    cr_assert_eq(query_number(db, "SELECT count(*) FROM pragma_integrity_check"
                                  " WHERE integrity_check = 'ok'"),
                 1);
    cache_db_close(db);
    mem_free(sql);
    return result;
}

bool database_is(const char *value)
{
    char *path = fs_join(folder, "ldplayerd.db");
    bool result = is(path, value);
    mem_free(path);
    return result;
}

void back_up(void)
{
    struct cache_copy copy;
    struct cache_db_error error;
    char *path = fs_join(folder, "ldplayerd.db");
    cr_assert_eq(cache_copy_make(path, file, NULL, &copy, &error), 0, "%s", error.text);
    mem_free(path);
}

struct cache_staged staged;

void stage(void)
{
    struct cache_db_error error;
    cr_assert_eq(cache_restore_stage(folder, file, &staged, &error), 0, "%s", error.text);
}

int try_to_arm(const char *id)
{
    struct cache_db_error error = {{0}};
    int r = cache_restore_arm(folder, id, &error);
    cr_assert_eq(r < 0, error.text[0] != '\0');
    return r;
}

void stage_and_arm(void)
{
    stage();
    cr_assert_eq(try_to_arm(staged.id), 0);
}

bool has(const char *name)
{
    char *path = fs_join(folder, name);
    bool is_there = fs_exists(path);
    mem_free(path);
    return is_there;
}

bool is_armed(void)
{
    return has("ldplayerd.db.restore");
}

char *finish(void)
{
    struct cache_db_error error;
    char *kept = NULL;
    cr_assert_eq(cache_restore_finish(folder, &kept, &error), 0, "%s", error.text);
    return kept;
}

void expect_restored(const char *now, const char *before)
{
    char *kept = finish();
    cr_assert_not_null(kept);
    cr_assert(database_is(now));
    if (before)
        cr_assert(is(kept, before), "%s", kept);
    else
        cr_assert_str_empty(kept);
    cr_assert_not(is_armed());
    mem_free(kept);
}

void run_finish(void)
{
    mem_free(finish());
}
