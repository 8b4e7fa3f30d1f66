/* SPDX-License-Identifier: MIT */
#ifndef SIMULATOR_OS_H
#define SIMULATOR_OS_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/* What the simulator needs of the operating system: os_file_{unix,win}.c and
 * os_process_{unix,win}.c.  Paths and texts are UTF-8 on both sides.  Functions return 0, or -1
 * when it did not work. */

/** The program's own body; entry_{unix,win}.c call it with UTF-8 arguments. */
int program_main(int argc, char **argv);

/** The part that differs in names: ".exe" on Windows, "" elsewhere. */
extern const char os_exe_suffix[];

/* Files. */

struct os_info {
    uint64_t size;
    int64_t changed_ns; /* time of the last change, since 1970 */
    bool is_dir;
    bool read_only; /* the file carries the read-only attribute, or nobody's write bit is set */
};

int os_stat(const char *path, struct os_info *ret_info);
bool os_exists(const char *path);
int os_read_file(const char *path, struct text *ret_bytes);

/** Write in place; for files nobody else reads yet. */
int os_write_file(const char *path, const void *bytes, size_t len);

/** Write so that a reader sees the old or the new content, never a part. */
int os_replace_file(const char *path, const void *bytes, size_t len);

/** Add to the end in one write; does nothing once the file has `max_bytes` or more. */
int os_append_file(const char *path, const void *bytes, size_t len, uint64_t max_bytes);

/** Opens it to write and never closes it, as one does who is at work on it. -1: it cannot be. */
intptr_t os_open_file(const char *path);
/** It was written to just now. */
void os_touch_file(intptr_t file);

int os_copy_file(const char *from, const char *to);

/** Move a file out of the way; a program that runs can be renamed though not overwritten. */
int os_rename(const char *from, const char *to);

/** The absolute path without links in it, without a separator at the end; NULL when there is no
 *  such file. */
char *os_real_path(const char *path);

/** The path as the system itself writes it: with backslashes on Windows. */
char *os_native_path(const char *path);

int os_make_dirs(const char *path);
int os_remove_file(const char *path);
void os_remove_tree(const char *path);
void os_set_read_only(const char *path, bool read_only);

/** Call `each` for every entry but "." and ".."; `info` is NULL unless asked for. */
int os_list_dir(const char *path, bool with_info,
                void (*each)(void *arg, const char *name, const struct os_info *info), void *arg);

/** Take the lock that the file stands for, waiting for it; it ends with the process at the latest.
 *  Returns a handle for os_unlock, or -1. */
intptr_t os_lock(const char *path);
void os_unlock(intptr_t lock);

/* Standard output, byte for byte. */

void os_write_stdout(const void *bytes, size_t len);
void os_write_stderr(const void *bytes, size_t len);

/* Time. */

/** Milliseconds since the machine started, the same clock in every process. */
int64_t os_now_ms(void);

/** Nanoseconds since 1970. */
int64_t os_wall_ns(void);

void os_sleep_ms(int64_t ms);

/* Processes. */

/** Directory of the running program, without a separator at the end. */
char *os_self_dir(void);

int64_t os_pid(void);

/** A number that tells this process from any other one that had or will have its pid;
 *  0 when no such process lives. */
uint64_t os_birth(int64_t pid);

/** Start a program that outlives us: own session, no inherited handles; standard output and error
 *  go nowhere unless `keep_output`.  argv[0] is the path.  Returns the pid, or -1. */
int64_t os_spawn(char *const argv[], bool keep_output);

/** End the process, if it is the one of that birth. */
void os_kill(int64_t pid, uint64_t birth);

/** Exit code that stands for a program that did not start for want of elevation. */
extern const int os_exit_not_elevated;

/** End as a program does that used a handle which is none: 0xC0000008 on Windows, a signal
 *  elsewhere, and not a word. */
_Noreturn void os_crash(void);

/** Once, in a program that starts others and does not wait for them. */
void os_ignore_children(void);

/** A variable of the environment of this process and of those it starts; NULL takes it away. */
void os_set_variable(const char *name, const char *value);

/** NULL when there is none. */
char *os_variable(const char *name);

/** A number nobody can guess much of. */
uint64_t os_random(void);

#endif
