#include <stdio.h>

#include "core/mem.h"
#include "sessions/api_internal.h"

/* What is and what happens: services, status, events, the CA. */

static json_t *public_url(const struct config *c, const char *host)
{
    if (c->public_https_port == 443)
        return json_sprintf("https://%s", host);
    return json_sprintf("https://%s:%u", host, (unsigned)c->public_https_port);
}

static json_t *describe_service(struct api *a, const struct config_service *s)
{
    char host[256];
    json_t *json = json_pack("{s:s, s:s}", "name", s->name, "backend", s->backend.url);
    CHECK(json);
    if (snprintf(host, sizeof host, "%s.%s", s->name, a->config->zone) < (int)sizeof host)
        json_object_set_new(json, "url", public_url(a->config, host));
    json_t *health = a->facts.service_health ? a->facts.service_health(a->facts.ctx, s->name)
                                             : NULL;
    json_object_set_new(json, "health", health ? health : json_null());
    return json;
}

void api_services(struct api_request *q)
{
    const struct config *c = q->api->config;
    json_t *services = json_array(), *domains = json_array();
    for (size_t i = 0; i < c->n_services; i++)
        json_array_append_new(services, describe_service(q->api, &c->services[i]));
    for (size_t i = 0; i < c->n_domains; i++) {
        const struct config_domain *d = &c->domains[i];
        json_array_append_new(domains,
                              json_pack("{s:s, s:s?, s:o}", "domain", d->domain, "default_service",
                                        d->default_service, "url", public_url(c, d->domain)));
    }
    api_answer_json(q->call, 200, json_pack("{s:o, s:o}", "services", services, "domains", domains),
                    NULL, 0);
}

void api_status(struct api_request *q)
{
    struct api *a = q->api;
    json_t *status = a->facts.status ? a->facts.status(a->facts.ctx) : NULL;
    if (!status)
        status = json_object();
    json_object_set_new(status, "version", json_string(a->facts.version ? a->facts.version : ""));
    json_object_set_new(status, "zone", json_string(a->config->zone));
    json_object_set_new(status, "sessions",
                        json_pack("{s:I, s:I}", "live", (json_int_t)registry_count(a->registry),
                                  "max", (json_int_t)a->config->sessions.max));
    json_object_set_new(status, "event_listeners",
                        json_integer((json_int_t)events_listeners(a->events)));
    api_answer_json(q->call, 200, status, NULL, 0);
}

void api_ca(struct api_request *q)
{
    struct api *a = q->api;
    const char *pem = a->facts.ca_pem ? a->facts.ca_pem(a->facts.ctx) : NULL;
    if (pem)
        api_answer_bytes(q->call, 200, "application/x-pem-file", span_str(pem), NULL, 0);
    else
        api_problem(q->call, 404, NULL, "This edge has no CA of its own.");
}

static void on_closed(struct api_call *c)
{
    struct api_wait *w = (struct api_wait *)c->state;
    if (w)
        api_wait_end(w);
    c->end(c);
}

void api_events(struct api_request *q)
{
    struct api_call *c = q->call;
    if (span_eq(c->method, SPAN_LIT("HEAD"))) {
        static const struct api_field type[] = {{"content-type", "text/event-stream"}};
        api_answer_bytes(c, 200, NULL, (struct span){0}, type, 1);
        return;
    }
    struct api_wait *w = api_wait_new(q);
    w->listener = events_listen(q->api->events, c, on_closed);
    if (w->listener)
        return;
    api_wait_end(w);
    static const struct api_field later[] = {{"retry-after", "30"}};
    api_problem_with(c, 503, later, 1, "Too many listen to the events already.");
}
