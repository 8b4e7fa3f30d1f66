/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <llhttp.h>

#include "api/http/owner.h"
#include "api/http/request.h"

/** llhttp, strict, turned into steps: feed bytes until a head is complete, look at it, feed on
 *  until the message is complete. Bytes behind the step are left unread. */
enum http_parse {
    HTTP_PARSE_MORE, /* everything was used, nothing is complete */
    HTTP_PARSE_HEAD, /* the request's head is complete */
    HTTP_PARSE_DONE, /* the message is complete */
    HTTP_PARSE_BAD   /* refused: see `fault` and `detail`; the connection cannot go on */
};

struct http_parser {
    llhttp_t http;
    struct http_request *request;
    size_t max_head, head_bytes, body_bytes, max_body_bytes;
    size_t name_at, value_at;
    unsigned n_headers;
    int header; /* the one being read; -1 when it is dropped */
    bool is_in_body, is_target_read, is_done, has_refused;
    enum http_fault fault;
    char detail[160];
};

/** Ready for the first byte of REQUEST, which has been reset. */
void http_parser_start(struct http_parser *p, struct http_request *request, size_t max_head,
                       size_t max_body);
enum http_parse http_parser_feed(struct http_parser *p, const char *bytes, size_t n,
                                 size_t *ret_used);

#endif
