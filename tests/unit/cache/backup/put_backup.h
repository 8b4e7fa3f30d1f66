/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CACHE_BACKUP_PUT_BACKUP_H
#define TESTS_UNIT_CACHE_BACKUP_PUT_BACKUP_H

#include "tests/unit/cache/fixture.h"

/** What has the head and the size of a database of schema 5 as FOLDER/NAME, in "backups" or not:
 * what a list looks at. */
static inline void put_backup(const char *folder, const char *name)
{
    char page[4096] = "SQLite format 3", *path = fs_join(folder, name);
    page[31] = 1;
    page[63] = 5;
    folder_write(folder, name, "");
    cr_assert_eq(fs_write_atomic(path, page, sizeof(page)), 0);
    mem_free(path);
}

#endif
