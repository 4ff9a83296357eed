/* A YAML file as a tree that remembers its lines.
 *
 * Only what a configuration needs: maps with scalar keys, lists, scalars, in one document. Anchors,
 * aliases, tags and further documents are errors rather than surprises, and depth, number of values
 * and their lengths are bounded. */
#pragma once

#include "config/config.h"
#include "core/arena.h"

#define YAML_FILE_MAX ((size_t)1 << 20)

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line; /* 1-based */
    bool plain;    /* a scalar without quotes */
    struct span text;
    struct yaml_node *first, *next; /* children, siblings */
    size_t n;                       /* number of children */
    struct span key;                /* of a map's child; its own place */
    unsigned key_line;
};

/* The root of TEXT in *OUT; nodes and texts live in ARENA. An error is added to ERRORS and is
 * ERR_SYNTAX. */
enum err yaml_tree_parse(struct span text, struct arena *arena, struct yaml_node **out,
                         struct config_errors *errors) MUST_USE;
/* The child of a map, or NULL. */
const struct yaml_node *yaml_tree_child(const struct yaml_node *map, struct span key);
/* The node that PATH ("services[1].url") names, or the nearest one above it that is there. */
const struct yaml_node *yaml_tree_at(const struct yaml_node *root, const char *path);
/* "~", "null" or nothing at all, without quotes. */
bool yaml_node_is_null(const struct yaml_node *node);
/* "a list", "a map", "text": for messages. */
const char *yaml_kind_text(const struct yaml_node *node);
