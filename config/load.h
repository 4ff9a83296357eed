/* From a tree to a struct config, along the schema. */
#pragma once

#include "config/config.h"
#include "config/yaml_tree.h"
#include "core/arena.h"

struct load {
    const char *file;
    const char *folder;    /* of FILE, absolute: what relative paths in it start from */
    struct arena *arena;   /* the config's own */
    struct arena *scratch; /* what is gone after loading */
    struct config *config;
    const struct yaml_node *root;
    struct config_errors *errors;
};

/* Where the walk is: "services[1].url" as a chain on the stack. */
struct key_path {
    const struct key_path *up; /* NULL above a key of the root */
    struct span name;          /* p == NULL: item INDEX of the list above */
    size_t index;
};

/* Reads L->root into L->config; what is wrong is added to L->errors, and members that could not be
 * read stay zero. */
void load_tree(struct load *l);

void load_fail(struct load *l, unsigned line, const struct key_path *path, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* For the checks after the walk: an error about the key that PATH_FMT's text names, on the line
 * where it stands. PATH is made with load_at. */
void load_fail_at(struct load *l, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *load_at(struct load *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* PATH made absolute, in the config's arena. */
const char *load_absolute(struct load *l, struct span path);
