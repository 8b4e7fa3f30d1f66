/* SPDX-License-Identifier: MIT */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H

#include <stdbool.h>

/** Protection of a loopback service from web pages. A page can make a browser send requests
 *  here, and by rebinding its own name to 127.0.0.1 even read the answers; it cannot choose the
 *  Host and Origin headers. */

/** Whether HOST ("name[:port]") is well formed. */
bool api_origin_is_host(const char *host);
/** Whether HOST names this server: a loopback name or address, or the address it is BOUND to; for
 *  a server bound to every address, any IP address or the machine's own name. */
bool api_origin_is_our_host(const char *host, const char *bound);
/** Whether ORIGIN is the page of this very server, that is "http://" and HOST. */
bool api_origin_is_own(const char *origin, const char *host);

#endif
