/* SPDX-License-Identifier: MIT */
#ifndef SVC_CLIENT_H
#define SVC_CLIENT_H

#include "service/process/endpoint.h"

/** Asks the running service over its unix socket or named pipe. For commands: blocking, any
 *  thread. */

struct yyjson_doc;

struct svc_client_request {
    const char *method; /* "GET" */
    const char *path; /* with what a query needs; svc_client_append_segment encodes a part of it */
    const char *body; /* JSON, or NULL */
    unsigned timeout_ms;
};

/** What came back, to be released with svc_client_answer_deinit. */
struct svc_client_answer {
    int status;
    struct yyjson_doc *doc; /* NULL when the body is empty */
    const char *problem;    /* in words, when STATUS is 400 or more; lives in the document */
};

/** Why there is no answer. */
struct svc_client_error {
    char text[400]; /* the rest of a sentence that begins with who was asked */
};

/** One request over a connection of its own. The other end must be the process that ENDPOINT names:
 *  nothing is sent to any other. At most 16 MiB are read. Returns 0 with a whole answer, whatever
 *  its status; or with RETERR: UV_ENOENT and UV_ECONNREFUSED (nobody listens), UV_EACCES,
 *  UV_EPERM (another process listens), UV_ETIMEDOUT, UV_EPROTO (no HTTP or no JSON), UV_EFBIG and
 *  others. Once the request may have arrived, an error does not say that it was not carried
 *  out. */
int svc_client_ask(const struct svc_endpoint *endpoint, const struct svc_client_request *request,
                   struct svc_client_answer *ret, struct svc_client_error *reterr);
/** Accepts a zeroed one. */
void svc_client_answer_deinit(struct svc_client_answer *answer);

struct buf;

/** Appends TEXT as one segment of a path, percent-encoded. */
void svc_client_append_segment(struct buf *path, const char *text);

#endif
