/* SPDX-License-Identifier: MIT */
#include "cache/tables/preferences.h"

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

int cache_preferences_read(sqlite3 *db, const char *name, char **ret_text)
{
    sqlite3_stmt *stmt cleanup(cache_sql_releasep) = NULL;
    int r = cache_sql_query(db, &stmt, "SELECT value FROM preferences WHERE name = ?", "s", name);
    if (r < 0)
        return r;
    int stepped = sqlite3_step(stmt);
    *ret_text = stepped == SQLITE_ROW ? cache_sql_text_dup(stmt, 0) : NULL;
    return cache_sql_result(stepped);
}

int cache_preferences_write(sqlite3 *db, const char *name, const char *text)
{
    return cache_sql_run(db, "INSERT OR REPLACE INTO preferences VALUES (?, ?)", "ss", name, text);
}

struct putting {
    char *name, *text;
    cache_done_fn done;
    void *arg;
};

static int exec_put(sqlite3 *db, void *arg)
{
    struct putting *p = arg;
    return cache_preferences_write(db, p->name, p->text);
}

static void on_put(void *arg, int status)
{
    struct putting *p = arg;
    if (p->done)
        p->done(p->arg, status);
    mem_free(p->name);
    mem_free(p->text);
    mem_free(p);
}

void cache_preferences_put(struct cache_store *store, const char *name, const char *text,
                           cache_done_fn done, void *arg)
{
    struct putting *p = mem_new(struct putting);
    *p = (struct putting){mem_strdup(name), mem_strdup(text), done, arg};
    cache_store_write(store, exec_put, on_put, p);
}

static int exec_remove(sqlite3 *db, void *arg)
{
    return cache_sql_run(db, "DELETE FROM preferences WHERE name = ?", "s", (const char *)arg);
}

void cache_preferences_remove(struct cache_store *store, const char *name)
{
    cache_store_write(store, exec_remove, NULL, (void *)name);
}
