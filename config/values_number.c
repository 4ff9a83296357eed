/* Types that are numbers, switches and words. */
#include <stdio.h>

#include "config/values.h"
#include "core/duration.h"

/* Members are of different widths; the schema knows theirs. */
static void store_number(uint64_t value, void *out, size_t size)
{
    uint32_t u32 = (uint32_t)value;
    uint16_t u16 = (uint16_t)value;
    uint8_t u8 = (uint8_t)value;
    const void *from = size == 8   ? (void *)&value
                       : size == 4 ? (void *)&u32
                       : size == 2 ? (void *)&u16
                                   : (void *)&u8;
    CHECK(size == 8 || size == 4 || size == 2 || size == 1);
    memcpy(out, from, size);
}

static uint64_t fetch_number(const void *in, size_t size)
{
    uint64_t u64 = 0;
    uint32_t u32;
    uint16_t u16;
    uint8_t u8;
    switch (size) {
    case 8:
        memcpy(&u64, in, 8);
        return u64;
    case 4:
        memcpy(&u32, in, 4);
        return u32;
    case 2:
        memcpy(&u16, in, 2);
        return u16;
    default:
        CHECK(size == 1);
        memcpy(&u8, in, 1);
        return u8;
    }
}

static void bool_read(const struct value *v, void *out)
{
    bool yes = span_eq(v->text, SPAN_LIT("true"));
    if (!yes && !span_eq(v->text, SPAN_LIT("false"))) {
        value_fail(v, "must be true or false");
        return;
    }
    store_number(yes, out, v->key->size);
}

static enum err bool_write(const struct schema_key *key, const void *in, struct buf *out)
{
    return buf_printf(out, "%s", fetch_number(in, key->size) ? "true" : "false");
}

const struct value_type value_bool = {
    .name = "true or false",
    .read = bool_read,
    .write = bool_write,
};

static void choice_read(const struct value *v, void *out)
{
    char words[VALUE_CHOICES_MAX];
    const struct schema_choice *c = value_choice_of(v->key, v->text);
    if (!c) {
        value_fail(v, "must be one of %s", value_choices_text(v->key, words));
        return;
    }
    store_number(c->value, out, v->key->size);
}

static enum err choice_write(const struct schema_key *key, const void *in, struct buf *out)
{
    const struct schema_choice *c = value_choice_for(key, fetch_number(in, key->size));
    CHECK(c != NULL);
    return buf_printf(out, "%s", c->word);
}

const struct value_type value_choice = {
    .name = "word",
    .read = choice_read,
    .write = choice_write,
};

static void number_read(const struct value *v, void *out)
{
    const struct schema_choice *c = value_choice_of(v->key, v->text);
    uint64_t n = 0;
    if (c) {
        store_number(c->value, out, v->key->size);
        return;
    }
    if (span_to_u64(v->text, &n) != ERR_OK || n < v->key->min || n > v->key->max) {
        value_fail(v, "must be %s%sa number from %ju to %ju",
                   v->key->choices ? v->key->choices[0].word : "", v->key->choices ? " or " : "",
                   (uintmax_t)v->key->min, (uintmax_t)v->key->max);
        return;
    }
    store_number(n, out, v->key->size);
}

static enum err number_write(const struct schema_key *key, const void *in, struct buf *out)
{
    return buf_printf(out, "%ju", (uintmax_t)fetch_number(in, key->size));
}

const struct value_type value_number = {
    .name = "number",
    .read = number_read,
    .write = number_write,
};

static bool status_of(struct span text, uint16_t *out)
{
    uint64_t n = 0;
    if (span_to_u64(text, &n) != ERR_OK || n < 200 || n > 599)
        return false;
    *out = (uint16_t)n;
    return true;
}

static void statuses_read(const struct value *v, void *out)
{
    struct config_statuses s;
    ptrdiff_t dash = span_chr(v->text, '-');
    struct span from = dash < 0 ? v->text : span_sub(v->text, 0, (size_t)dash);
    struct span to = dash < 0 ? v->text : span_from(v->text, (size_t)dash + 1);
    if (!status_of(from, &s.from) || !status_of(to, &s.to) || s.from > s.to) {
        value_fail(v, "must be an HTTP status from 200 to 599, or two with a '-' between them");
        return;
    }
    memcpy(out, &s, sizeof s);
}

static enum err statuses_write(const struct schema_key *key, const void *in, struct buf *out)
{
    struct config_statuses s;
    (void)key;
    memcpy(&s, in, sizeof s);
    return s.from == s.to ? buf_printf(out, "%u", s.from) : buf_printf(out, "%u-%u", s.from, s.to);
}

const struct value_type value_statuses = {
    .name = "HTTP status or range of them",
    .plural = "HTTP statuses and ranges of them",
    .read = statuses_read,
    .write = statuses_write,
};

static void duration_read(const struct value *v, void *out)
{
    char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
    uint64_t ms = UINT64_MAX; /* stays so beyond what duration_parse can say */
    if (duration_parse(v->text, &ms) == ERR_SYNTAX) {
        value_fail(v, "must be a number and a unit (ms, s, m, h, d) such as 30s");
        return;
    }
    if (ms < v->key->min || ms > v->key->max) {
        value_fail(v, "must be from %s to %s", duration_text(v->key->min, least),
                   duration_text(v->key->max, most));
        return;
    }
    store_number(ms, out, v->key->size);
}

static enum err duration_write(const struct schema_key *key, const void *in, struct buf *out)
{
    char text[DURATION_TEXT_MAX];
    return buf_printf(out, "%s", duration_text(fetch_number(in, key->size), text));
}

const struct value_type value_duration = {
    .name = "duration",
    .read = duration_read,
    .write = duration_write,
};
