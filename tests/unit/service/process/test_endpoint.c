/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/process/endpoint.h"
#include "tests/support/folder.h"

static char *dir;

static void begin(void)
{
    dir = folder_make();
}

static void end(void)
{
    folder_remove(dir);
}

TestSuite(svc_endpoint, .init = begin, .fini = end);

Test(svc_endpoint, is_read_as_it_was_written)
{
    char http[] = "http://127.0.0.1:1", pipe[] = "/a \"b\"";
    struct svc_endpoint written = {.pid = 77, .http = http, .pipe = pipe};
    struct svc_endpoint found = {0};
    cr_assert_eq(svc_endpoint_write(dir, &written), 0);
    cr_assert_eq(svc_endpoint_read(dir, &found), 0);
    cr_assert_eq(found.pid, 77);
    cr_assert_str_eq(found.http, written.http);
    cr_assert_str_eq(found.pipe, written.pipe);
    svc_endpoint_deinit(&found);
}

Test(svc_endpoint, may_lack_a_way_in)
{
    struct svc_endpoint written = {.pid = 77}, found = {0};
    cr_assert_eq(svc_endpoint_write(dir, &written), 0);
    cr_assert_eq(svc_endpoint_read(dir, &found), 0);
    cr_assert_null(found.http);
    cr_assert_null(found.pipe);
    svc_endpoint_deinit(&found);
}

Test(svc_endpoint, is_none_before_it_is_written_and_after_it_was_removed)
{
    struct svc_endpoint written = {.pid = 77}, found = {0};
    cr_assert_eq(svc_endpoint_read(dir, &found), UV_ENOENT);
    svc_endpoint_remove(dir);
    cr_assert_eq(svc_endpoint_write(dir, &written), 0);
    svc_endpoint_remove(dir);
    cr_assert_eq(svc_endpoint_read(dir, &found), UV_ENOENT);
}

Test(svc_endpoint, of_another_process_is_not_withdrawn)
{
    struct svc_endpoint own = {.pid = uv_os_getpid()}, other = {.pid = own.pid + 1}, found = {0};
    cr_assert_eq(svc_endpoint_write(dir, &other), 0);
    svc_endpoint_withdraw(dir);
    cr_assert_eq(svc_endpoint_read(dir, &found), 0);
    cr_assert_eq(found.pid, other.pid);
    cr_assert_eq(svc_endpoint_write(dir, &own), 0);
    svc_endpoint_withdraw(dir);
    cr_assert_eq(svc_endpoint_read(dir, &found), UV_ENOENT);
}

Test(svc_endpoint, what_is_none_is_refused)
{
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"pid\":0}", "{\"pid\":\"7\"}"};
    char *path cleanup(mem_freep) = fs_join(dir, "ldplayerd.endpoint");
    struct svc_endpoint found = {0};
    for (size_t i = 0; i < countof(texts); i++) {
        cr_assert_eq(fs_write_atomic(path, texts[i], strlen(texts[i])), 0);
        cr_assert_eq(svc_endpoint_read(dir, &found), UV_EINVAL, "%s", texts[i]);
    }
}
