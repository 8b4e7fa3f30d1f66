/* SPDX-License-Identifier: MIT */
#include "service/agent/session.h"

#include <uv.h>

#include "base/text/str.h"

/* There are no sessions of Windows' kind here: ldconsole runs where this process does. */
int svc_session_list(struct svc_session *ret, size_t max, size_t *ret_n)
{
    uv_passwd_t user;
    *ret_n = max > 0;
    if (max == 0)
        return 0;
    ret[0] = (struct svc_session){.is_console = true, .is_active = true, .user = "root"};
    if (uv_os_get_passwd(&user) == 0) {
        str_copy(ret[0].user, sizeof(ret[0].user), user.username);
        uv_os_free_passwd(&user);
    }
    return 0;
}
