/* SPDX-License-Identifier: MIT */
#ifndef API_PARSER_H
#define API_PARSER_H

#include <llhttp.h>

#include "api/describe/problem.h"
#include "api/http/request.h"

/** llhttp, strict, turned into steps: feed bytes until a head is complete, look at it, feed on
 *  until the message is complete. Bytes behind the step are left unread. */
enum api_parse {
    API_PARSE_MORE, /* everything was used, nothing is complete */
    API_PARSE_HEAD, /* the request's head is complete */
    API_PARSE_DONE, /* the message is complete */
    API_PARSE_BAD   /* refused: see `code` and `detail`; the connection cannot go on */
};

struct api_parser {
    llhttp_t http;
    struct api_request *request;
    size_t max_head, head_bytes, body_bytes, max_body_bytes;
    size_t name_at, value_at;
    unsigned n_headers;
    int header; /* the one being read; -1 when it is dropped */
    bool is_in_body, is_target_read, is_done, has_refused;
    enum api_code code;
    char detail[160];
};

/** Ready for the first byte of REQUEST, which has been reset. */
void api_parser_start(struct api_parser *p, struct api_request *request, size_t max_head,
                      size_t max_body);
enum api_parse api_parser_feed(struct api_parser *p, const char *bytes, size_t n, size_t *ret_used);

#endif
