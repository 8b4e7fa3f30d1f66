/* SPDX-License-Identifier: MIT */
#include "api/dispatch/idempotency.h"

#include <string.h>

#include <sodium.h>

static bool is_key(const char *text)
{
    size_t n = 0;
    while (text[n] > 0x20 && text[n] < 0x7f)
        n++;
    return text[n] == '\0' && n >= 1 && n <= 255;
}

static void add_text(crypto_generichash_state *state, const char *text)
{
    /* With the terminator, so that "a" "bc" and "ab" "c" differ. */
    crypto_generichash_update(state, (const unsigned char *)(text ? text : ""),
                              strlen(text ? text : "") + 1);
}

/* Of method, path, the query that changes what is done, and body, in hex. */
static void write_fingerprint(const struct http_request *r, char out[API_FINGERPRINT_SIZE])
{
    unsigned char digest[API_FINGERPRINT_SIZE / 2];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof(digest));
    add_text(&state, http_method_name(r->method));
    for (size_t i = 0; i < r->n_segments; i++)
        add_text(&state, r->segments[i]);
    /* `wait` only says how long to stay; these two change what is done. */
    add_text(&state, http_request_query(r, "force"));
    add_text(&state, http_request_query(r, "timeout_s"));
    if (r->body.len)
        crypto_generichash_update(&state, (const unsigned char *)r->body.data, r->body.len);
    crypto_generichash_final(&state, digest, sizeof(digest));
    sodium_bin2hex(out, API_FINGERPRINT_SIZE, digest, sizeof(digest));
}

/* What is ignored would be believed in: a client that sends a key sends the request again. What
 * only reads may be sent as often as anybody likes. */
static bool refuse_key(struct api_exchange *x)
{
    api_respond_field(x, "Idempotency-Key",
                      "is not taken here, because the answer of this request is not kept: send it "
                      "without, and if its answer gets lost look what came of it before you send "
                      "it again");
    return false;
}

bool api_idempotency_read(struct api_exchange *x)
{
    const struct http_request *r = &x->http.request;
    x->key = http_request_header(r, HTTP_HEADER_IDEMPOTENCY_KEY);
    if (x->key && !x->route->is_idempotent) {
        x->key = NULL;
        bool only_reads = r->method == HTTP_METHOD_GET || r->method == HTTP_METHOD_HEAD;
        return only_reads || refuse_key(x);
    }
    if (!x->key)
        return true;
    if (!is_key(x->key)) {
        api_respond_field(x, "Idempotency-Key", "must be 1 to 255 visible ASCII characters");
        return false;
    }
    write_fingerprint(r, x->fingerprint);
    return true;
}
