/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/install.h"

#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"

/* LDPlayer is a Windows program: what can be found here is a stand-in or a wrapper script. */
int ldc_install_find(struct ldc_install *ret)
{
    const char *home = getenv("LDPLAYER_HOME");
    if (home && *home && ldc_install_from_dir(home, ret))
        return 0;
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        char *dir cleanup(mem_freep) = mem_strndup(path, n);
        if (n > 0 && ldc_install_from_dir(dir, ret))
            return 0;
        path += n + (path[n] == ':');
    }
    return UV_ENOENT;
}
