/* Bodies of the API: read, patched, shown, stored, compiled. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sessions/image.h"
#include "sessions/session_names.h"

static const char yaml[] =
    "zone: z.test\n"
    "addresses: [192.0.2.1]\n"
    "nameservers: [ns1]\n"
    "state: /tmp/unused\n"
    "workers: 1\n"
    "listen: {dns: [\"127.0.0.1:5300\"], https: [\"127.0.0.1:8443\"], http: []}\n"
    "services: [{name: web, url: \"http://web\"}, {name: api, url: \"http://api\"}]\n"
    "domains: [{domain: z.test, default_service: web}]\n";

static const struct config *the_config(void)
{
    static struct config *c;
    struct config_errors errors = {0};
    if (!c)
        CHECK(config_parse("fuzz.yaml", span_str(yaml), &c, &errors) == ERR_OK);
    return c;
}

static void check_fault(const struct session_fault *f)
{
    CHECK(f->status == 400 || f->status == 413 || f->status == 422);
    CHECK(f->text[0] != '\0');
    json_t *field = json_string(f->field), *text = json_string(f->text);
    CHECK(field && text);
    json_decref(field);
    json_decref(text);
}

/* What is stored comes back as the same. */
static void check_stored(const struct session *s)
{
    struct session *again = NULL;
    struct session_fault fault;
    json_t *stored = session_to_stored(s);
    if (!*s->name) { /* not stored without one */
        json_decref(stored);
        return;
    }
    CHECK(session_from_stored(stored, &again, &fault) == ERR_OK);
    json_t *once_more = session_to_stored(again);
    CHECK(json_equal(stored, once_more));
    json_decref(once_more);
    json_decref(stored);
    session_unref(again);
}

static void check_session(struct session *s, json_t *body)
{
    struct session_fault fault = {.status = 0};
    struct session_image *image = NULL;
    struct session *patched = NULL;
    char name[SESSION_NAME_MAX + 1];
    CHECK(session_name_of_content(s, 0, name) == ERR_OK);
    json_t *shown = session_to_json(s, the_config(), 1);
    char *text = json_dumps(shown, 0);
    CHECK(text != NULL);
    free(text);
    json_decref(shown);
    check_stored(s);
    if (session_image_new(s, &image, &fault) == ERR_OK)
        session_image_unref(image);
    else
        check_fault(&fault);
    if (session_patch(s, body, the_config(), &patched, &fault) == ERR_OK)
        session_unref(patched);
    else
        check_fault(&fault);
}

static void read_as(json_t *body, struct span name)
{
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    if (session_parse(body, name, the_config(), &s, &fault) != ERR_OK) {
        check_fault(&fault);
        return;
    }
    check_session(s, body);
    session_unref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session *s = NULL;
    struct session_fault fault = {.status = 0};
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                              NULL);
    if (!body)
        return 0;
    read_as(body, span_str(NULL));
    read_as(body, SPAN_LIT("slim"));
    if (session_from_stored(body, &s, &fault) == ERR_OK)
        session_unref(s);
    else
        check_fault(&fault);
    json_decref(body);
    return 0;
}
