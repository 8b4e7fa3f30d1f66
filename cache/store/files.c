/* SPDX-License-Identifier: MIT */
#include "cache/store/files.h"

#include <stdbool.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "base/system/fs.h"

/* The file comes first. */
static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

void cache_files_remove(const char *path)
{
    for (size_t i = 0; i < countof(suffixes); i++) {
        char *file cleanup(mem_freep) = mem_printf("%s%s", path, suffixes[i]);
        (void)fs_remove(file);
    }
}

char *cache_files_find_beside(const char *path)
{
    for (size_t i = 1; i < countof(suffixes); i++) {
        char *file cleanup(mem_freep) = mem_printf("%s%s", path, suffixes[i]);
        if (fs_exists(file))
            return take_ptr(file);
    }
    return NULL;
}

char *cache_files_choose(const char *prefix, int64_t now, const char *suffix)
{
    char stamp[CLOCK_STAMP_SIZE];
    clock_stamp(now, stamp);
    for (unsigned i = 1;; i++) {
        char *path cleanup(mem_freep) = i == 1 ? mem_printf("%s%s%s", prefix, stamp, suffix)
                                               : mem_printf("%s%s-%u%s", prefix, stamp, i, suffix);
        char *beside cleanup(mem_freep) = cache_files_find_beside(path);
        if (!beside && !fs_exists(path))
            return take_ptr(path);
    }
}

static int move(const char *path, const char *to, const char *suffix)
{
    char *from cleanup(mem_freep) = mem_printf("%s%s", path, suffix);
    char *kept cleanup(mem_freep) = mem_printf("%s%s", to, suffix);
    int r = fs_rename(from, kept);
    return r == UV_ENOENT ? 0 : r;
}

int cache_files_put_aside(const char *path, const char *kept)
{
    size_t n = 0;
    int r = 0;
    while (r == 0 && n < countof(suffixes))
        r = move(path, kept, suffixes[n++]);
    while (r < 0 && n-- > 0)
        (void)move(kept, path, suffixes[n]);
    return r;
}

/* As the head says (the SQLite file format, offset 18): 1 is one with a journal, 2 one with a log.
 */
static bool can_have_journal(const char *path)
{
    static const char magic[] = "SQLite format 3";
    char head[20];
    return fs_read_head(path, head, sizeof(head)) == 0 && memcmp(head, magic, sizeof(magic)) == 0 &&
           head[18] == 1;
}

int cache_files_put_journal_aside(const char *path)
{
    char *journal cleanup(mem_freep) = mem_printf("%s-journal", path);
    if (fs_check_file(journal) < 0 || can_have_journal(path))
        return 0;
    char *prefix cleanup(mem_freep) = mem_printf("%s.damaged-", path);
    char *kept cleanup(mem_freep) = cache_files_choose(prefix, clock_wall_ms(), "");
    return move(path, kept, "-journal");
}

/* The account that types it is not always the one whose default the directory is. */
char *cache_files_restore_command(const char *copy, const char *data_dir)
{
    const char *quote = strpbrk(copy, " '&()") || strpbrk(data_dir, " '&()") ? "\"" : "";
    return mem_printf("ldplayerd restore %s%s%s --data-dir %s%s%s", quote, copy, quote, quote,
                      data_dir, quote);
}
