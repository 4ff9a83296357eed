#include "cli/env_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/env_text.h"
#include "core/file.h"
#include "core/mem.h"

#define ENV_FILE_MAX ((size_t)1 << 20)
#define SUFFIX ".linkup"

/* One pair of files. */
struct env_pair {
    struct cli *c;
    char lines[PATH_MAX];  /* .env.X.linkup */
    char target[PATH_MAX]; /* .env.X */
    bool clear;
};

static enum exit_code complain(struct env_pair *p, const char *path, enum err err)
{
    if (err == ERR_SYNTAX) {
        cli_complain(p->c, "%s: a line \"" ENV_MARK "\" has no second one", path);
        cli_advise(p->c, "take it out, or what of Linkup's stands below it, too");
    } else if (err == ERR_FULL) {
        cli_complain(p->c, "%s: an env file of more than 1 MiB", path);
    } else {
        cli_complain(p->c, "%s: %s", path, strerror(errno));
    }
    return EXIT_INPUT;
}

/* A missing one is empty. */
static enum err read_target(const char *path, char **text, size_t *len)
{
    enum err err = file_read(path, ENV_FILE_MAX, text, len);
    if (err != ERR_NOT_FOUND)
        return err;
    *text = mem_strdup("");
    *len = 0;
    return ERR_OK;
}

/* A link keeps leading where it does, and whoever may read the file still may. */
static enum err replace(struct env_pair *p, struct span text)
{
    char real[PATH_MAX];
    struct stat st;
    const char *path = realpath(p->target, real) ? real : p->target;
    if (stat(path, &st) != 0 && stat(p->lines, &st) != 0)
        return ERR_IO;
    return file_write_atomic(path, text, st.st_mode & 0777);
}

static enum err change(struct env_pair *p, struct span target, struct span lines, struct buf *out,
                       size_t *n)
{
    TRY(p->clear ? env_text_without(target, out) : env_text_with(target, lines, out));
    bool same = span_eq(target, buf_span(out));
    if (!same)
        TRY(replace(p, buf_span(out)));
    *n += !p->clear || !same;
    return ERR_OK;
}

static enum exit_code change_pair(struct env_pair *p, size_t *n)
{
    char *target = NULL, *lines = NULL;
    size_t target_len = 0, lines_len = 0;
    struct buf out;
    buf_init(&out, 3 * ENV_FILE_MAX);
    const char *at = p->lines;
    enum err err = file_read(p->lines, ENV_FILE_MAX, &lines, &lines_len);
    if (err == ERR_OK) {
        at = p->target;
        err = read_target(p->target, &target, &target_len);
    }
    if (err == ERR_OK)
        err = change(p, span_of(target, target_len), span_of(lines, lines_len), &out, n);
    enum exit_code code = err == ERR_OK ? EXIT_DONE : complain(p, at, err);
    buf_deinit(&out);
    mem_free(target);
    mem_free(lines);
    return code;
}

static bool is_env_file(const char *name)
{
    struct span s = span_str(name);
    return span_starts(s, SPAN_LIT(".env.")) && span_ends(s, SPAN_LIT(SUFFIX));
}

static bool name_pair(struct env_pair *p, const char *folder, const char *name)
{
    int len = (int)(strlen(name) - strlen(SUFFIX));
    int a = snprintf(p->lines, sizeof p->lines, "%s/%s", folder, name);
    int b = snprintf(p->target, sizeof p->target, "%s/%.*s", folder, len, name);
    return a > 0 && b > 0 && (size_t)a < sizeof p->lines;
}

static enum exit_code change_folder(struct env_pair *p, const char *folder, size_t *n)
{
    enum exit_code code = EXIT_DONE;
    DIR *dir = opendir(folder);
    if (!dir) {
        cli_complain(p->c, "%s: %s", folder, strerror(errno));
        return EXIT_INPUT;
    }
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (!is_env_file(entry->d_name) || !name_pair(p, folder, entry->d_name))
            continue;
        enum exit_code one = change_pair(p, n);
        code = one != EXIT_DONE ? one : code;
    }
    closedir(dir);
    return code;
}

/* Services may share a directory: it is looked into once. */
static bool is_new_folder(const struct project *project, size_t i)
{
    struct span folder = span_str(project->services[i].directory);
    if (folder.len == 0)
        return false;
    for (size_t k = 0; k < i; k++)
        if (span_eq(span_str(project->services[k].directory), folder))
            return false;
    return true;
}

static enum exit_code change_all(struct cli *c, const struct project *project, bool clear,
                                 size_t *n)
{
    struct env_pair *p = NEW(struct env_pair);
    enum exit_code code = EXIT_DONE;
    p->c = c;
    p->clear = clear;
    *n = 0;
    for (size_t i = 0; i < project->n_services; i++) {
        if (!is_new_folder(project, i))
            continue;
        enum exit_code one = change_folder(p, project->services[i].directory, n);
        code = one != EXIT_DONE ? one : code;
    }
    mem_free(p);
    return code;
}

enum exit_code env_files_write(struct cli *c, const struct project *p, size_t *n)
{
    return change_all(c, p, false, n);
}

enum exit_code env_files_clear(struct cli *c, const struct project *p, size_t *n)
{
    return change_all(c, p, true, n);
}
