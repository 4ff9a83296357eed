/* From a file to a struct, along a schema: the edge's configuration and an engineer's project file are
 * both read so. */
#pragma once

#include "config/config.h"
#include "config/schema.h"
#include "config/yaml_tree.h"
#include "core/arena.h"

struct load {
    /* Given: */
    const char *file;
    struct arena *arena; /* the target's own */
    const struct schema *schema;
    void *target;          /* what SCHEMA describes */
    struct config *config; /* the same where it is a configuration, else NULL */
    struct config_errors *errors;
    /* load_text's: */
    const char *folder;    /* of FILE, absolute: what relative paths in it start from */
    struct arena *scratch; /* what is gone after loading */
    const struct yaml_node *root;
};

/* Where the walk is: "services[1].url" as a chain on the stack. */
struct key_path {
    const struct key_path *up; /* NULL above a key of the root */
    struct span name;          /* p == NULL: item INDEX of the list above */
    size_t index;
};

/* Reads YAML into L->target, then calls CHECK (unless the text has no keys at all). What is wrong is added
 * to L->errors, and members that could not be read stay zero; then ERR_SYNTAX. */
enum err load_text(struct load *l, struct span yaml, void (*check)(struct load *l)) MUST_USE;
/* FILE whole, of at most YAML_FILE_MAX bytes, to be given to load_forget; else says why not in ERRORS. */
enum err load_file(const char *file, char **text, size_t *len,
                   struct config_errors *errors) MUST_USE;
/* Wipes TEXT, which may hold a secret, and frees it. */
void load_forget(char *text, size_t len);

/* Reads L->root into L->target. */
void load_tree(struct load *l);

void load_fail(struct load *l, unsigned line, const struct key_path *path, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* For the checks after the walk: an error about the key that PATH_FMT's text names, on the line
 * where it stands. PATH is made with load_at. */
void load_fail_at(struct load *l, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *load_at(struct load *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* PATH made absolute, in the config's arena. */
const char *load_absolute(struct load *l, struct span path);
