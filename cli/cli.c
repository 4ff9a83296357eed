#include "cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/help.h"
#include "config/project.h"

/* Far more than any answer needs: a bound against what a hostile edge could send. */
#define CLI_MEMORY ((size_t)512 << 20)

struct kept_json {
    struct kept_json *next;
    json_t *json;
};

static const char *format(struct cli *c, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    CHECK(len >= 0);
    char *text = (char *)arena_must_alloc(&c->arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, ap);
    return text;
}

const char *cli_text(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = format(c, fmt, ap);
    va_end(ap);
    return text;
}

void cli_complain(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = text_clean(&c->arena, format(c, fmt, ap));
    va_end(ap);
    fprintf(c->err.file, "%slinkup:%s %s\n", term_red(&c->err), term_plain(&c->err), text);
}

void cli_advise(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = text_clean(&c->arena, format(c, fmt, ap));
    va_end(ap);
    fprintf(c->err.file, "  %s\n", text);
}

void cli_say(struct cli *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = text_clean(&c->arena, format(c, fmt, ap));
    va_end(ap);
    fprintf(c->err.file, "%s\n", text);
}

json_t *cli_keep(struct cli *c, json_t *j)
{
    if (!j)
        return NULL;
    struct kept_json *k = (struct kept_json *)arena_must_alloc(&c->arena, sizeof *k);
    *k = (struct kept_json){c->kept, j};
    c->kept = k;
    return j;
}

void cli_forget(struct cli *c)
{
    for (struct kept_json *k = c->kept; k; k = k->next)
        json_decref(k->json);
    c->kept = NULL;
    arena_deinit(&c->arena);
}

void cli_print_json(struct cli *c, const json_t *j)
{
    /* On a terminal, what others wrote is shown in ASCII, so that it cannot steer it. */
    size_t flags = JSON_ENCODE_ANY |
                   (c->out.tty ? JSON_INDENT(2) | JSON_ENSURE_ASCII : JSON_COMPACT);
    json_dumpf(j, c->out.file, flags);
    fputc('\n', c->out.file);
}

/* What was printed must have arrived: a full disk is an error too. */
static int finish(struct cli *c, int code)
{
    errno = 0;
    bool lost = fflush(c->out.file) != 0;
    if (ferror(c->out.file) || lost) {
        cli_complain(c, "cannot write the output: %s", errno ? strerror(errno) : "write error");
        code = code == EXIT_DONE ? EXIT_INPUT : code;
    }
    settings_deinit(&c->settings);
    project_free(c->project);
    cli_forget(c);
    return code;
}

static enum exit_code usage_fault(struct cli *c, const struct args_fault *fault)
{
    cli_complain(c, "%s", fault->text);
    if (c->args.command)
        cli_advise(c, "see: linkup help %s", c->args.command->name);
    else
        cli_advise(c, "see: linkup help");
    return fault->exit;
}

static enum exit_code run(struct cli *c, int argc, char **argv)
{
    struct args_fault fault;
    if (!args_parse(&c->args, &c->arena, argc, argv, getenv, &fault))
        return usage_fault(c, &fault);
    if (args_has(&c->args, "version")) {
        fprintf(c->out.file, "linkup %s\n", LINKUP_VERSION);
        return EXIT_DONE;
    }
    if (args_has(&c->args, "help"))
        return help_print(c, &c->out, c->args.command ? c->args.command->name : c->args.group);
    if (c->args.command)
        return c->args.command->run(c);

    help_print(c, &c->err, c->args.group);
    return EXIT_USAGE;
}

int cli_main(int argc, char **argv)
{
    /* The API speaks UTF-8, whatever the environment's locale is. */
    setlocale(LC_CTYPE, "C.UTF-8");
    struct cli c = {0};
    arena_init(&c.arena, NULL, 0, CLI_MEMORY);
    term_init(&c.out, stdout);
    term_init(&c.err, stderr);
    return finish(&c, (int)run(&c, argc, argv));
}
