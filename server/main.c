/* linkupd: reads its command line and configuration, then serves. */
#include <stdio.h>

#include "core/log.h"
#include "core/mem.h"
#include "server/checks.h"
#include "server/control.h"
#include "server/options.h"
#include "server/reference.h"

#define TEXT_MAX (4 * 1024 * 1024)

static int print(const struct buf *b, FILE *to)
{
    bool whole = fwrite(b->base + b->head, 1, buf_len(b), to) == buf_len(b) && fflush(to) == 0;
    return whole ? EXIT_DONE : EXIT_INPUT;
}

static void print_errors(const struct config_errors *errors, const char *file)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    if (config_errors_write(errors, file, &text) == ERR_OK)
        print(&text, stderr);
    buf_deinit(&text);
}

/* Whether the edge could be run with C. */
static enum err check(const struct config *c, struct config_errors *errors)
{
    struct dns_zone *zone = NULL;
    TRY(checks_run(c, 1, &zone, errors));
    dns_zone_unref(zone);
    return ERR_OK;
}

/* NULL after the errors have been written. A dump only shows: it need not be fit to run. */
static struct config *load(const char *file, bool to_run)
{
    struct config *c = NULL;
    struct config_errors errors = {0};
    enum err e = config_load_checked(file, to_run ? check : NULL, &c, &errors);
    if (e != ERR_OK)
        print_errors(&errors, file);
    config_errors_deinit(&errors);
    return c;
}

static int dump(const struct config *c)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    int code = config_dump(c, &text) == ERR_OK ? print(&text, stdout) : EXIT_INPUT;
    buf_deinit(&text);
    return code;
}

static int print_reference(enum err (*describe)(struct buf *out))
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    int code = describe(&text) == ERR_OK ? print(&text, stdout) : EXIT_INPUT;
    buf_deinit(&text);
    return code;
}

static int serve(const char *file, struct config *config)
{
    static struct control control;
    char *why = NULL;
    log_setup(config->log.level, config->log.json);
    log_never_wait();
    if (control_start(&control, file, config, &why) != ERR_OK) {
        fprintf(stderr, "linkupd: %s\n", why ? why : "cannot start");
        mem_free(why);
        return EXIT_INPUT;
    }
    control_run(&control);
    control_free(&control);
    return EXIT_DONE;
}

static int with_config(const struct options *o)
{
    log_setup(LOG_WARN, false); /* until the configuration has said how */
    struct config *config = load(o->config, o->action != ACTION_DUMP);
    if (!config)
        return EXIT_INPUT;
    int code = EXIT_DONE;
    if (o->action == ACTION_DUMP)
        code = dump(config);
    else if (o->action == ACTION_CHECK)
        printf("%s: right\n", o->config);
    else
        code = serve(o->config, config);
    config_unref(config);
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    if (!options_parse(argc, argv, &o))
        return EXIT_USAGE;
    switch (o.action) {
    case ACTION_HELP:
        options_print_help();
        return EXIT_DONE;
    case ACTION_KEYS:
        return print_reference(config_describe);
    case ACTION_KEYS_MDOC:
        return print_reference(config_describe_mdoc);
    case ACTION_CALLS:
        return print_reference(api_describe);
    case ACTION_METRICS:
        return print_reference(reference_metrics);
    case ACTION_VERSION:
        printf("linkupd %s\n", linkup_version);
        return EXIT_DONE;
    default:
        return with_config(&o);
    }
}
