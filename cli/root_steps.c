#include "cli/root_steps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/folders.h"
#include "cli/tool.h"
#include "core/file.h"
#include "core/mem.h"

static struct root_step *add(struct root_steps *s)
{
    CHECK(s->n < ROOT_STEPS_MAX);
    s->v[s->n] = (struct root_step){0};
    return &s->v[s->n++];
}

void root_steps_put(struct root_steps *s, const char *path, const char *text)
{
    struct root_step *step = add(s);
    step->path = path;
    step->text = text;
}

void root_steps_remove(struct root_steps *s, const char *path)
{
    add(s)->path = path;
}

void root_steps_run(struct root_steps *s, const char *const *argv)
{
    struct root_step *step = add(s);
    for (size_t i = 0; argv[i]; i++) {
        CHECK(i < ROOT_STEP_WORDS);
        step->argv[i] = argv[i];
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static enum exit_code fail(struct cli *c, const char *what)
{
    cli_complain(c, "%s: %s", what, strerror(errno));
    return EXIT_INPUT;
}

/* --- as a program to be run ---------------------------------------------------------------------- */

/* The file to be put lies in KEEP by then. */
static void program_of(struct cli *c, const struct root_step *s, const char *keep,
                       const char *argv[ROOT_STEP_WORDS + 1])
{
    if (!s->path) {
        memcpy(argv, s->argv, sizeof s->argv);
        return;
    }
    const char *const put[] = {
        "install", "-m", "644", cli_text(c, "%s/%s", keep, base_name(s->path)), s->path, NULL};
    const char *const gone[] = {"rm", "-f", s->path, NULL};
    const char *const *from = s->text ? put : gone;
    size_t n = s->text ? ARRAY_LEN(put) : ARRAY_LEN(gone);
    memcpy(argv, from, n * sizeof *argv);
}

static enum exit_code run(struct cli *c, const char *const *argv)
{
    int status = tool_run(argv, NULL);
    if (status == 0)
        return EXIT_DONE;
    if (status < 0)
        return fail(c, argv[0]);
    const char *words = argv[0];
    for (size_t i = 1; argv[i]; i++)
        words = cli_text(c, "%s %s", words, argv[i]);
    cli_complain(c, "%s failed (%d)", words, status);
    return EXIT_INPUT;
}

static enum exit_code keep_files(struct cli *c, const struct root_steps *s, const char *keep)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->v[i].path || !s->v[i].text)
            continue;
        const char *path = cli_text(c, "%s/%s", keep, base_name(s->v[i].path));
        if (!folder_make(keep, &c->arena) ||
            file_write_atomic(path, span_str(s->v[i].text), 0644) != ERR_OK)
            return fail(c, path);
    }
    return EXIT_DONE;
}

static void forget_files(struct cli *c, const struct root_steps *s, const char *keep)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].path && s->v[i].text)
            unlink(cli_text(c, "%s/%s", keep, base_name(s->v[i].path)));
}

/* --- the three ways ------------------------------------------------------------------------------ */

static enum exit_code make_one(struct cli *c, const struct root_step *s)
{
    if (!s->path)
        return run(c, s->argv);
    if (s->text)
        return file_write_atomic(s->path, span_str(s->text), 0644) == ERR_OK ? EXIT_DONE
                                                                             : fail(c, s->path);
    return unlink(s->path) == 0 || errno == ENOENT ? EXIT_DONE : fail(c, s->path);
}

static enum exit_code make_with_sudo(struct cli *c, const struct root_steps *s, const char *sudo,
                                     const char *keep)
{
    enum exit_code code = keep_files(c, s, keep);
    for (size_t i = 0; i < s->n && code == EXIT_DONE; i++) {
        const char *argv[ROOT_STEP_WORDS + 2] = {sudo};
        program_of(c, &s->v[i], keep, argv + 1);
        code = run(c, argv);
    }
    forget_files(c, s, keep);
    return code;
}

static enum exit_code tell(struct cli *c, const struct root_steps *s, const char *what,
                           const char *keep)
{
    enum exit_code code = keep_files(c, s, keep);
    if (code != EXIT_DONE)
        return code;
    cli_complain(c, "%s needs root", what);
    for (size_t i = 0; i < s->n; i++) {
        const char *argv[ROOT_STEP_WORDS + 1] = {0}, *words = "sudo";
        program_of(c, &s->v[i], keep, argv);
        for (size_t j = 0; argv[j]; j++)
            words = cli_text(c, "%s %s", words, argv[j]);
        cli_advise(c, "%s", words);
    }
    return EXIT_INPUT;
}

enum exit_code root_steps_make(struct cli *c, const struct root_steps *s, const char *what,
                               const char *keep, bool ours)
{
    char sudo[4096];
    if (!ours && geteuid() != 0) {
        if (!c->err.tty || !tool_find("sudo", sudo, sizeof sudo))
            return tell(c, s, what, keep);
        cli_say(c, "%s needs root: sudo", what);
        return make_with_sudo(c, s, sudo, keep);
    }
    enum exit_code code = EXIT_DONE;
    for (size_t i = 0; i < s->n && code == EXIT_DONE; i++)
        code = make_one(c, &s->v[i]);
    return code;
}
