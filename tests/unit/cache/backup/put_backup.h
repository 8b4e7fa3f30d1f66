/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_BACKUP_PUT_BACKUP_H
#define TESTS_UNIT_CACHE_BACKUP_PUT_BACKUP_H

#include "tests/unit/cache/fixture.h"

/** The head of a database of schema 5 as FOLDER/NAME, in "backups" or not: what a list looks at. */
static inline void put_backup(const char *folder, const char *name)
{
    char head[100] = "SQLite format 3", *path = fs_join(folder, name);
    head[63] = 5;
    folder_write(folder, name, "");
    cr_assert_eq(fs_write_atomic(path, head, sizeof(head)), 0);
    mem_free(path);
}

#endif
