#include "sessions/session_names.h"

#include <stdio.h>

#include "config/names.h"
#include "core/hex_base64.h"
#include "core/mem.h"
#include "core/random.h"
#include "sessions/session_words.h"

#define PLAIN_TRIES 20
#define SUFFIX_LEN 6
/* Without those that are read as another: 0 o 1 l i. */
#define SUFFIX_CHARS "abcdefghjkmnpqrstuvwxyz23456789"

static const char *random_word(const char *const *words, size_t n)
{
    return words[random_u32_below((uint32_t)n)];
}

static void random_pair(char out[SESSION_NAME_MAX + 1])
{
    snprintf(out, SESSION_NAME_MAX + 1, "%s-%s",
             random_word(session_adjectives, session_adjectives_count),
             random_word(session_animals, session_animals_count));
}

static void add_suffix(char out[SESSION_NAME_MAX + 1])
{
    size_t len = strlen(out);
    CHECK(len + 1 + SUFFIX_LEN <= SESSION_NAME_MAX);
    out[len++] = '-';
    for (int i = 0; i < SUFFIX_LEN; i++)
        out[len++] = SUFFIX_CHARS[random_u32_below(sizeof SUFFIX_CHARS - 1)];
    out[len] = '\0';
}

void session_name_generate(const struct config *c, bool (*taken)(void *ctx, struct span name),
                           void *ctx, char out[SESSION_NAME_MAX + 1])
{
    for (unsigned i = 0;; i++) {
        random_pair(out);
        if (i >= PLAIN_TRIES)
            add_suffix(out);
        struct span name = span_str(out);
        if (!name_session_reserved(c, name) && !taken(ctx, name))
            return;
    }
}

enum err session_name_of_content(const struct session *s, unsigned attempt,
                                 char out[SESSION_NAME_MAX + 1])
{
    uint8_t hash[SESSION_HASH_LEN];
    char hex[HEX_LEN(SESSION_HASH_LEN) + 1];
    if (attempt > (SESSION_NAME_MAX - 6) / 2)
        return ERR_RANGE;
    session_content_hash(s, hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(out, SESSION_NAME_MAX + 1, "%.*s", 6 + 2 * (int)attempt, hex);
    return ERR_OK;
}
