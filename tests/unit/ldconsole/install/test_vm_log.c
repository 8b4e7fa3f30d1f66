/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/clock.h"
#include "ldconsole/install/vm_log.h"
#include "tests/support/folder.h"

static const struct {
    const char *text, *word; /* NULL = no fault */
    bool is_lasting;
} logs[] = {
    {"", NULL, false},
    {"VirtualBox VM log opened\r\nChanging the VM state from 'STARTING' to 'RUNNING'\r\n", NULL,
     false},
    {"00:00:01 VD: error VERR_VD_IMAGE_READ_ONLY opening image file 'data.vmdk'\r\n"
     "Power up failed (PowerUpFailed)\r\n",
     "read-only", true},
    {"VD: error VERR_FILE_NOT_FOUND opening image file 'sdcard.vmdk'", "is not there", true},
    {"VD: error VERR_SHARING_VIOLATION opening image file 'data.vmdk'", "held by another", false},
    {"loading libOpenglRender2.dll\nVERR_FILE_NOT_FOUND: no settings\nfastpipe2.dll at 7ff6", NULL,
     false},
    {"fastpipe2.dll at 7ff6\nhost_manager2.dll: VERR_MODULE_NOT_FOUND\n", "host_manager2.dll",
     true},
    {"libOpenglRender2.dll is missing, exception 0x80000003", "libOpenglRender2.dll is missing",
     true},
    {"unhandled exception 0x80000003 in the guest", "aborted", false},
};

Test(ldc_vm_log, tells_why_a_machine_does_not_start)
{
    for (size_t i = 0; i < countof(logs); i++) {
        struct ldc_vm_fault fault = {0};
        bool is_fault = ldc_vm_log_judge(logs[i].text, strlen(logs[i].text), &fault);
        cr_assert_eq(is_fault, logs[i].word != NULL, "%s", logs[i].text);
        if (!is_fault)
            continue;
        cr_expect(strstr(fault.sentence, logs[i].word), "%s", fault.sentence);
        cr_expect_eq(fault.is_lasting, logs[i].is_lasting, "%s", logs[i].text);
    }
}

Test(ldc_vm_log, the_end_of_a_log_of_this_run_is_read)
{
    char *vms = folder_make();
    struct ldc_vm_fault fault;
    enum { LONG = 400000 };
    char *text cleanup(mem_freep) = mem_alloc(LONG + 100);
    cr_expect_not(ldc_vm_log_read(vms, 3, 0, &fault), "there is none");
    memset(text, 'x', LONG);
    strcpy(text + LONG, "\nVERR_VD_IMAGE_READ_ONLY\n");
    folder_write(vms, "leidian3/Logs/VBox.log", text);
    cr_expect(ldc_vm_log_read(vms, 3, clock_wall_ms() - 60000, &fault));
    cr_expect(fault.is_lasting);
    cr_expect_not(ldc_vm_log_read(vms, 3, clock_wall_ms() + 60000, &fault), "of another run");
    cr_expect_not(ldc_vm_log_read(vms, 4, 0, &fault), "of another instance");
    folder_remove(vms);
}
