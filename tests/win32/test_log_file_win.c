/* SPDX-License-Identifier: MIT */

/* base/log/log_file.c, while other programs read the file. */

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include <windows.h>

#include "base/log/log_file.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "tests/support/folder.h"

static char *folder;
static int n_failed, n_troubles;

#define check(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            n_failed++;                                                                            \
        }                                                                                          \
    } while (0)

static void on_trouble(void *arg, const char *sentence)
{
    (void)arg;
    n_troubles++;
    printf("told: %s\n", sentence);
}

static struct log_file *open_log(const char *path)
{
    struct log_file_options options = {path, 100, 5, 30, on_trouble, NULL};
    return log_file_new(&options);
}

static void write_one(struct log_file *file, int64_t wall_ms, const char *message)
{
    struct log_record record = {wall_ms, LOG_INFO, "test", message};
    log_file_write(file, &record);
}

static HANDLE open_reader(const char *path, DWORD share)
{
    return CreateFileA(path, GENERIC_READ, share, NULL, OPEN_EXISTING, 0, NULL);
}

/* SHARE is how the reader opened it. */
static void test_reader(const char *name, DWORD share)
{
    char *log_name cleanup(mem_freep) = mem_printf("%s.log", name);
    char *aside_name cleanup(mem_freep) = mem_printf("%s-20010909T014640Z.log", name);
    char *path cleanup(mem_freep) = mem_printf("%s\\%s", folder, log_name);
    struct log_file *file = open_log(path);
    write_one(file, 1000000000000, "first");
    HANDLE reader = open_reader(path, share);
    check(reader != INVALID_HANDLE_VALUE);
    write_one(file, 1000000000000, "second, which does not fit any more");
    char *aside cleanup(mem_freep) = folder_read(folder, aside_name);
    char *now cleanup(mem_freep) = folder_read(folder, log_name);
    check(aside && strstr(aside, "first"));
    check(now && strstr(now, "second") && !strstr(now, "first"));
    CloseHandle(reader);
    log_file_free(file);
}

/* One that lets nobody write: the records are missing, and the file says how many. */
static void test_greedy_reader(void)
{
    char *path cleanup(mem_freep) = mem_printf("%s\\greedy.log", folder);
    folder_write(folder, "greedy.log", "");
    HANDLE reader = open_reader(path, FILE_SHARE_READ);
    struct log_file *file = open_log(path);
    n_troubles = 0;
    write_one(file, 1000000000000, "lost");
    write_one(file, 1000000000001, "lost");
    check(n_troubles == 1);
    CloseHandle(reader);
    write_one(file, 1000000060000, "here");
    log_file_free(file);
    char *text cleanup(mem_freep) = folder_read(folder, "greedy.log");
    check(text && strstr(text, "2 records could not be written") && strstr(text, "here"));
}

int main(void)
{
    folder = folder_make();
    test_reader("polite", FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    test_reader("usual", FILE_SHARE_READ | FILE_SHARE_WRITE);
    check(n_troubles == 0);
    test_greedy_reader();
    printf("%d failed\n", n_failed);
    folder_remove(folder);
    return n_failed ? 1 : 0;
}
