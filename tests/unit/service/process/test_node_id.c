/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <criterion/criterion.h>
#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"
#include "service/process/node_id.h"
#include "tests/support/folder.h"

static char *folder;

static void begin(void)
{
    folder = folder_make();
}

static void end(void)
{
    folder_remove(folder);
}

TestSuite(svc_node_id, .init = begin, .fini = end);

Test(svc_node_id, is_made_once_and_stays)
{
    char first[UUID_SIZE], again[UUID_SIZE];
    cr_assert_eq(svc_node_id_read(folder, first), 0);
    cr_assert_eq(strlen(first), UUID_SIZE - 1);
    cr_assert_eq(svc_node_id_read(folder, again), 0);
    cr_assert_str_eq(again, first);
    char *text = folder_read(folder, SVC_NODE_ID_FILE);
    cr_assert_eq(strncmp(text, first, UUID_SIZE - 1), 0);
    mem_free(text);
}

Test(svc_node_id, is_another_in_another_directory)
{
    char one[UUID_SIZE], other[UUID_SIZE];
    char *elsewhere = folder_make();
    cr_assert_eq(svc_node_id_read(folder, one), 0);
    cr_assert_eq(svc_node_id_read(elsewhere, other), 0);
    cr_assert_str_neq(one, other);
    folder_remove(elsewhere);
}

Test(svc_node_id, may_have_the_line_end_of_an_editor)
{
    char id[UUID_SIZE];
    static const char *const texts[] = {"01234567-89ab-cdef-0123-456789abcdef",
                                        "01234567-89ab-cdef-0123-456789abcdef\n",
                                        "01234567-89ab-cdef-0123-456789abcdef\r\n"};
    for (size_t i = 0; i < countof(texts); i++) {
        folder_write(folder, SVC_NODE_ID_FILE, texts[i]);
        cr_assert_eq(svc_node_id_read(folder, id), 0);
        cr_assert_str_eq(id, "01234567-89ab-cdef-0123-456789abcdef");
    }
}

Test(svc_node_id, is_never_made_up_from_what_is_none)
{
    char id[UUID_SIZE], long_text[1000];
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    const char *const texts[] = {"",
                                 "\n",
                                 "01234567-89ab-cdef-0123-456789abcde",
                                 "01234567-89ab-cdef-0123-456789abcdeff",
                                 "0123456789ab-cdef-0123-456789abcdef00",
                                 "01234567-89ab-cdef-0123-456789abcdeg",
                                 "01234567-89AB-cdef-0123-456789abcdef",
                                 long_text};
    for (size_t i = 0; i < countof(texts); i++) {
        folder_write(folder, SVC_NODE_ID_FILE, texts[i]);
        cr_assert_eq(svc_node_id_read(folder, id), UV_EINVAL, "%s", texts[i]);
        char *text = folder_read(folder, SVC_NODE_ID_FILE);
        cr_assert_str_eq(text, texts[i], "what is there stays for who wants to look");
        mem_free(text);
    }
}

Test(svc_node_id, tells_that_it_cannot_be_written)
{
    char id[UUID_SIZE];
    char *nowhere cleanup(mem_freep) = fs_join(folder, "nowhere");
    cr_assert_eq(svc_node_id_read(nowhere, id), UV_ENOENT);
}
