/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PAGES_H
#define CACHE_PAGES_H

#include <stdbool.h>

#include "cache/pages/file.h"

/** The pages of a database, each as it was last committed: from the file, or from the log beside
 *  it. SQLite is not asked, so that nothing which it will not open is lost. Nothing is written.
 *  Blocks; one thread. */
struct cache_pages;

/** Returns 0 or a UV code. A log that is missing is fine. */
int cache_pages_open(const char *path, struct cache_pages **ret);
/** Accepts NULL. */
void cache_pages_close(struct cache_pages *pages);
/** Pages are numbered from 1 up to this. */
uint32_t cache_pages_count(const struct cache_pages *pages);
/** False when there is no such page, or it cannot be read. A page whose newest form is lost is not
 *  given in an older one: what was revoked or removed since would be back. */
bool cache_pages_read(const struct cache_pages *pages, uint32_t number,
                      unsigned char bytes[CACHE_PAGE_SIZE]);
/** One byte for each page that is not in use, from the list that SQLite keeps of them, but found
 *  also without its beginning in page 1; index 0 is not used. Owned by the caller. RET_IS_WHOLE: it
 *  has as many as page 1 says, or that cannot be read. */
bool *cache_pages_free_list(const struct cache_pages *pages, bool *ret_is_whole);

#endif
