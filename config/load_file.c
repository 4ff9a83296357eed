/* The file and its text, before and after the walk. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "config/errors.h"
#include "config/load.h"
#include "core/file.h"
#include "core/mem.h"

/* The tree is bounded in yaml_tree.c; this stands well above what that lets through. */
#define TREE_CEILING ((size_t)256 << 20)

/* The folder of FILE, absolute: a dump has to mean the same wherever it is loaded from. */
static const char *folder_of(const char *file, struct arena *arena)
{
    char cwd[PATH_MAX] = "/";
    ptrdiff_t slash = span_rchr(span_str(file), '/');
    struct span folder = span_sub(span_str(file), 0, slash < 0 ? 0 : (size_t)slash + 1);
    struct span whole;
    if (span_starts(folder, SPAN_LIT("/"))) {
        whole = arena_printf(arena, SPAN_FMT, SPAN_ARG(folder));
    } else {
        if (!getcwd(cwd, sizeof cwd))
            memcpy(cwd, "/", 2);
        whole = arena_printf(arena, "%s/" SPAN_FMT, cwd, SPAN_ARG(folder));
    }
    CHECK(whole.p != NULL);
    return whole.p;
}

enum err load_text(struct load *l, struct span yaml, void (*check)(struct load *l))
{
    struct arena tree;
    struct yaml_node *root = NULL;
    /* cppcheck-suppress autoVariables ; taken back below */
    l->scratch = &tree;

    arena_init(&tree, NULL, 0, TREE_CEILING);
    enum err err = yaml_tree_parse(yaml, &tree, &root, l->errors);
    if (err == ERR_OK) {
        l->folder = folder_of(l->file, l->arena);
        l->root = root;
        load_tree(l);
        if (root->kind == YAML_MAP)
            check(l);
    }
    arena_deinit(&tree);
    l->scratch = NULL;
    l->root = NULL;
    return l->errors->n > 0 ? ERR_SYNTAX : err;
}

enum err load_file(const char *file, char **text, size_t *len, struct config_errors *errors)
{
    enum err err = file_read(file, YAML_FILE_MAX, text, len);
    if (err == ERR_OK)
        return ERR_OK;
    if (err == ERR_FULL) {
        errors_add(errors, 0, "", "the file is larger than 1 MiB");
        return ERR_SYNTAX;
    }
    errors_add(errors, 0, "", "cannot be read: %s", log_errno_text(errno));
    return ERR_IO;
}

void load_forget(char *text, size_t len)
{
    mem_wipe(text, len);
    mem_free(text);
}
