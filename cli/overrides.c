#include "cli/overrides.h"

#include <string.h>

#include "config/backend_url.h"
#include "config/names.h"

enum exit_code overrides_check_name(struct cli *c, const char *name)
{
    if (name_is_session(span_str(name)))
        return EXIT_DONE;
    cli_complain(c, "\"%s\" cannot be a session's name", name);
    cli_advise(c, "one has 1 to 40 of a-z, 0-9 and inner \"-\", but no \"--\"");
    return EXIT_INPUT;
}

/* The member of "services" for VALUE, a new reference; NULL when VALUE is wrong, which was said. */
static json_t *override_of(struct cli *c, enum overrides_use use, const char *service,
                           const char *value, bool preserve_host)
{
    if (strcmp(value, "tunnel") == 0)
        return json_pack("{s:b}", "tunnel", 1);
    if (use == OVERRIDES_SET && strcmp(value, "shared") == 0)
        return json_null();

    struct config_backend url;
    const char *why = "not a URL";
    if (backend_url_parse(span_str(value), &c->arena, &url, &why) != ERR_OK) {
        cli_complain(c, "%s=%s: %s", service, value, why);
        cli_advise(c, "a backend is http://, https:// or h2c://HOST[:PORT][/BASE]%s",
                   use == OVERRIDES_SET ? ", \"tunnel\" or \"shared\"" : ", or \"tunnel\"");
        return NULL;
    }
    json_t *one = json_pack("{s:s}", "url", value);
    if (preserve_host)
        json_object_set_new(one, "host", json_string("preserve"));
    return one;
}

static enum exit_code add(struct cli *c, enum overrides_use use, const char *operand,
                          bool preserve_host, json_t *services)
{
    const char *equals = strchr(operand, '=');
    const char *service = cli_text(c, "%.*s", (int)(equals - operand), operand);
    if (!name_is_service(span_str(service))) {
        cli_complain(c, "\"%s\" cannot be a service's name", service);
        return EXIT_INPUT;
    }
    if (json_object_get(services, service)) {
        cli_complain(c, "%s is given twice", service);
        return EXIT_INPUT;
    }
    json_t *one = override_of(c, use, service, equals + 1, preserve_host);
    if (!one)
        return EXIT_INPUT;
    json_object_set_new(services, service, one);
    return EXIT_DONE;
}

enum exit_code overrides_parse(struct cli *c, enum overrides_use use, bool preserve_host,
                               struct overrides *out)
{
    *out = (struct overrides){.services = cli_keep(c, json_object())};
    for (size_t i = 0; i < c->args.n_operands; i++) {
        const char *operand = c->args.operands[i];
        if (!strchr(operand, '=') && i > 0) {
            cli_complain(c, "\"%s\" is not SERVICE=URL", operand);
            cli_advise(c, "see: linkup help %s", c->args.command->name);
            return EXIT_USAGE;
        }
        enum exit_code code;
        if (!strchr(operand, '=')) {
            out->name = operand;
            code = overrides_check_name(c, operand);
        } else {
            code = add(c, use, operand, preserve_host, out->services);
        }
        if (code != EXIT_DONE)
            return code;
    }
    if (use == OVERRIDES_CREATE || out->name)
        return EXIT_DONE;
    cli_complain(c, "which session? Its name comes first");
    cli_advise(c, "see: linkup help %s", c->args.command->name);
    return EXIT_USAGE;
}
