/* SPDX-License-Identifier: MIT */
#ifndef SVC_ADDRESS_H
#define SVC_ADDRESS_H

#include <stdbool.h>

/** Where to listen: "HOST:PORT" with a numeric host, "[IPv6]:PORT", or "localhost". Names are not
 *  looked up: what a listener is open to must be readable in the configuration. */
struct svc_address {
    char host[64]; /* numeric, without brackets */
    int port;      /* 0 = any free one */
    bool is_ipv6;
    bool is_loopback;
};

/** Returns 0 or UV_EINVAL. */
int svc_address_parse(const char *text, struct svc_address *ret);

#endif
