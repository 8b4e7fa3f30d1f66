/* SPDX-License-Identifier: MIT */
#include "service/process/platform.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/system/fs.h"

/* A socket or database that got the number of a closed standard stream would be written to by
 * whoever prints, and a child would inherit it. */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(1);
    }
}

/* Every connection is an open file, and the usual soft limit of 1024 is for programs that use
 * select(). */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void svc_platform_start(int *argc, char ***argv)
{
    (void)argc; /* UTF-8 as they are */
    (void)argv;
    open_standard_streams();
    allow_many_files();
    /* A reader that went away is an error code of the write, not a death. */
    signal(SIGPIPE, SIG_IGN);
    /* Tokens and the names of instances are nobody else's. */
    umask(077);
}

static char *get_env_dir(const char *name)
{
    char text[4096];
    size_t n = sizeof(text);
    /* The XDG specification has relative paths ignored. */
    if (uv_os_getenv(name, text, &n) < 0 || *text != '/')
        return NULL;
    return mem_strdup(text);
}

char *svc_platform_data_dir(void)
{
    char *state cleanup(mem_freep) = get_env_dir("XDG_STATE_HOME");
    if (state)
        return fs_join(state, "ldplayerd");
    char *home cleanup(mem_freep) = get_env_dir("HOME");
    return fs_join(home ? home : "/var/lib", home ? ".local/state/ldplayerd" : "ldplayerd");
}

char *svc_platform_socket(const char *data_dir)
{
    return fs_join(data_dir, "ldplayerd.sock");
}

char *svc_platform_pipe(void)
{
    return NULL;
}

const char *svc_platform_pipe_advice(void)
{
    return "let it have the option socket, stop it for this command";
}

const char *svc_platform_admin_advice(void)
{
    return "the account of the service, or as root.";
}

const char *svc_platform_refusal(const char *name)
{
    if (strcmp(name, "pipe") == 0)
        return "named pipes are for Windows; use the option socket";
    if (strcmp(name, "operators_group") == 0 || strcmp(name, "interactive_role") == 0)
        return "this is about the named pipe, which is for Windows";
    return NULL;
}

const char *svc_platform_advice(void)
{
    return "To run it in this terminal: `ldplayerd serve`.";
}

const struct svc_signal_rule svc_platform_signals[] = {
    {SIGINT, "SIGINT", SVC_SIGNAL_STOP},
    {SIGTERM, "SIGTERM", SVC_SIGNAL_STOP},
    {SIGHUP, "SIGHUP", SVC_SIGNAL_RELOAD},
};

const size_t svc_platform_n_signals = countof(svc_platform_signals);

uint32_t svc_platform_session(void)
{
    return 0;
}

bool svc_platform_is_elevated(void)
{
    return geteuid() == 0;
}
