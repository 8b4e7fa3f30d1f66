/* SPDX-License-Identifier: MIT */
#include "api/describe/notation.h"

#include <ctype.h>
#include <string.h>

#include "base/memory/cleanup.h"

/* The notation is read where it stands: a piece of it is a pointer and a length, and what is inside
 * of brackets is never cut. So a type is written out by taking off its outermost sign and writing
 * what is left. */

struct piece {
    const char *s;
    size_t n;
};

static const struct {
    const char *word, *type, *more;
} words[] = {
    {"text", "string", ""},
    {"uuid", "string", ",\"format\":\"uuid\""},
    {"time", "string", ",\"format\":\"date-time\""},
    {"int", "integer", ""},
    {"count", "integer", ",\"minimum\":0"},
    {"percent", "integer", ",\"minimum\":0,\"maximum\":100"},
    {"share", "number", ",\"minimum\":0,\"maximum\":100"},
    {"number", "number", ""},
    {"bool", "boolean", ""},
    {"null", "null", ""},
};

/* --- pieces --- */

static struct piece piece_of(const char *text)
{
    return (struct piece){text, strlen(text)};
}

/* P without N bytes in front and M behind, and without spaces around. */
static struct piece inside(struct piece p, size_t n, size_t m)
{
    p.s += n;
    p.n -= n + m;
    while (p.n > 0 && *p.s == ' ') {
        p.s++;
        p.n--;
    }
    while (p.n > 0 && p.s[p.n - 1] == ' ')
        p.n--;
    return p;
}

static bool begins(struct piece p, const char *text)
{
    return p.n >= strlen(text) && memcmp(p.s, text, strlen(text)) == 0;
}

static bool is_text(struct piece p, const char *text)
{
    return p.n == strlen(text) && begins(p, text);
}

static bool ends(struct piece p, char c)
{
    return p.n > 0 && p.s[p.n - 1] == c;
}

/* Where C stands in P outside of all brackets; P's length when it does not. */
static size_t find(struct piece p, char c)
{
    int depth = 0;
    for (size_t i = 0; i < p.n; i++) {
        if (depth == 0 && p.s[i] == c)
            return i;
        if (strchr("[{<", p.s[i]))
            depth++;
        else if (strchr("]}>", p.s[i]))
            depth--;
    }
    return p.n;
}

/* Takes what stands in front of the next C off REST. Returns false when nothing is left. */
static bool next(struct piece *rest, char c, struct piece *ret)
{
    size_t n = find(*rest, c);
    *ret = inside((struct piece){rest->s, n}, 0, 0);
    n += n < rest->n;
    rest->s += n;
    rest->n -= n;
    return ret->n > 0;
}

/* --- types --- */

static void append_type(struct piece type, struct buf *out);
static void append_members(struct piece members, const char *more, struct buf *out);

static void begin_type(const char *name, bool is_nullable, struct buf *out)
{
    (void)buf_printf(out, is_nullable ? "{\"type\":[\"%s\",\"null\"]" : "{\"type\":\"%s\"", name);
}

static void append_ref(struct piece name, struct buf *out)
{
    (void)buf_printf(out, "{\"$ref\":\"#/components/schemas/%.*s\"}", (int)name.n, name.s);
}

static void append_enum(struct piece type, bool is_nullable, struct buf *out)
{
    const char *separator = "";
    struct piece word;
    begin_type("string", is_nullable, out);
    (void)buf_append_str(out, ",\"enum\":[");
    for (; next(&type, '|', &word); separator = ",")
        (void)buf_printf(out, "%s\"%.*s\"", separator, (int)word.n, word.s);
    (void)buf_append_str(out, is_nullable ? ",null]}" : "]}");
}

static void append_any_of(struct piece type, bool is_nullable, struct buf *out)
{
    const char *separator = "";
    struct piece one;
    (void)buf_append_str(out, "{\"anyOf\":[");
    for (; next(&type, '|', &one); separator = ",") {
        (void)buf_append_str(out, separator);
        append_type(one, out);
    }
    (void)buf_append_str(out, is_nullable ? ",{\"type\":\"null\"}]}" : "]}");
}

static void append_const(struct piece value, struct buf *out)
{
    if (is_text(value, "true"))
        (void)buf_append_str(out, "{\"type\":\"boolean\",\"const\":true}");
    else
        (void)buf_printf(out, "{\"type\":\"string\",\"const\":\"%.*s\"}", (int)value.n, value.s);
}

static void append_change(struct piece type, struct buf *out)
{
    (void)buf_append_str(out, "{\"type\":\"object\",\"properties\":{\"from\":");
    append_type(type, out);
    (void)buf_append_str(out, ",\"to\":");
    append_type(type, out);
    (void)buf_append_str(out, "},\"required\":[\"from\",\"to\"]}");
}

static void append_range(struct piece type, bool is_nullable, struct buf *out)
{
    size_t n = strcspn(type.s, ".");
    begin_type("integer", is_nullable, out);
    (void)buf_printf(out, ",\"minimum\":%.*s,\"maximum\":%.*s}", (int)n, type.s,
                     (int)(type.n - n - 2), type.s + n + 2);
}

static void append_word(struct piece type, bool is_nullable, struct buf *out)
{
    for (size_t i = 0; i < countof(words); i++) {
        if (is_text(type, words[i].word)) {
            begin_type(words[i].type, is_nullable, out);
            (void)buf_printf(out, "%s}", words[i].more);
            return;
        }
    }
    if (is_nullable)
        append_any_of(type, true, out);
    else
        append_ref(type, out);
}

static void append_list(struct piece type, bool is_nullable, struct buf *out)
{
    begin_type("array", is_nullable, out);
    (void)buf_append_str(out, ",\"items\":");
    append_type(type, out);
    (void)buf_append_str(out, "}");
}

static void append_map(struct piece type, bool is_nullable, struct buf *out)
{
    begin_type("object", is_nullable, out);
    (void)buf_append_str(out, ",\"additionalProperties\":");
    append_type(type, out);
    (void)buf_append_str(out, "}");
}

static bool is_members(struct piece what)
{
    return find(what, ':') < what.n || begins(what, "...");
}

static void append_braced(struct piece type, bool is_nullable, struct buf *out)
{
    struct piece inner = inside(type, 1, 1);
    if (begins(inner, "\"")) {
        (void)buf_append(out, type.s, type.n);
    } else if (!is_members(inner)) {
        append_map(inner, is_nullable, out);
    } else {
        (void)buf_append_str(out, is_nullable ? "{\"anyOf\":[" : "");
        append_members(inner, "", out);
        (void)buf_append_str(out, is_nullable ? ",{\"type\":\"null\"}]}" : "");
    }
}

/* Whether TYPE begins with a string as it is; the name of a schema begins with one capital. */
static bool is_string(struct piece type)
{
    return islower((unsigned char)type.s[0]) ||
           (isupper((unsigned char)type.s[0]) && isupper((unsigned char)type.s[1]));
}

static void append_type(struct piece type, struct buf *out)
{
    bool is_nullable = ends(type, '?');
    if (is_nullable)
        type = inside(type, 0, 1);
    if (is_text(type, "any"))
        (void)buf_append_str(out, "{}");
    else if (find(type, '|') < type.n && is_string(type))
        append_enum(type, is_nullable, out);
    else if (find(type, '|') < type.n)
        append_any_of(type, is_nullable, out);
    else if (*type.s == '[')
        append_list(inside(type, 1, 1), is_nullable, out);
    else if (*type.s == '{')
        append_braced(type, is_nullable, out);
    else if (*type.s == '<')
        append_change(inside(type, 1, 1), out);
    else if (*type.s == '=')
        append_const(inside(type, 1, 0), out);
    else if (isdigit((unsigned char)*type.s))
        append_range(type, is_nullable, out);
    else
        append_word(type, is_nullable, out);
}

void api_notation_append_type(const char *type, struct buf *out)
{
    append_type(piece_of(type), out);
}

/* --- objects --- */

/* An object under construction. */
struct object {
    struct buf *out, required;
    bool has_members;
};

static void add_member(struct object *o, struct piece name, struct piece type, bool is_required)
{
    (void)buf_printf(o->out, "%s\"%.*s\":", o->has_members ? "," : "", (int)name.n, name.s);
    append_type(type, o->out);
    o->has_members = true;
    if (is_required)
        (void)buf_printf(&o->required, "%s\"%.*s\"", o->required.len ? "," : "", (int)name.n,
                         name.s);
}

static const struct api_schema_row *find_row(struct piece name)
{
    for (size_t i = 0; i < api_n_schema_rows; i++) {
        if (is_text(name, api_schema_rows[i].name))
            return &api_schema_rows[i];
    }
    return NULL;
}

static void add_members(struct object *o, struct piece members, bool is_optional)
{
    struct piece one;
    while (next(&members, ',', &one)) {
        size_t colon = find(one, ':');
        struct piece name = inside((struct piece){one.s, colon}, 0, 0);
        bool may_miss = is_optional || ends(name, '?');
        if (ends(name, '?'))
            name = inside(name, 0, 1);
        if (begins(name, "..."))
            add_members(o, piece_of(find_row(inside(name, 3, 0))->what), may_miss);
        else
            add_member(o, name, inside(one, colon + 1, 0), !may_miss);
    }
}

/* MORE of the schema follows behind its members. */
static void append_members(struct piece members, const char *more, struct buf *out)
{
    struct object o = {.out = out};
    buf_init(&o.required, 0);
    (void)buf_append_str(out, "{\"type\":\"object\",\"properties\":{");
    add_members(&o, members, false);
    (void)buf_append_str(out, "}");
    if (o.required.len)
        (void)buf_printf(out, ",\"required\":[%s]", o.required.data);
    (void)buf_printf(out, "%s}", more);
    buf_deinit(&o.required);
}

void api_notation_append_object(const char *members, const char *more, struct buf *out)
{
    append_members(piece_of(members), more, out);
}

/* --- types that are told apart by a member --- */

/* The type of member NAME of the row; it stands in the row itself. */
static struct piece type_of_member(const struct api_schema_row *row, struct piece name)
{
    struct piece members = piece_of(row->what), one;
    while (next(&members, ',', &one)) {
        size_t colon = find(one, ':');
        struct piece is = inside((struct piece){one.s, colon}, 0, 0);
        if (is.n == name.n && memcmp(is.s, name.s, is.n) == 0)
            return inside(one, colon + 1, 0);
    }
    return (struct piece){"", 0};
}

static void append_mapping(struct piece tag, struct piece variants, struct buf *out)
{
    const char *separator = "";
    struct piece variant, value;
    while (next(&variants, '|', &variant)) {
        struct piece values = type_of_member(find_row(variant), tag);
        for (; next(&values, '|', &value); separator = ",") {
            value = inside(value, *value.s == '=', 0);
            (void)buf_printf(out, "%s\"%.*s\":\"#/components/schemas/%.*s\"", separator,
                             (int)value.n, value.s, (int)variant.n, variant.s);
        }
    }
}

static void append_tagged(struct piece tag, struct piece variants, struct buf *out)
{
    const char *separator = "";
    struct piece rest = variants, variant;
    (void)buf_append_str(out, "{\"oneOf\":[");
    for (; next(&rest, '|', &variant); separator = ",") {
        (void)buf_append_str(out, separator);
        append_ref(variant, out);
    }
    (void)buf_printf(out, "],\"discriminator\":{\"propertyName\":\"%.*s\",\"mapping\":{",
                     (int)tag.n, tag.s);
    append_mapping(tag, variants, out);
    (void)buf_append_str(out, "}}}");
}

/* --- rows --- */

void api_notation_append_row(const struct api_schema_row *row, struct buf *out)
{
    struct piece what = piece_of(row->what);
    size_t arrow = find(what, '=');
    if (arrow + 1 < what.n && what.s[arrow + 1] == '>' && arrow > 0)
        append_tagged(inside((struct piece){what.s, arrow}, 0, 0), inside(what, arrow + 2, 0), out);
    else if (begins(what, "only "))
        append_members(inside(what, sizeof("only"), 0), ",\"additionalProperties\":false", out);
    else if (begins(what, "some "))
        append_members(inside(what, sizeof("some"), 0),
                       ",\"additionalProperties\":false,\"minProperties\":1", out);
    else if (is_members(what))
        append_members(what, "", out);
    else
        append_type(what, out);
}
