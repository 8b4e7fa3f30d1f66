/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_JOURNAL_H
#define TESTS_UNIT_CACHE_JOURNAL_H

#include "tests/unit/cache/fixture.h"

/** A journal of another database as that of DIR/ldplayerd.db: SQLite would write it into
 *  whatever it finds there. */
static inline void put_journal(const char *dir)
{
    sqlite3 *db = NULL;
    char *elsewhere = folder_make(), *other = fs_join(elsewhere, "other.db"),
         *journal = mem_printf("%s-journal", other), *to = fs_join(dir, "ldplayerd.db-journal");
    cr_assert_eq(sqlite3_open(other, &db), SQLITE_OK);
    execute(db, "CREATE TABLE t (x);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50)"
                " INSERT INTO t SELECT zeroblob(3000) FROM n;"
                "PRAGMA cache_size = 1; BEGIN; UPDATE t SET x = randomblob(3000)");
    cr_assert_eq(fs_copy(journal, to), 0);
    sqlite3_close(db);
    mem_free(to);
    mem_free(journal);
    mem_free(other);
    folder_remove(elsewhere);
}

#endif
