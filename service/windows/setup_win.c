/* SPDX-License-Identifier: MIT */
#include <uv.h>

#include <windows.h>

#include "base/memory/cleanup.h"
#include "service/process/service_name.h"
#include "service/windows/setup.h"

/* The directory goes first: nothing else may come to pass while others can put files into it, or
 * when it is refused. */
static const struct {
    enum svc_exit (*apply)(const struct svc_setup *setup);
    enum svc_exit (*remove)(void);
} parts[] = {
    {svc_setup_data_dir, NULL}, /* data is kept */
    {svc_setup_group, svc_setup_group_remove},
    {svc_setup_source, svc_setup_source_remove},
};

enum svc_exit svc_setup_prepare(const struct svc_setup *setup)
{
    for (size_t i = 0; i < countof(parts); i++) {
        if (parts[i].apply(setup) != SVC_EXIT_OK)
            return SVC_EXIT_FAILED;
    }
    return SVC_EXIT_OK;
}

enum svc_exit svc_setup_remove(void)
{
    enum svc_exit status = SVC_EXIT_OK;
    for (size_t i = 0; i < countof(parts); i++) {
        if (parts[i].remove && parts[i].remove() != SVC_EXIT_OK)
            status = SVC_EXIT_FAILED;
    }
    return status;
}
