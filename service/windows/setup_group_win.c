/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

#include <uv.h>

#include <windows.h>

#include <lm.h>
#include <sddl.h>

#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/wide_win.h"
#include "service/process/service_name.h"
#include "service/process/win_error.h"
#include "service/windows/setup.h"

static wchar_t group_name[] = SVC_SCM_GROUP;
/* How our group is told from one that somebody else made with the name. */
static const wchar_t mark[] = L"Made by ldplayerd: ";
static wchar_t comment[] = L"Made by ldplayerd: members may operate LDPlayer instances.";

static enum svc_exit add_group(void)
{
    LOCALGROUP_INFO_1 info = {group_name, comment};
    DWORD r = NetLocalGroupAdd(NULL, 1, (BYTE *)&info, NULL);
    if (r == NERR_Success || r == NERR_GroupExists || r == ERROR_ALIAS_EXISTS)
        return SVC_EXIT_OK;
    return svc_win_error_fail(r, "the local group ldplayerd-operators cannot be made");
}

static void local_freep(void *pointer)
{
    LocalFree(*(void **)pointer);
}

/* *RET_SID is for LocalFree. */
static enum svc_exit find_user(const char *name, PSID *ret_sid)
{
    wchar_t *wide cleanup(mem_freep) = wide_from_utf8(name);
    wchar_t domain[256];
    DWORD n_sid = 0, n_domain = countof(domain);
    SID_NAME_USE use;
    if (ConvertStringSidToSidW(wide, ret_sid))
        return SVC_EXIT_OK;
    (void)LookupAccountNameW(NULL, wide, NULL, &n_sid, domain, &n_domain, &use);
    *ret_sid = LocalAlloc(LMEM_FIXED, n_sid ? n_sid : 1);
    n_domain = countof(domain);
    if (n_sid && *ret_sid &&
        LookupAccountNameW(NULL, wide, *ret_sid, &n_sid, domain, &n_domain, &use))
        return SVC_EXIT_OK;
    return svc_win_error_fail(ERROR_NONE_MAPPED, "there is no user %s", name);
}

static enum svc_exit add_member(const char *name)
{
    PSID sid cleanup(local_freep) = NULL;
    enum svc_exit status = find_user(name, &sid);
    if (status != SVC_EXIT_OK)
        return status;
    LOCALGROUP_MEMBERS_INFO_0 member = {sid};
    DWORD r = NetLocalGroupAddMembers(NULL, group_name, 0, (BYTE *)&member, 1);
    if (r == NERR_Success || r == ERROR_MEMBER_IN_ALIAS)
        return SVC_EXIT_OK;
    return svc_win_error_fail(r, "%s cannot be put into the group ldplayerd-operators", name);
}

enum svc_exit svc_setup_group(const struct svc_setup *setup)
{
    enum svc_exit status = add_group();
    if (status == SVC_EXIT_OK && setup->add_user)
        status = add_member(setup->add_user);
    return status;
}

static DWORD read_is_ours(bool *ret)
{
    LOCALGROUP_INFO_1 *info = NULL;
    *ret = false;
    DWORD r = NetLocalGroupGetInfo(NULL, group_name, 1, (BYTE **)&info);
    if (r != NERR_Success || !info)
        return r;
    *ret = info->lgrpi1_comment && wcsncmp(info->lgrpi1_comment, mark, wcslen(mark)) == 0;
    NetApiBufferFree(info);
    if (!*ret)
        fprintf(stderr, "ldplayerd: the local group ldplayerd-operators was not made by ldplayerd; "
                        "it stays\n");
    return r;
}

enum svc_exit svc_setup_group_remove(void)
{
    bool is_ours;
    DWORD r = read_is_ours(&is_ours);
    if (r == NERR_Success && is_ours)
        r = NetLocalGroupDel(NULL, group_name);
    if (r == NERR_Success || r == NERR_GroupNotFound || r == ERROR_NO_SUCH_ALIAS)
        return SVC_EXIT_OK;
    return svc_win_error_fail(r, "the local group ldplayerd-operators cannot be removed");
}
