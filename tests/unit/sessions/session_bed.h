/* Bodies of sessions, against one configuration. */
#pragma once

#include "unit/sessions/route_bed.h"

static const char bed_yaml[] =
    "zone: dev.example.com\n"
    "services: [{name: web, url: \"http://web\"}, {name: api, url: \"http://api\"}]\n"
    "domains: [{domain: dev.example.com, default_service: web}, {domain: shop.example.org, "
    "default_service: web}, {domain: front.dev.example.com, default_service: web}]\n"
    "sessions: {default_ttl: 7d, max_ttl: 90d}\n";

static struct config *config;

static inline int setup(void **state)
{
    config = bed_config(bed_yaml);
    return 0;
}

static inline int teardown(void **state)
{
    config_unref(config);
    return 0;
}

static inline struct session *parsed(const char *name, const char *json)
{
    return bed_session(config, name, json);
}

struct refusal {
    const char *body, *field;
    const char *text; /* a part of it; "400 " before it for that status, else 422 */
};

static inline void check_fault(const struct refusal *want, enum err e,
                               const struct session_fault *fault)
{
    bool bad_request = strncmp(want->text, "400 ", 4) == 0;
    const char *text = want->text + (bad_request ? 4 : 0);
    if (e != ERR_SYNTAX || strcmp(fault->field, want->field) != 0 || !strstr(fault->text, text) ||
        fault->status != (bad_request ? 400 : 422))
        fail_msg("%s: %d %d \"%s\" \"%s\"", want->body, e, fault->status, fault->field,
                 fault->text);
}

static inline void check_refused(const char *name, const struct refusal *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct session *s = NULL;
        struct session_fault fault = {.status = 0};
        json_t *body = bed_json(rows[i].body);
        enum err e = session_parse(body, span_str(name), config, &s, &fault);
        json_decref(body);
        check_fault(&rows[i], e, &fault);
    }
}
