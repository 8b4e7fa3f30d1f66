/* SPDX-License-Identifier: MIT */
#include "api/access/peer.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <windows.h>

#include <sddl.h>

#include "api/access/peer_rule.h"
#include "base/log/log.h"
#include "base/memory/cleanup.h"
#include "base/memory/mem.h"
#include "base/text/str.h"
#include "base/text/wide_win.h"

const char api_peer_medium[] = "pipe";

/* A read and write of a pipe that may not make further instances of it: FILE_GENERIC_READ and
 * FILE_GENERIC_WRITE without FILE_CREATE_PIPE_INSTANCE (0x4). */
#define CLIENT_RIGHTS "0x12019b"

enum {
    NAME_SIZE = 256,       /* of an account or domain, in units; UNLEN and DNLEN are less */
    KNOWN_NAMES = 16,      /* users whose names are remembered */
    TOKEN_USER_BYTES = 256 /* TOKEN_USER with the longest SID is less */
};

union sid {
    SID sid;
    BYTE bytes[SECURITY_MAX_SID_SIZE];
};

union token_user {
    TOKEN_USER user;
    BYTE bytes[TOKEN_USER_BYTES];
};

/* Asking for the name of a domain's user can take long; it is asked once. */
struct known_name {
    union sid sid;
    char name[CACHE_TOKEN_NAME_MAX + 1];
};

struct api_peers {
    union sid own, operators;
    bool has_operators;
    enum cache_role interactive;
    char *sddl;
    struct known_name known[KNOWN_NAMES];
    unsigned n_known;
};

static void close_handle(HANDLE *handle)
{
    if (*handle)
        CloseHandle(*handle);
}

static void free_local(char **text)
{
    LocalFree(*text);
}

static bool read_user(HANDLE token, union sid *ret)
{
    union token_user data;
    DWORD n;
    return GetTokenInformation(token, TokenUser, &data, sizeof(data), &n) &&
           CopySid(sizeof(*ret), ret, data.user.User.Sid);
}

static bool read_own(union sid *ret)
{
    HANDLE token cleanup(close_handle) = NULL;
    return OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) && read_user(token, ret);
}

/* "group" of this machine, so that no domain is asked for it and none can bring its own. */
static wchar_t *qualify(const char *group)
{
    wchar_t machine[MAX_COMPUTERNAME_LENGTH + 1];
    DWORD n = MAX_COMPUTERNAME_LENGTH + 1;
    if (strchr(group, '\\') || !GetComputerNameW(machine, &n))
        return wide_from_utf8(group);
    char *name cleanup(mem_freep) = wide_to_utf8(machine, (int)n);
    char *full cleanup(mem_freep) = mem_printf("%s\\%s", name, group);
    return wide_from_utf8(full);
}

static bool is_group(SID_NAME_USE use)
{
    return use == SidTypeAlias || use == SidTypeGroup || use == SidTypeWellKnownGroup;
}

static bool find_group(const char *group, union sid *ret)
{
    wchar_t *wide cleanup(mem_freep) = qualify(group);
    wchar_t domain[NAME_SIZE];
    DWORD n_sid = sizeof(*ret), n_domain = NAME_SIZE;
    SID_NAME_USE use;
    return *group && LookupAccountNameW(NULL, wide, ret, &n_sid, domain, &n_domain, &use) &&
           is_group(use);
}

static char *allow(const char *rights, union sid *sid)
{
    char *text cleanup(free_local) = NULL;
    if (!ConvertSidToStringSidA(sid, &text))
        return mem_strdup("");
    return mem_printf("(A;;%s;;;%s)", rights, text);
}

static char *make_sddl(struct api_peers *p)
{
    char *own cleanup(mem_freep) = allow("GA", &p->own);
    char *operators cleanup(mem_freep) =
        p->has_operators ? allow(CLIENT_RIGHTS, &p->operators) : mem_strdup("");
    return mem_printf("D:P"          /* nothing is inherited: */
                      "(D;;GA;;;NU)" /* who is logged on from the network: nothing */
                      "(D;;GA;;;AN)" /* who is anonymous: nothing */
                      "(A;;GA;;;SY)" /* SYSTEM: everything */
                      "(A;;GA;;;BA)" /* administrators, elevated: everything */
                      "%s"           /* the service's own account: everything, because it
                                        makes further instances */
                      "(A;;" CLIENT_RIGHTS ";;;IU)" /* who is logged on at the screen: to be a
                                                       client */
                      "%s", /* operators, wherever they are logged on: to be a client */
                      own, operators);
}

struct api_peers *api_peers_new(const char *operators_group, enum cache_role interactive)
{
    struct api_peers *p = mem_new(struct api_peers);
    p->interactive = interactive;
    if (!read_own(&p->own))
        CreateWellKnownSid(WinLocalSystemSid, NULL, &p->own, &(DWORD){sizeof(p->own)});
    p->has_operators = find_group(operators_group, &p->operators);
    p->sddl = make_sddl(p);
    return p;
}

struct api_peers *api_peers_free(struct api_peers *peers)
{
    if (peers)
        mem_free(peers->sddl);
    mem_free(peers);
    return NULL;
}

const char *api_peers_sddl(const struct api_peers *peers)
{
    return peers->sddl;
}

static bool is_member(HANDLE token, void *sid)
{
    BOOL is_in = FALSE;
    return CheckTokenMembership(token, sid, &is_in) && is_in;
}

static bool is_well_known(HANDLE token, WELL_KNOWN_SID_TYPE type)
{
    union sid sid;
    DWORD n = sizeof(sid);
    return CreateWellKnownSid(type, NULL, &sid, &n) && is_member(token, &sid);
}

/* The elevated half of an administrator whom UAC gave a filtered token. Without the right to act as
 * part of the system it comes as an impersonation token good for nothing but asking. */
static bool is_linked_admin(HANDLE token)
{
    TOKEN_ELEVATION_TYPE type;
    TOKEN_LINKED_TOKEN linked;
    HANDLE full cleanup(close_handle) = NULL, asked cleanup(close_handle) = NULL;
    DWORD n;
    if (!GetTokenInformation(token, TokenElevationType, &type, sizeof(type), &n) ||
        type != TokenElevationTypeLimited ||
        !GetTokenInformation(token, TokenLinkedToken, &linked, sizeof(linked), &n))
        return false;
    full = linked.LinkedToken;
    return DuplicateTokenEx(full, TOKEN_QUERY, NULL, SecurityIdentification, TokenImpersonation,
                            &asked) &&
           is_well_known(asked, WinBuiltinAdministratorsSid);
}

static struct api_peer_facts read_facts(struct api_peers *p, HANDLE token)
{
    return (struct api_peer_facts){
        .is_anonymous = is_well_known(token, WinAnonymousSid),
        .is_network = is_well_known(token, WinNetworkSid),
        .is_own = is_member(token, &p->own),
        .is_system = is_well_known(token, WinLocalSystemSid),
        .is_admin = is_well_known(token, WinBuiltinAdministratorsSid),
        .is_linked_admin = is_linked_admin(token),
        .is_operator = p->has_operators && is_member(token, &p->operators),
        .is_interactive = is_well_known(token, WinInteractiveSid),
    };
}

/* "DOMAIN\user"; the SID's text for an account without a name. */
static void look_up_name(union sid *sid, char out[CACHE_TOKEN_NAME_MAX + 1])
{
    wchar_t name[NAME_SIZE], domain[NAME_SIZE];
    DWORD n_name = NAME_SIZE, n_domain = NAME_SIZE;
    SID_NAME_USE use;
    char *text cleanup(free_local) = NULL;
    out[0] = '\0';
    if (LookupAccountSidW(NULL, sid, name, &n_name, domain, &n_domain, &use)) {
        char *user cleanup(mem_freep) = wide_to_utf8(name, -1);
        char *of cleanup(mem_freep) = wide_to_utf8(domain, -1);
        char *full cleanup(mem_freep) = mem_printf("%s\\%s", of, user);
        str_copy(out, CACHE_TOKEN_NAME_MAX + 1, full);
    } else if (ConvertSidToStringSidA(sid, &text)) {
        str_copy(out, CACHE_TOKEN_NAME_MAX + 1, text);
    }
}

/* "S-1-5-21-...": an account's name can be given again, its SID cannot. */
static void write_id(union sid *sid, char out[API_IDENTITY_ID_SIZE])
{
    char *text cleanup(free_local) = NULL;
    if (ConvertSidToStringSidA(sid, &text))
        str_copy(out, API_IDENTITY_ID_SIZE, text);
}

static const char *find_name(struct api_peers *p, union sid *sid)
{
    for (unsigned i = 0; i < p->n_known && i < KNOWN_NAMES; i++) {
        if (EqualSid(&p->known[i].sid, sid))
            return p->known[i].name;
    }
    struct known_name *known = &p->known[p->n_known++ % KNOWN_NAMES];
    known->sid = *sid;
    look_up_name(sid, known->name);
    return known->name;
}

/* A thread that cannot become itself again would do all that follows as its last caller. */
static void revert(void)
{
    if (RevertToSelf())
        return;
    log_error("api",
              "RevertToSelf failed with error %lu after a caller of the pipe was "
              "identified; the process ends rather than go on with a caller's rights",
              GetLastError());
    abort();
}

/* NULL for a caller that lets nobody know who it is. */
static HANDLE open_token(const uv_pipe_t *pipe)
{
    HANDLE handle, token = NULL;
    if (uv_fileno((const uv_handle_t *)pipe, &handle) < 0 || !ImpersonateNamedPipeClient(handle))
        return NULL;
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, &token))
        token = NULL;
    revert();
    return token;
}

void api_peers_identify(struct api_peers *peers, const uv_pipe_t *pipe, struct api_identity *ret)
{
    union sid sid;
    *ret = (struct api_identity){0};
    HANDLE token cleanup(close_handle) = open_token(pipe);
    ret->is_anonymous = !token;
    if (!token || !read_user(token, &sid))
        return;
    struct api_peer_facts facts = read_facts(peers, token);
    ret->role = api_peer_role(&facts, peers->interactive);
    ret->kind = ret->role == CACHE_ROLE_NONE ? API_IDENTITY_NONE : API_IDENTITY_PEER;
    str_copy(ret->name, sizeof(ret->name), find_name(peers, &sid));
    write_id(&sid, ret->id);
}
