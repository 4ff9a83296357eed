/* Types that are plain strings with a form. */
#include <stdio.h>
#include <string.h>

#include "config/backend_url.h"
#include "config/regex.h"
#include "config/values.h"

/* Longer paths reach no file on Linux, and sun_path is shorter still (check_listen.c). */
#define PATH_LEN_MAX 4095

static void text_read(const struct value *v, void *out)
{
    if (v->text.len == 0) {
        value_fail(v, "must not be empty");
        return;
    }
    if (v->key->max && !schema_is_list(v->key) && v->text.len > v->key->max) {
        value_fail(v, "must not be longer than %ju bytes", (uintmax_t)v->key->max);
        return;
    }
    value_string_store(v->text.p, out);
}

const struct value_type value_text = {
    .name = "text",
    .plural = "texts",
    .read = text_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void user_read(const struct value *v, void *out)
{
    bool ok = v->text.len > 0 && v->text.len <= 32 && v->text.p[0] != '-';
    for (size_t i = 0; i < v->text.len; i++) {
        char c = ascii_lower(v->text.p[i]);
        ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", c));
    }
    if (!ok) {
        value_fail(v, "must be a user's name");
        return;
    }
    value_string_store(v->text.p, out);
}

const struct value_type value_user = {
    .name = "user name",
    .read = user_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void path_read(const struct value *v, void *out)
{
    if (value_choice_of(v->key, v->text)) {
        value_string_store(NULL, out);
        return;
    }
    if (v->text.len == 0) {
        value_fail(v, "must be a path");
        return;
    }
    const char *path = load_absolute(v->load, v->text);
    if (strlen(path) > PATH_LEN_MAX) {
        value_fail(v, "must be a path of at most %d bytes", PATH_LEN_MAX);
        return;
    }
    value_string_store(path, out);
}

/* With a word for "none" (off), none is a value like others. */
static bool path_absent(const struct schema_key *key, const void *in)
{
    return !key->choices && value_string_absent(key, in);
}

static enum err path_write(const struct schema_key *key, const void *in, struct buf *out)
{
    if (value_string_absent(key, in))
        return buf_printf(out, "%s", key->choices[0].word);
    return value_string_write(key, in, out);
}

const struct value_type value_path = {
    .name = "path",
    .plural = "paths",
    .read = path_read,
    .write = path_write,
    .absent = path_absent,
};

static enum err secret_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    (void)in;
    return buf_append(out, SPAN_LIT("\"(secret)\""));
}

const struct value_type value_secret = {
    .name = "secret",
    .plural = "secrets",
    .read = text_read,
    .write = secret_write,
    .absent = value_string_absent,
    .secret = true,
};

static bool is_graphic(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~')
            return false;
    return true;
}

/* What is an address of a backend is one of an authority. */
static void https_url_read(const struct value *v, void *out)
{
    struct config_backend url;
    const char *why = "it must begin with https://";
    enum err err = backend_url_parse(v->text, v->load->arena, &url, &why);
    if (err == ERR_OK && url.scheme == BACKEND_HTTPS) {
        value_string_store(v->text.p, out);
        return;
    }
    /* As in values_special.c: what may hold a password is not repeated. */
    if (span_chr(v->text, '@') >= 0)
        load_fail(v->load, v->line, v->path, "must be an https:// URL (%s)", why);
    else
        value_fail(v, "must be an https:// URL (%s)", why ? why : "the scheme is another");
}

const struct value_type value_https_url = {
    .name = "https URL",
    .read = https_url_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void regex_read(const struct value *v, void *out)
{
    char why[REGEX_WHY_MAX];
    if (v->text.len == 0) {
        value_fail(v, "must be a regex");
        return;
    }
    if (regex_check(v->text, NULL, why) != ERR_OK) {
        value_fail(v, "must be a regex (%s)", why);
        return;
    }
    value_string_store(v->text.p, out);
}

const struct value_type value_regex = {
    .name = "regex",
    .plural = "regexes",
    .read = regex_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void url_path_read(const struct value *v, void *out)
{
    if (!span_starts(v->text, SPAN_LIT("/")) || !is_graphic(v->text) ||
        span_chr(v->text, '#') >= 0) {
        value_fail(v, "must be a path that begins with '/', percent-encoded");
        return;
    }
    value_string_store(v->text.p, out);
}

const struct value_type value_url_path = {
    .name = "URL path",
    .read = url_path_read,
    .write = value_string_write,
    .absent = value_string_absent,
};

static void mail_read(const struct value *v, void *out)
{
    struct span s = v->text;
    struct span scheme = SPAN_LIT("mailto:");
    if (span_eq_nocase(span_sub(s, 0, scheme.len), scheme))
        s = span_from(s, scheme.len);

    ptrdiff_t at = span_chr(s, '@');
    bool ok = at > 0 && (size_t)at + 1 < s.len && span_rchr(s, '@') == at && is_graphic(s);
    /* One address: what could be read as more of them, or as URL syntax, authorities refuse. */
    for (size_t i = 0; i < s.len; i++)
        ok = ok && !strchr(",;?<>()\"\\", s.p[i]);
    if (!ok) {
        value_fail(v, "must be one mail address");
        return;
    }
    value_string_store(s.p, out);
}

const struct value_type value_mail = {
    .name = "mail address",
    .read = mail_read,
    .write = value_string_write,
    .absent = value_string_absent,
};
