/* SPDX-License-Identifier: MIT */
#include "service/windows/service_code.h"

#include <stdbool.h>

#include <uv.h>

#include "base/memory/cleanup.h"

static const char *const meanings[] = {
    [SVC_SCM_EXIT_START] = "the start failed; the log file and the event log say why",
    [SVC_SCM_EXIT_CONFIG] = "the configuration is wrong; `ldplayerd config check` says where",
    [SVC_SCM_EXIT_DATA_IN_USE] = "another ldplayerd uses the data directory",
    [SVC_SCM_EXIT_ADDRESS_USED] = "another program listens on the address of the service",
    [SVC_SCM_EXIT_NO_ACCESS] = "a folder or file of the service may not be used",
    [SVC_SCM_EXIT_PORT_REFUSED] =
        "Windows keeps the port of the service for itself or another (Hyper-V, WSL); see `netsh int "
        "ipv4 show excludedportrange tcp` and choose a port outside with the option http",
};

enum svc_scm_exit svc_service_code_of(int uv_error)
{
    switch (uv_error) {
    case UV_EBUSY:
        return SVC_SCM_EXIT_DATA_IN_USE;
    case UV_EADDRINUSE:
        return SVC_SCM_EXIT_ADDRESS_USED;
    case UV_EADDRNOTAVAIL:
        return SVC_SCM_EXIT_PORT_REFUSED;
    case UV_EACCES:
    case UV_EPERM:
        return SVC_SCM_EXIT_NO_ACCESS;
    default:
        return SVC_SCM_EXIT_START;
    }
}

const char *svc_service_code_meaning(int64_t specific_code)
{
    bool is_ours = specific_code > 0 && specific_code < (int64_t)countof(meanings);
    return is_ours ? meanings[specific_code] : NULL;
}
