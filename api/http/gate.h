/* SPDX-License-Identifier: MIT */
#ifndef API_GATE_H
#define API_GATE_H

#include "api/http/exchange.h"

/** What stands between a request's head and its handler: protocol rules, Host and Origin, the
 *  route, the caller's role, the kind and size of the body. */
enum api_gate {
    API_GATE_OPEN,     /* read the body, then call the handler */
    API_GATE_ANSWERED, /* refused, or needs no handler */
    API_GATE_WAITING   /* the token table is being read again; api_conn_continue follows */
};

enum api_gate api_gate_check(struct api_exchange *x);
/** The rest of the checks once WHO is known. Returns OPEN or ANSWERED. */
enum api_gate api_gate_check_identified(struct api_exchange *x);

#endif
