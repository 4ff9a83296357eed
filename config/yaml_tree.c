#include "config/yaml_tree.h"

#include <stdio.h>
#include <yaml.h>

#include "config/errors.h"

#define DEPTH_MAX 16
#define NODES_MAX 65536
#define SCALAR_MAX 8192

struct reader {
    yaml_parser_t yaml;
    struct arena *arena;
    struct config_errors *errors;
    struct span text;
    size_t nodes;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

/* libyaml's reader tells offsets, not lines. */
static unsigned line_at(struct span text, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < offset && i < text.len; i++)
        line += text.p[i] == '\n';
    return line;
}

/* libyaml only says of a tab that it "cannot start any token". */
static bool at_tab(const struct reader *r)
{
    struct span rest = r->text, line = {NULL, 0};
    for (size_t i = 0; i <= r->yaml.problem_mark.line; i++)
        if (!span_split(&rest, '\n', &line))
            return false;
    size_t column = r->yaml.problem_mark.column;
    return column < line.len && line.p[column] == '\t';
}

static enum err report_parser(struct reader *r)
{
    const yaml_parser_t *p = &r->yaml;
    const char *problem = p->problem ? p->problem : "the text is not YAML";

    if (p->error == YAML_MEMORY_ERROR) {
        errors_add(r->errors, 0, "", "there is not enough memory to read it");
        return ERR_SYNTAX;
    }
    if (p->error == YAML_READER_ERROR) {
        errors_add(r->errors, line_at(r->text, p->problem_offset), "", "not UTF-8 text: %s",
                   problem);
        return ERR_SYNTAX;
    }
    if (at_tab(r)) {
        errors_add(r->errors, line_of(p->problem_mark), "",
                   "YAML: a tab where only spaces may indent (column %zu)",
                   p->problem_mark.column + 1);
        return ERR_SYNTAX;
    }
    char context[128] = "";
    if (p->context)
        snprintf(context, sizeof context, ", %s from line %u", p->context,
                 line_of(p->context_mark));
    errors_add(r->errors, line_of(p->problem_mark), "", "YAML: %s (column %zu%s)", problem,
               p->problem_mark.column + 1, context);
    return ERR_SYNTAX;
}

static enum err fail(struct reader *r, unsigned line, const char *text)
{
    errors_add(r->errors, line, "", "%s", text);
    return ERR_SYNTAX;
}

static enum err next_event(struct reader *r, yaml_event_t *event)
{
    if (!yaml_parser_parse(&r->yaml, event))
        return report_parser(r);
    return ERR_OK;
}

static const char *refused_feature(const yaml_event_t *e)
{
    static const char anchor[] = "YAML anchors and aliases are not supported: write the value out";
    static const char tag[] = "YAML tags are not supported";
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return anchor;
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor ? anchor : e->data.scalar.tag ? tag : NULL;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor ? anchor : e->data.sequence_start.tag ? tag : NULL;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor ? anchor : e->data.mapping_start.tag ? tag : NULL;
    default:
        return NULL;
    }
}

static const char *refused_text(struct span text)
{
    if (text.len > SCALAR_MAX)
        return "a value longer than 8192 bytes";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\n' || c == '\r')
            return "a value must not hold a line break";
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a value must not hold control characters";
    }
    return NULL;
}

static struct span scalar_text(const yaml_event_t *e)
{
    return span_of(e->data.scalar.value, e->data.scalar.length);
}

static enum err new_node(struct reader *r, const yaml_event_t *e, struct yaml_node **out)
{
    unsigned line = line_of(e->start_mark);
    const char *refused = refused_feature(e);
    if (refused)
        return fail(r, line, refused);
    if (++r->nodes > NODES_MAX)
        return fail(r, line, "the file holds more than 65536 values");

    struct yaml_node *node = arena_must_alloc(r->arena, sizeof *node);
    *node = (struct yaml_node){.line = line};
    *out = node;
    if (e->type == YAML_SEQUENCE_START_EVENT)
        node->kind = YAML_LIST;
    if (e->type == YAML_MAPPING_START_EVENT)
        node->kind = YAML_MAP;
    if (e->type != YAML_SCALAR_EVENT)
        return ERR_OK;

    refused = refused_text(scalar_text(e));
    if (refused)
        return fail(r, line, refused);
    node->kind = YAML_SCALAR;
    node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = arena_copy(r->arena, scalar_text(e));
    return ERR_OK;
}

/* The key in E, written over by the next event in it. */
static enum err read_key(struct reader *r, const yaml_event_t *e, struct span *key)
{
    unsigned line = line_of(e->start_mark);
    const char *refused = refused_feature(e);
    if (!refused && e->type != YAML_SCALAR_EVENT)
        refused = "a key must be plain text";
    if (!refused)
        refused = refused_text(scalar_text(e));
    if (refused)
        return fail(r, line, refused);
    *key = arena_copy(r->arena, scalar_text(e));
    return ERR_OK;
}

static enum err read_node(struct reader *r, const yaml_event_t *e, unsigned depth,
                          struct yaml_node **out);

/* One child that begins with EVENT, which is given back; its key first when it is a map's. */
static enum err read_child(struct reader *r, yaml_event_t *event, bool in_map, unsigned depth,
                           struct yaml_node **out)
{
    struct span key = {NULL, 0};
    unsigned key_line = line_of(event->start_mark);
    enum err err = ERR_OK;

    if (in_map) {
        err = read_key(r, event, &key);
        yaml_event_delete(event);
        if (err == ERR_OK)
            err = next_event(r, event);
        if (err != ERR_OK)
            return err;
    }
    err = read_node(r, event, depth, out);
    yaml_event_delete(event);
    if (err != ERR_OK)
        return err;
    (*out)->key = key;
    (*out)->key_line = key_line;
    return ERR_OK;
}

static enum err read_children(struct reader *r, struct yaml_node *parent, unsigned depth)
{
    struct yaml_node **link = &parent->first;
    if (depth >= DEPTH_MAX)
        return fail(r, parent->line, "lists and maps are nested too deeply");

    for (;;) {
        yaml_event_t event;
        TRY(next_event(r, &event));
        if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            return ERR_OK;
        }
        TRY(read_child(r, &event, parent->kind == YAML_MAP, depth + 1, link));
        link = &(*link)->next;
        parent->n++;
    }
}

static enum err read_node(struct reader *r, const yaml_event_t *e, unsigned depth,
                          struct yaml_node **out)
{
    TRY(new_node(r, e, out));
    if ((*out)->kind == YAML_SCALAR)
        return ERR_OK;
    return read_children(r, *out, depth);
}

/* Stream start, document start, root, document end, stream end: one document and no more. */
static enum err read_stream(struct reader *r, struct yaml_node **out)
{
    yaml_event_t event;
    bool done = false;
    *out = NULL;

    while (!done) {
        enum err err = ERR_OK;
        TRY(next_event(r, &event));
        switch (event.type) {
        case YAML_STREAM_END_EVENT:
            done = true;
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (*out)
                err = fail(r, line_of(event.start_mark), "a second document begins here");
            break;
        default:
            err = read_node(r, &event, 0, out);
            break;
        }
        yaml_event_delete(&event);
        TRY(err);
    }
    return *out ? ERR_OK : fail(r, 0, "the file is empty");
}

enum err yaml_tree_parse(struct span text, struct arena *arena, struct yaml_node **out,
                         struct config_errors *errors)
{
    struct reader r = {.arena = arena, .errors = errors, .text = text};
    if (text.len > YAML_FILE_MAX)
        return fail(&r, 0, "the file is larger than 1 MiB");
    if (!yaml_parser_initialize(&r.yaml))
        return fail(&r, 0, "there is not enough memory to read it");

    /* With the encoding set, libyaml takes a byte order mark for content. */
    if (span_starts(text, SPAN_LIT("\xef\xbb\xbf")))
        text = r.text = span_from(text, 3);
    const char *bytes = text.len ? text.p : "";
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)bytes, text.len);
    enum err err = read_stream(&r, out);
    yaml_parser_delete(&r.yaml);
    return err;
}

const struct yaml_node *yaml_tree_child(const struct yaml_node *map, struct span key)
{
    if (map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml_node *c = map->first; c; c = c->next)
        if (span_eq(c->key, key))
            return c;
    return NULL;
}

static const struct yaml_node *item_at(const struct yaml_node *list, struct span digits)
{
    uint64_t index = 0;
    if (list->kind != YAML_LIST || span_to_u64(digits, &index) != ERR_OK)
        return NULL;
    const struct yaml_node *c = list->first;
    while (c && index-- > 0)
        c = c->next;
    return c;
}

const struct yaml_node *yaml_tree_at(const struct yaml_node *root, const char *path)
{
    struct span rest = span_str(path);
    const struct yaml_node *node = root;
    while (rest.len > 0) {
        const struct yaml_node *child = NULL;
        size_t len = strcspn(rest.p + 1, ".[") + 1;
        struct span step = span_sub(rest, 0, len);
        if (step.p[0] == '[')
            child = item_at(node, span_sub(step, 1, step.len - 2));
        else
            child = yaml_tree_child(node, step.p[0] == '.' ? span_from(step, 1) : step);
        if (!child)
            return node;
        node = child;
        rest = span_from(rest, len);
    }
    return node;
}

bool yaml_node_is_null(const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || !node->plain)
        return false;
    return node->text.len == 0 || span_eq(node->text, SPAN_LIT("~")) ||
           span_eq_nocase(node->text, SPAN_LIT("null"));
}

const char *yaml_kind_text(const struct yaml_node *node)
{
    switch (node->kind) {
    case YAML_LIST:
        return "a list";
    case YAML_MAP:
        return "a map";
    case YAML_SCALAR:
        break;
    }
    return yaml_node_is_null(node) ? "nothing" : "a single value";
}
