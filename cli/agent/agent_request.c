#include "cli/agent/agent_request.h"

#include <stdio.h>
#include <string.h>

#include "config/names.h"
#include "core/mem.h"

#define SERVICES_MAX 64

static enum err wrong(char why[AGENT_WHY_TEXT], const char *what, const char *more)
{
    snprintf(why, AGENT_WHY_TEXT, "%s%s%.80s", what, *more ? ": " : "", more);
    return ERR_SYNTAX;
}

static enum err check_services(const json_t *services, char why[AGENT_WHY_TEXT])
{
    const char *name;
    json_t *url;
    if (!json_is_object(services) || json_object_size(services) > SERVICES_MAX)
        return wrong(why, "services: not an object of at most 64", "");
    json_object_foreach((json_t *)(uintptr_t)services, name, url)
    {
        if (!name_is_service(span_str(name)))
            return wrong(why, "services: not a service's name", name);
        if (!json_is_string(url))
            return wrong(why, "services: not a URL", name);
    }
    return ERR_OK;
}

static enum err check_session(const struct agent_request *r, char why[AGENT_WHY_TEXT])
{
    if (!name_is_session(span_str(r->session)))
        return wrong(why, "session: not a session's name", r->session);
    return span_starts(span_str(r->edge), SPAN_LIT("https://"))
               ? ERR_OK
               : wrong(why, "edge: not an https:// URL", "");
}

static enum err unpacked(int r, const json_error_t *error, char why[AGENT_WHY_TEXT])
{
    return r == 0 ? ERR_OK : wrong(why, "not a request", error->text);
}

enum err agent_request_from(json_t *j, struct agent_request *out, char why[AGENT_WHY_TEXT])
{
    json_error_t error;
    const char *verb;
    *out = (struct agent_request){
        .verb = AGENT_SET, .connect = "", .ca = "", .project = "", .json = json_incref(j)};
    int r = json_unpack_ex(j, &error, JSON_STRICT, "{s?s, s:s, s:s, s:s, s:o, s?s, s?s, s?s, s?b}",
                           "do", &verb, "edge", &out->edge, "token", &out->token, "session",
                           &out->session, "services", &out->services, "connect", &out->connect,
                           "ca", &out->ca, "project", &out->project, "anew", &out->anew);
    TRY(unpacked(r, &error, why));
    TRY(check_session(out, why));
    if (*out->token == '\0')
        return wrong(why, "token: empty", "");
    return check_services(out->services, why);
}

static enum err read_drop(json_t *j, struct agent_request *out, char why[AGENT_WHY_TEXT])
{
    json_error_t error;
    const char *verb;
    int r = json_unpack_ex(j, &error, JSON_STRICT, "{s:s, s:s, s:s}", "do", &verb, "edge",
                           &out->edge, "session", &out->session);
    TRY(unpacked(r, &error, why));
    return check_session(out, why);
}

static enum err read_plain(json_t *j, char why[AGENT_WHY_TEXT])
{
    return json_object_size(j) == 1 ? ERR_OK : wrong(why, "not a request", "more than a verb");
}

static enum err read_verb(json_t *j, struct agent_request *out, char why[AGENT_WHY_TEXT])
{
    static const struct {
        const char *word;
        enum agent_verb verb;
    } verbs[] = {{"drop", AGENT_DROP},
                 {"status", AGENT_STATUS},
                 {"watch", AGENT_WATCH},
                 {"replace", AGENT_REPLACE}};
    const char *word = json_string_value(json_object_get(j, "do"));
    if (!word)
        return wrong(why, "not a request", "what to do is not said");
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(word, verbs[i].word) != 0)
            continue;
        out->verb = verbs[i].verb;
        return out->verb == AGENT_DROP ? read_drop(j, out, why) : read_plain(j, why);
    }
    return wrong(why, "not a request", word);
}

enum err agent_request_parse(struct span line, struct agent_request *out, char why[AGENT_WHY_TEXT])
{
    json_error_t error;
    *out = (struct agent_request){0};
    json_t *j = json_loadb(line.p, line.len, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(j)) {
        json_decref(j);
        return wrong(why, "not a JSON object", "");
    }
    const char *word = json_string_value(json_object_get(j, "do"));
    if (word && strcmp(word, "set") == 0) {
        enum err e = agent_request_from(j, out, why);
        json_decref(j);
        return e;
    }
    out->json = j;
    return read_verb(j, out, why);
}

void agent_request_deinit(struct agent_request *r)
{
    json_decref(r->json);
    *r = (struct agent_request){0};
}
