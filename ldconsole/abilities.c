/* SPDX-License-Identifier: MIT */
#include "ldconsole/abilities.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "ldconsole/banner.h"
#include "ldconsole/install.h"

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
