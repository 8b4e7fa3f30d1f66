/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "os.h"

#include <string.h>

enum { MAX_LOG_BYTES = 1 << 20 };

static const char *const disks[] = {"system.vmdk", "data.vmdk", "sdcard.vmdk"};
enum { N_DISKS = sizeof(disks) / sizeof(disks[0]) };

static char *folder(const struct home *home, int index)
{
    return home_path(home, "vms/leidian%d", index);
}

char *machine_disk_path(const struct home *home, int index)
{
    return mem_printf("%s/data.vmdk", folder(home, index));
}

static char *log_path(const struct home *home, int index)
{
    return home_path(home, "vms/leidian%d/Logs/VBox.log", index);
}

char *machine_uuid(int index)
{
    return mem_printf("20160302-bbbb-bbbb-0eee-%012d", index);
}

static void write_text(const char *path, const char *text)
{
    /* The folder may be missing (--bare) or going away; nobody depends on these files. */
    (void)os_write_file(path, text, strlen(text));
}

/* The bytes that a disk of a new machine, or the one that is copied, has. */
static void disk_bytes(const struct home *home, int from, const char *disk, struct text *ret_bytes)
{
    if (from >= 0 && os_read_file(mem_printf("%s/%s", folder(home, from), disk), ret_bytes) == 0)
        return;
    text_printf(ret_bytes,
                "# Disk DescriptorFile\r\nversion=1\r\nCID=%08llx\r\n"
                "createType=\"monolithicSparse\"\r\n",
                (unsigned long long)(os_random() & 0xFFFFFFFF));
}

/* Only ever adds: a disk that grows is never shorter than it was. */
static void write_on(const char *path, const struct text *bytes, size_t len)
{
    struct os_info info = {0};

    (void)os_stat(path, &info); /* not there yet: nothing of it is */
    if (info.size < len)
        (void)os_append_file(path, text_str(bytes) + info.size, len - info.size, len);
}

void machine_grow(const struct home *home, int index, int from, int percent)
{
    struct text bytes = {0};

    disk_bytes(home, from, "data.vmdk", &bytes);
    (void)os_make_dirs(folder(home, index));
    write_on(machine_disk_path(home, index), &bytes, bytes.len * (size_t)percent / 100);
}

void machine_create(const struct home *home, int index, int from)
{
    char *dir = folder(home, index);

    (void)os_make_dirs(mem_printf("%s/Logs", dir));
    for (int i = 0; i < N_DISKS; i++) {
        char *path = mem_printf("%s/%s", dir, disks[i]);
        struct text bytes = {0};

        disk_bytes(home, from, disks[i], &bytes);
        write_on(path, &bytes, bytes.len);
    }
    machine_write_vbox(home, index, 2048);
}

void machine_remove(const struct home *home, int index)
{
    os_remove_tree(folder(home, index));
}

void machine_write_vbox(const struct home *home, int index, int memory_mb)
{
    char *dir = folder(home, index);

    if (os_exists(dir))
        write_text(mem_printf("%s/leidian.vbox", dir),
                   mem_printf("<?xml version=\"1.0\"?>\r\n<VirtualBox>\r\n"
                              "  <Machine uuid=\"{%s}\" name=\"leidian%d\">\r\n"
                              "    <Hardware><Memory RAMSize=\"%d\"/></Hardware>\r\n"
                              "  </Machine>\r\n</VirtualBox>\r\n",
                              machine_uuid(index), index, memory_mb));
}

bool machine_has_disk(const struct home *home, int index)
{
    return os_exists(machine_disk_path(home, index));
}

bool machine_is_read_only(const struct home *home, int index)
{
    struct os_info info;

    return os_stat(machine_disk_path(home, index), &info) == 0 && info.read_only;
}

void machine_set_read_only(const struct home *home, int index)
{
    for (int i = 0; i < N_DISKS; i++)
        os_set_read_only(mem_printf("%s/%s", folder(home, index), disks[i]), true);
}

void machine_log_start(const struct home *home, int index)
{
    (void)os_make_dirs(mem_printf("%s/Logs", folder(home, index)));
    write_text(log_path(home, index), "");
    machine_log(home, index, "VirtualBox VM log opened");
}

void machine_log(const struct home *home, int index, const char *line)
{
    char *text = mem_printf("%s\r\n", line);

    (void)os_append_file(log_path(home, index), text, strlen(text), MAX_LOG_BYTES);
}
