/* SPDX-License-Identifier: MIT */
#ifndef CACHE_REPAIRED_H
#define CACHE_REPAIRED_H

#include <sqlite3.h>

/** The `finish` of a repair (cache/store/repair.h): what the tables need after rows were lost.
 *  Numbers of events go on above all there were, and keys are made again from their operations. On
 *  the new database. Returns 0 or a UV code. */
int cache_repaired_finish(sqlite3 *db);

#endif
