/* The types of values: how each is read from text and written back.
 *
 * A type reads one scalar into one member of a struct; lists and maps are the walkers' business
 * (load.c, dump.c). */
#pragma once

#include "config/load.h"
#include "config/schema.h"
#include "core/buf.h"

/* A scalar on its way into the struct. */
struct value {
    struct load *load;
    const struct schema_key *key;
    const struct key_path *path;
    unsigned line;
    struct span text; /* variables filled in; terminated, as long-lived as the config */
};

struct value_type {
    const char *name, *plural; /* for the documentation: "host name" */
    /* Stores V at OUT, or adds an error and leaves OUT alone. */
    void (*read)(const struct value *v, void *out);
    /* The value at IN as a YAML scalar. */
    enum err (*write)(const struct schema_key *key, const void *in, struct buf *out);
    /* Whether IN holds no value; NULL: it always holds one. */
    bool (*absent)(const struct schema_key *key, const void *in);
    bool secret; /* KEY_file is taken too, and neither dumps nor errors show it */
};

/* const char *: */
extern const struct value_type value_text, value_user, value_path, value_secret, value_https_url,
    value_regex, value_url_path, value_mail, value_host, value_service, value_nameserver;
extern const struct value_type value_bool;       /* bool */
extern const struct value_type value_choice;     /* an enum, or a bool with a word for each */
extern const struct value_type value_number;     /* unsigned, of 2, 4 or 8 bytes */
extern const struct value_type value_statuses;   /* struct config_statuses */
extern const struct value_type value_duration;   /* uint64_t, milliseconds */
extern const struct value_type value_ip;         /* struct addr, port 0 */
extern const struct value_type value_endpoint;   /* struct addr */
extern const struct value_type value_network;    /* struct addr_cidr */
extern const struct value_type value_backend;    /* struct config_backend */
extern const struct value_type value_hostport;   /* struct config_hostport */
extern const struct value_type value_access_log; /* struct config_log */

/* An error that goes on with `, not "TEXT"`, and the nearest choice if one is near, unless the text
 * is a secret. */
void value_fail(const struct value *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The choice whose word TEXT is, or NULL; the one of a value. */
const struct schema_choice *value_choice_of(const struct schema_key *key, struct span text);
const struct schema_choice *value_choice_for(const struct schema_key *key, uint64_t value);
/* "a, b, c" */
#define VALUE_CHOICES_MAX 256
const char *value_choices_text(const struct schema_key *key, char out[VALUE_CHOICES_MAX]);

/* For types that are a const char *. */
bool value_string_absent(const struct schema_key *key, const void *in);
enum err value_string_write(const struct schema_key *key, const void *in, struct buf *out);
void value_string_store(const char *s, void *out);
/* S as a double-quoted scalar that loads to S again. */
enum err value_write_quoted(struct span s, struct buf *out) MUST_USE;
