/* Types that fill more than one member. */
#include <string.h>

#include "config/backend_url.h"
#include "config/values.h"

static void backend_read(const struct value *v, void *out)
{
    struct config_backend *backend = out;
    const char *why = "too long";
    if (backend_url_parse(v->text, v->load->arena, backend, &why) == ERR_OK)
        return;
    /* Before an '@' there may be a password: such a URL is not repeated. */
    if (span_chr(v->text, '@') >= 0)
        load_fail(v->load, v->line, v->path, "must be a backend's URL (%s)", why);
    else
        value_fail(v, "must be a backend's URL (%s)", why);
}

static enum err backend_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    const struct config_backend *backend = in;
    return value_write_quoted(span_str(backend->url), out);
}

const struct value_type value_backend = {
    .name = "http, https or h2c URL",
    .read = backend_read,
    .write = backend_write,
};

static void hostport_read(const struct value *v, void *out)
{
    const char *why = "too long";
    if (backend_hostport_parse(v->text, v->load->arena, out, &why) != ERR_OK)
        value_fail(v, "must be a host and a port such as 10.0.0.7:443 (%s)", why);
}

static bool hostport_absent(const struct schema_key *key, const void *in)
{
    (void)key;
    const struct config_hostport *h = in;
    return !h->host;
}

static enum err hostport_write(const struct schema_key *key, const void *in, struct buf *out)
{
    (void)key;
    const struct config_hostport *h = in;
    const char *form = strchr(h->host, ':') ? "\"[%s]:%u\"" : "\"%s:%u\"";
    return buf_printf(out, form, h->host, (unsigned)h->port);
}

const struct value_type value_hostport = {
    .name = "host with port",
    .read = hostport_read,
    .write = hostport_write,
    .absent = hostport_absent,
};

static void access_log_read(const struct value *v, void *out)
{
    struct config_log *log = out;
    char words[VALUE_CHOICES_MAX];
    const struct schema_choice *c = value_choice_of(v->key, v->text);
    if (c) {
        log->access = (enum access_log_mode)c->value;
        return;
    }
    /* A slash tells a file from a slip in one of the words. */
    if (span_chr(v->text, '/') < 0) {
        value_fail(v, "must be one of %s or a path with a '/'", value_choices_text(v->key, words));
        return;
    }
    log->access = ACCESS_FILE;
    log->access_file = load_absolute(v->load, v->text);
}

static enum err access_log_write(const struct schema_key *key, const void *in, struct buf *out)
{
    const struct config_log *log = in;
    if (log->access == ACCESS_FILE)
        return value_write_quoted(span_str(log->access_file), out);
    const struct schema_choice *c = value_choice_for(key, log->access);
    CHECK(c != NULL);
    return buf_printf(out, "%s", c->word);
}

const struct value_type value_access_log = {
    .name = "path",
    .plural = "paths",
    .read = access_log_read,
    .write = access_log_write,
};
