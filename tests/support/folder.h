/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stddef.h>

/** A folder of the test's own, below the system's place for temporary files. */
char *folder_make(void);
/** Removes it with all it holds and frees FOLDER. */
void folder_remove(char *folder);
/** Number of entries. */
size_t folder_count(const char *folder);
/** Writes TEXT to FOLDER/NAME, making the folders in between. */
void folder_write(const char *folder, const char *name, const char *text);
/** Content of FOLDER/NAME, owned by the caller; NULL when there is no such file. */
char *folder_read(const char *folder, const char *name);

#endif
