/* SPDX-License-Identifier: MIT */
#include "words.h"

#include "text.h"

#include <string.h>

enum { MAX_WORDS = 256 };

static const char *add_quoted(struct text *word, const char *at)
{
    const char *end = strchr(at + 1, *at);
    size_t len = end ? (size_t)(end - at - 1) : strlen(at + 1);

    text_add_bytes(word, at + 1, len);
    return at + 1 + len + (end ? 1 : 0);
}

static void add_word(struct words *words, const struct text *word)
{
    if (words->argc < MAX_WORDS)
        words->argv[words->argc++] = mem_text(text_str(word));
}

/* Reads up to the end, or, with `as_shell`, up to a `;` or `&&`. */
static const char *read_words(const char *at, bool as_shell, struct words *words)
{
    *words = (struct words){.argv = mem_alloc((MAX_WORDS + 1) * sizeof(char *))};
    while (*at) {
        struct text word = {0};

        at += strspn(at, " \t");
        if (!*at || (as_shell && (*at == ';' || text_starts(at, "&&"))))
            break;
        text_add(&word, "");
        while (*at && !strchr(" \t", *at)) {
            if (as_shell && (*at == ';' || text_starts(at, "&&")))
                break;
            if (*at == '"' || *at == '\'')
                at = add_quoted(&word, at);
            else
                text_add_bytes(&word, at++, 1);
        }
        if (!as_shell || !text_starts(text_str(&word), "2>"))
            add_word(words, &word);
    }
    return at;
}

struct words words_split(const char *line)
{
    struct words words;

    (void)read_words(line, false, &words);
    return words;
}

char *words_join(int argc, char **argv)
{
    struct text line = {0};

    for (int i = 0; i < argc; i++)
        text_printf(&line, "%s%s", i > 0 ? " " : "", argv[i]);
    return mem_text(text_str(&line));
}

bool words_next_command(const char **cursor, struct words *ret_words)
{
    const char *at = *cursor;

    if (!*at)
        return false;
    at = read_words(at, true, ret_words);
    ret_words->stop_on_failure = text_starts(at, "&&");
    *cursor = at + (*at == ';' ? 1 : text_starts(at, "&&") ? 2 : 0);
    return true;
}
