/* SPDX-License-Identifier: MIT */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>

/** Where a service is found. */

enum { ADDRESS_HOST_SIZE = 254 };

struct address {
    char host[ADDRESS_HOST_SIZE]; /* without brackets */
    int port;
    bool is_ipv6; /* HOST stood in brackets, as an IPv6 address must */
};

/** Takes "HOST:PORT" or "[IPv6]:PORT" apart. The host is any text, the port 0 to 65535. Returns 0
 *  or UV_EINVAL. */
int address_split(const char *text, struct address *ret);
/** An address that can be connected to: HOST:PORT or http://HOST:PORT without anything behind it.
 *  HOST is an IPv4 address, an IPv6 address in brackets, or a name (which is not looked up); the
 *  port is not 0. Returns 0 or UV_EINVAL. */
int address_parse(const char *text, struct address *ret);

#endif
