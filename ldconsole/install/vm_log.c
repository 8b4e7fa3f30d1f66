/* SPDX-License-Identifier: MIT */
/* A healthy log is full of names of libraries and of VERR_ words that mean nothing: only certain
 * pairs of words in one line are a fault. */
#include "ldconsole/install/vm_log.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

enum { MAX_TAIL = 256 * 1024 };

#define REINSTALL "is missing or broken (a part of LDPlayer's VM): repair or install LDPlayer again"

/* What makes a line that names a library a complaint about it. */
#define COMPLAINT "VERR_", "missing", "not found", "ailed", "annot"

static const struct {
    const char *word, *others[6]; /* and one of the others in the same line, if there are any */
    const char *sentence;
    bool is_lasting;
} faults[] = {
    {"VERR_VD_IMAGE_READ_ONLY",
     {NULL},
     "a disk cannot be written (VERR_VD_IMAGE_READ_ONLY): take the attribute read-only from the "
     "disks in its folder",
     true},
    {"VERR_FILE_NOT_FOUND",
     {".vmdk"},
     "a disk is not there (VERR_FILE_NOT_FOUND): restore it, or remove the instance",
     true},
    {"VERR_SHARING_VIOLATION",
     {".vmdk"},
     "a disk is held by another program, such as a copy (VERR_SHARING_VIOLATION)",
     false},
    {"libOpenglRender2.dll", {COMPLAINT}, "libOpenglRender2.dll " REINSTALL, true},
    {"host_manager2.dll", {COMPLAINT}, "host_manager2.dll " REINSTALL, true},
    {"fastpipe2.dll", {COMPLAINT}, "fastpipe2.dll " REINSTALL, true},
    {"GLES_V2.dll", {COMPLAINT}, "GLES_V2.dll " REINSTALL, true},
    {"0x80000003",
     {NULL},
     "the guest aborted (0x80000003), as it does where a part of LDPlayer's VM is missing: repair "
     "or install LDPlayer again",
     false},
};

static bool has(const char *line, size_t n, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= n; i++) {
        if (memcmp(line + i, word, len) == 0)
            return true;
    }
    return false;
}

static bool has_any(const char *line, size_t n, const char *const *words)
{
    bool is_there = !*words;
    for (; *words && !is_there; words++)
        is_there = has(line, n, *words);
    return is_there;
}

static bool has_line(const char *text, size_t n, const char *word, const char *const *others)
{
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        if (has(text + at, len, word) && has_any(text + at, len, others))
            return true;
        at += len + 1;
    }
    return false;
}

bool ldc_vm_log_judge(const char *text, size_t n, struct ldc_vm_fault *ret)
{
    for (size_t i = 0; i < countof(faults); i++) {
        if (!has_line(text, n, faults[i].word, faults[i].others))
            continue;
        snprintf(ret->sentence, sizeof(ret->sentence), "%s", faults[i].sentence);
        ret->is_lasting = faults[i].is_lasting;
        return true;
    }
    return false;
}

char *ldc_vm_log_path(const char *vms_dir, int index)
{
    return mem_printf("%s/leidian%d/Logs/VBox.log", vms_dir, index);
}

static int read_tail(uv_file file, size_t max, struct buf *out, struct ldc_vm_log_tail *ret)
{
    uv_fs_t req;
    int r = uv_fs_fstat(NULL, &req, file, NULL);
    int64_t size = (int64_t)req.statbuf.st_size;
    *ret = (struct ldc_vm_log_tail){
        .written_at = (int64_t)req.statbuf.st_mtim.tv_sec * 1000 +
                      (int64_t)req.statbuf.st_mtim.tv_nsec / 1000000,
        .size = size,
    };
    uv_fs_req_cleanup(&req);
    char *bytes = r < 0 ? NULL : buf_reserve(out, max);
    if (!bytes)
        return r < 0 ? r : UV_ENOBUFS;
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)max);
    int64_t from = size > (int64_t)max ? size - (int64_t)max : 0;
    ssize_t n = uv_fs_read(NULL, &req, file, &buf, 1, from, NULL);
    uv_fs_req_cleanup(&req);
    out->len += n > 0 ? (size_t)n : 0;
    return n < 0 ? (int)n : 0;
}

int ldc_vm_log_read_tail(const char *path, size_t max, struct buf *out, struct ldc_vm_log_tail *ret)
{
    uv_fs_t req;
    uv_file file = uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY, 0, NULL);
    uv_fs_req_cleanup(&req);
    if (file < 0)
        return file;
    int r = read_tail(file, max, out, ret);
    (void)uv_fs_close(NULL, &req, file, NULL);
    uv_fs_req_cleanup(&req);
    return r;
}

bool ldc_vm_log_read(const char *vms_dir, int index, int64_t since_wall_ms,
                     struct ldc_vm_fault *ret)
{
    char *path cleanup(mem_freep) = ldc_vm_log_path(vms_dir, index);
    struct buf tail cleanup(buf_deinit);
    struct ldc_vm_log_tail of;
    buf_init(&tail, 0);
    int r = ldc_vm_log_read_tail(path, MAX_TAIL, &tail, &of);
    return r == 0 && of.written_at >= since_wall_ms && tail.len > 0 &&
           ldc_vm_log_judge(tail.data, tail.len, ret);
}
