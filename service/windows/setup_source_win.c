/* SPDX-License-Identifier: MIT */
#include <uv.h>

#include <windows.h>

#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/setup.h"

static const wchar_t key_path[] =
    L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" SVC_SCM_NAME;

static LSTATUS set_values(HKEY key)
{
    wchar_t exe[32768];
    DWORD n = GetModuleFileNameW(NULL, exe, 32768);
    DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    LSTATUS r = RegSetValueExW(key, L"EventMessageFile", 0, REG_EXPAND_SZ, (const BYTE *)exe,
                               (n + 1) * (DWORD)sizeof(*exe));
    if (r == ERROR_SUCCESS)
        r = RegSetValueExW(key, L"TypesSupported", 0, REG_DWORD, (const BYTE *)&types,
                           sizeof(types));
    return r;
}

enum svc_exit svc_setup_source(const struct svc_setup *setup)
{
    HKEY key;
    (void)setup;
    LSTATUS r =
        RegCreateKeyExW(HKEY_LOCAL_MACHINE, key_path, 0, NULL, 0, KEY_SET_VALUE, NULL, &key, NULL);
    if (r == ERROR_SUCCESS) {
        r = set_values(key);
        RegCloseKey(key);
    }
    if (r == ERROR_SUCCESS)
        return SVC_EXIT_OK;
    return svc_win_error_fail((DWORD)r, "the event source ldplayerd cannot be registered");
}

enum svc_exit svc_setup_source_remove(void)
{
    LSTATUS r = RegDeleteKeyW(HKEY_LOCAL_MACHINE, key_path);
    if (r == ERROR_SUCCESS || r == ERROR_FILE_NOT_FOUND)
        return SVC_EXIT_OK;
    return svc_win_error_fail((DWORD)r, "the event source ldplayerd cannot be removed");
}
