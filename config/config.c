#include "config/config.h"

#include <stdatomic.h>

#include "config/check.h"
#include "config/errors.h"
#include "config/load.h"
#include "core/mem.h"

/* The tree is bounded in yaml_tree.c; this stands well above what that lets through. */
#define CONFIG_CEILING ((size_t)2 << 30)

struct config_owned {
    struct config config;
    struct arena arena;
    atomic_uint refs;
};

static struct config_owned *owner_of(struct config *c)
{
    return CONTAINER_OF(c, struct config_owned, config);
}

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&owner_of(c)->refs, 1, memory_order_relaxed);
    return c;
}

void config_unref(struct config *c)
{
    if (!c)
        return;
    struct config_owned *o = owner_of(c);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_deinit(&o->arena);
    mem_free(o);
}

static struct config *config_new(void)
{
    struct config_owned *o = NEW(struct config_owned);
    arena_init(&o->arena, NULL, 0, CONFIG_CEILING);
    atomic_init(&o->refs, 1);
    return &o->config;
}

static enum err parse_into(struct config *c, const char *file, struct span yaml,
                           struct config_errors *errors)
{
    struct load load = {
        .file = file,
        .arena = &owner_of(c)->arena,
        .schema = &config_schema,
        .target = c,
        .config = c,
        .errors = errors,
    };
    return load_text(&load, yaml, check_config);
}

static bool has_error_below(const struct config_errors *errors, const char *key)
{
    for (size_t i = 0; i < errors->n; i++)
        if (span_starts(span_str(errors->v[i].key), span_str(key)))
            return true;
    return false;
}

/* What of C can be looked into although the file has errors; false: too little. */
static bool sound_part(const struct config *c, const struct config_errors *errors,
                       struct config *part)
{
    if (!c->zone || c->nameservers.n == 0 || c->addresses.n == 0 ||
        has_error_below(errors, "zone") || has_error_below(errors, "nameservers") ||
        has_error_below(errors, "addresses"))
        return false;
    *part = *c;
    if (has_error_below(errors, "services"))
        part->n_services = 0;
    if (has_error_below(errors, "domains"))
        part->n_domains = 0;
    if (has_error_below(errors, "certificates"))
        part->certificates.n_files = 0;
    if (has_error_below(errors, "dns.records"))
        part->dns.records.n = 0;
    if (has_error_below(errors, "dns.caa"))
        part->dns.caa.n = 0;
    return true;
}

static enum err run_check(const struct config *c, config_check *check, enum err so_far,
                          struct config_errors *errors)
{
    struct config part;
    if (!check)
        return so_far;
    if (so_far == ERR_OK)
        return check(c, errors);
    if (sound_part(c, errors, &part) && check(&part, errors) != ERR_OK)
        return ERR_SYNTAX;
    return so_far;
}

static enum err parse_checked(const char *file, struct span yaml, config_check *check,
                              struct config **out, struct config_errors *errors)
{
    struct config *c = config_new();
    *errors = (struct config_errors){NULL, 0};
    *out = NULL;

    enum err err = run_check(c, check, parse_into(c, file, yaml, errors), errors);
    if (err != ERR_OK) {
        errors_sort(errors);
        config_unref(c);
        return err;
    }
    *out = c;
    return ERR_OK;
}

enum err config_parse(const char *file, struct span yaml, struct config **out,
                      struct config_errors *errors)
{
    return parse_checked(file, yaml, NULL, out, errors);
}

enum err config_load(const char *file, struct config **out, struct config_errors *errors)
{
    return config_load_checked(file, NULL, out, errors);
}

enum err config_load_checked(const char *file, config_check *check, struct config **out,
                             struct config_errors *errors)
{
    char *text = NULL;
    size_t len = 0;
    *errors = (struct config_errors){NULL, 0};
    *out = NULL;

    enum err err = load_file(file, &text, &len, errors);
    if (err != ERR_OK)
        return err;
    err = parse_checked(file, span_of(text, len), check, out, errors);
    load_forget(text, len);
    return err;
}
