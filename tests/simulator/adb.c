/* SPDX-License-Identifier: MIT */
#include "adb.h"

#include "catalogue.h"
#include "guest.h"
#include "kv.h"
#include "os.h"
#include "timeline.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_PORT = 5554, WAIT_POLL_MS = 20, ADB_REMOTE = 2 };

enum device {
    DEVICE_ABSENT,
    DEVICE_OFFLINE, /* Android is coming up */
    DEVICE_READY,
};

char *adb_serial(int index)
{
    return mem_printf("emulator-%d", FIRST_PORT + 2 * index);
}

static char *network_serial(int index)
{
    return mem_printf("127.0.0.1:%d", FIRST_PORT + 1 + 2 * index);
}

static int index_of_port(int port)
{
    return port >= 0 && port % 2 == 0 ? port / 2 : -1;
}

/* An address of this machine that is not the loopback: as the others in the network see it. */
static bool is_remote(const char *address)
{
    return !text_starts(address, "127.0.0.1:") && !text_starts(address, "localhost:");
}

/* -1 for a serial that no instance can have. */
static int index_of(const char *serial)
{
    const char *colon = strchr(serial, ':');
    int port;
    char rest;

    if (sscanf(serial, "emulator-%d%c", &port, &rest) == 1)
        return index_of_port(port - FIRST_PORT);
    if (colon && sscanf(colon + 1, "%d%c", &port, &rest) == 1)
        return index_of_port(port - FIRST_PORT - 1);
    return -1;
}

static enum device device_state(const struct settings *settings, int index)
{
    int64_t now = os_now_ms();
    struct run run;

    if (index >= 0 && settings_fault(settings, index, "adb_stolen"))
        return DEVICE_READY; /* whose VM answers does not ask how ours is */
    if (index < 0 || run_load(settings->home, index, &run) < 0 ||
        settings_fault(settings, index, "adb_dead"))
        return DEVICE_ABSENT;
    if (timeline_adb_answers(&run, now))
        return DEVICE_READY;
    return run.adb_debug && timeline_is_up(&run, now) ? DEVICE_OFFLINE : DEVICE_ABSENT;
}

/* With ADB debugging "local" only the loopback has the port. */
static bool is_refused(const struct settings *settings, int index, const char *address)
{
    struct run run;

    if (index < 0 || device_state(settings, index) == DEVICE_ABSENT)
        return true;
    return is_remote(address) &&
           (run_load(settings->home, index, &run) < 0 || run.adb_debug != ADB_REMOTE);
}

static char *connections_path(const struct adb *adb)
{
    return home_path(adb->settings->home, "sim/adb");
}

static bool is_connected(const struct adb *adb, int index)
{
    struct kv kv;

    return kv_load(connections_path(adb), &kv) == 0 && kv_get(&kv, network_serial(index));
}

static void set_connected(const struct adb *adb, int index, bool connected)
{
    intptr_t lock = home_lock(adb->settings->home);
    struct kv kv;

    (void)kv_load(connections_path(adb), &kv); /* no file: nothing is connected */
    if (connected)
        kv_set(&kv, network_serial(index), "1");
    else
        kv_remove(&kv, network_serial(index));
    (void)kv_save(connections_path(adb), &kv);
    home_unlock(lock);
}

static void print_device(struct adb *adb, const char *serial, enum device state)
{
    text_printf(&adb->out, "%s\t%s\r\n", serial, state == DEVICE_READY ? "device" : "offline");
}

static int run_devices(struct adb *adb)
{
    struct run_list runs = run_load_all(adb->settings->home);
    struct catalogue all = catalogue_load(adb->settings);
    bool has_closed_port = false;

    text_add(&adb->out, "List of devices attached\r\n");
    for (size_t i = 0; i < all.n_items; i++) {
        int index = all.items[i].index;
        const struct run *run = run_list_find(&runs, index);
        enum device state = device_state(adb->settings, index);

        has_closed_port = has_closed_port || (run && !run->adb_debug && process_is_alive(run->vm));
        if (state == DEVICE_ABSENT)
            continue;
        print_device(adb, adb_serial(index), state);
        if (is_connected(adb, index))
            print_device(adb, network_serial(index), state);
    }
    if (has_closed_port)
        print_device(adb, "127.0.0.1:2222", DEVICE_OFFLINE);
    text_add(&adb->out, "\r\n");
    return 0;
}

/* Exits 0 whatever comes of it. */
static int run_connect(struct adb *adb, const char *address)
{
    int index = index_of(address);

    if (is_refused(adb->settings, index, address)) {
        text_printf(&adb->out,
                    "cannot connect to %s: No connection could be made because the target machine "
                    "actively refused it. (10061)\r\n",
                    address);
        return 0;
    }
    text_printf(&adb->out, "%s to %s\r\n",
                is_connected(adb, index) ? "already connected" : "connected", address);
    set_connected(adb, index, true);
    return 0;
}

static int run_disconnect(struct adb *adb, const char *address)
{
    int index = address ? index_of(address) : -1;

    if (!address) {
        os_remove_file(connections_path(adb));
        text_add(&adb->out, "disconnected everything\r\n");
        return 0;
    }
    if (index < 0 || !is_connected(adb, index)) {
        text_printf(&adb->err, "error: no such device '%s'\r\n", address);
        return 1;
    }
    set_connected(adb, index, false);
    text_printf(&adb->out, "disconnected %s\r\n", address);
    return 0;
}

static int fail_not_found(struct adb *adb, const char *serial)
{
    text_printf(&adb->err, "adb.exe: device '%s' not found\r\n", serial);
    return 1;
}

/* The only device there is, when there is only one. */
static int only_device(struct adb *adb, const char **ret_serial)
{
    struct run_list runs = run_load_all(adb->settings->home);
    int found = -1;

    for (size_t i = 0; i < runs.n_items; i++) {
        if (device_state(adb->settings, runs.items[i].index) == DEVICE_ABSENT)
            continue;
        if (found >= 0) {
            text_add(&adb->err, "adb.exe: more than one device/emulator\r\n");
            return -1;
        }
        found = runs.items[i].index;
    }
    if (found < 0)
        text_add(&adb->err, "adb.exe: no devices/emulators found\r\n");
    else
        *ret_serial = adb_serial(found);
    return found;
}

static int run_install(struct adb *adb, int index, const char *file)
{
    const struct home *home = adb->settings->home;
    const char *name = file;

    if (!os_exists(file)) {
        text_printf(&adb->err, "adb.exe: failed to stat %s: No such file or directory\r\n", file);
        return 1;
    }
    for (const char *at = file; *at; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    guest_install(home, index, mem_text_n(name, strlen(name) - (text_ends(name, ".apk") ? 4 : 0)));
    text_add(&adb->out, "Performing Streamed Install\r\nSuccess\r\n");
    return 0;
}

static int run_uninstall(struct adb *adb, int index, const char *package)
{
    bool was_there = guest_uninstall(adb->settings->home, index, package);

    text_add(&adb->out, was_there ? "Success\r\n" : "Failure [DELETE_FAILED_INTERNAL_ERROR]\r\n");
    return !was_there;
}

static int run_copy(struct adb *adb, const char *what, const char *from, const char *to)
{
    if (os_copy_file(from, to) < 0) {
        text_printf(&adb->err, "adb.exe: error: failed to copy '%s' to '%s'\r\n", from, to);
        return 1;
    }
    text_printf(&adb->out, "1 file %s, 0 skipped.\r\n", what);
    return 0;
}

static int run_on_device(struct adb *adb, int index, int argc, char **argv)
{
    const struct home *home = adb->settings->home;

    if (strcmp(argv[0], "shell") == 0)
        return guest_shell(adb->settings, index, true, words_join(argc - 1, argv + 1), &adb->out);
    if (strcmp(argv[0], "get-state") == 0) {
        text_add(&adb->out, "device\r\n");
        return 0;
    }
    if (strcmp(argv[0], "install") == 0 && argc >= 2)
        return run_install(adb, index, argv[argc - 1]);
    if (strcmp(argv[0], "uninstall") == 0 && argc >= 2)
        return run_uninstall(adb, index, argv[argc - 1]);
    if (strcmp(argv[0], "push") == 0 && argc == 3)
        return run_copy(adb, "pushed", argv[1], guest_file(home, index, argv[2]));
    if (strcmp(argv[0], "pull") == 0 && argc == 3)
        return run_copy(adb, "pulled", guest_file(home, index, argv[1]), argv[2]);
    text_printf(&adb->err, "adb.exe: unknown command %s\r\n", argv[0]);
    return 1;
}

/* Blocks, as the real one does, until the device is there or the installation is not. */
static void wait_for_device(const struct adb *adb, int index)
{
    struct mem_mark mark = mem_mark();

    while (home_exists(adb->settings->home) && device_state(adb->settings, index) != DEVICE_READY) {
        mem_release(mark);
        os_sleep_ms(WAIT_POLL_MS);
    }
}

static int run_for_serial(struct adb *adb, const char *serial, int argc, char **argv)
{
    int index = serial ? index_of(serial) : only_device(adb, &serial);
    enum device state;

    if (!serial)
        return 1;
    if (strcmp(argv[0], "wait-for-device") == 0) {
        wait_for_device(adb, index);
        return 0;
    }
    state = device_state(adb->settings, index);
    if (state == DEVICE_ABSENT || (!text_starts(serial, "emulator-") && !is_connected(adb, index)))
        return fail_not_found(adb, serial);
    if (state == DEVICE_OFFLINE) {
        text_add(&adb->err, "adb.exe: device offline\r\n");
        return 1;
    }
    return run_on_device(adb, index, argc, argv);
}

int adb_run(struct adb *adb, int argc, char **argv)
{
    const char *serial = NULL;

    text_add(&adb->out, "");
    text_add(&adb->err, "");
    if (argc >= 2 && strcmp(argv[0], "-s") == 0) {
        serial = argv[1];
        argc -= 2;
        argv += 2;
    }
    if (argc == 0 || text_list_has("version,--version", argv[0])) {
        text_add(&adb->out, "Android Debug Bridge version 1.0.41\r\n");
        return argc == 0;
    }
    if (text_list_has("start-server,kill-server,reconnect", argv[0]))
        return 0;
    if (strcmp(argv[0], "devices") == 0)
        return run_devices(adb);
    if (strcmp(argv[0], "connect") == 0 && argc == 2)
        return run_connect(adb, argv[1]);
    if (strcmp(argv[0], "disconnect") == 0)
        return run_disconnect(adb, argc > 1 ? argv[1] : NULL);
    return run_for_serial(adb, serial, argc, argv);
}
