/* SPDX-License-Identifier: MIT */
#include "ldconsole/install/abilities.h"

#include <string.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "ldconsole/output/banner.h"
#include "ldconsole/install/install.h"

void ldc_abilities_read(const char *text, struct ldc_abilities *ret)
{
    size_t banner_len;
    *ret = (struct ldc_abilities){0};
    if (!ldc_banner_find(text, strlen(text), &banner_len))
        return;
    char *version cleanup(mem_freep) = ldc_install_banner_version(text);
    ret->is_known = true;
    str_copy(ret->version, sizeof(ret->version), version ? version : "");
    ret->has_root = strstr(text, "--root") != NULL;
}
