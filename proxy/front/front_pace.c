#include "proxy/front/front_pace.h"

#include "proxy/front/front.h"

static uint64_t now_of(const struct front *f)
{
    return loop_now_ms(f->proxy->conns.loop);
}

struct rate_limit front_pace_request(const struct proxy *p)
{
    const struct config_limits *l = &p->config->limits;
    return (struct rate_limit){l->min_request_rate, l->rate_grace_ms};
}

struct rate_limit front_pace_response(const struct proxy *p)
{
    const struct config_limits *l = &p->config->limits;
    return (struct rate_limit){l->min_response_rate, l->rate_grace_ms};
}

void front_pace_count(const struct proxy *p)
{
    metrics_add(p->metrics, METRIC_SLOW_CLIENTS, 1);
}

/* gRPC and its kin: messages as they come, for as long as the call lasts. */
static bool is_stream_of_messages(const struct exchange *x)
{
    static const struct span types[] = {SPAN_LIT("application/grpc"),
                                        SPAN_LIT("application/connect+")};
    const struct field *type = fields_find(&x->request.fields, FIELD_CONTENT_TYPE);
    for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
        if (span_eq_nocase(span_sub(type->value, 0, types[i].len), types[i]))
            return true;
    return false;
}

/* It waits to be told to go on (RFC 9110 10.1.1). */
static bool awaits_consent(const struct exchange *x)
{
    return x->request_bytes == 0 && !x->head_sent &&
           fields_find(&x->request.fields, FIELD_EXPECT) != NULL;
}

bool front_pace_owes_body(const struct exchange *x)
{
    bool of_known_length = x->request.body == BODY_LENGTH;
    if (x->upgrade != UPGRADE_NONE || awaits_consent(x))
        return false;
    return (of_known_length || !x->head_sent) && !is_stream_of_messages(x);
}

/* --- the request's body -------------------------------------------------------------------------- */

void front_pace_begin(struct front *f)
{
    const struct rate_limit in = front_pace_request(f->proxy), out = front_pace_response(f->proxy);
    rate_init(&f->in, &in);
    rate_init(&f->out, &out);
}

/* The rate's time is up, or nothing has happened for the idle time: whichever comes first. */
static uint64_t sooner(const struct front *f, struct rate *r, const struct rate_limit *l)
{
    uint64_t idle = f->proxy->config->limits.idle_timeout_ms;
    uint64_t left = rate_left_ms(r, l, now_of(f));
    uint64_t ms = left < idle ? left : idle;
    return ms > 0 ? ms : 1;
}

uint64_t front_pace_await_body(struct front *f, const struct exchange *x)
{
    const struct rate_limit l = front_pace_request(f->proxy);
    rate_set_due(&f->in, now_of(f), front_pace_owes_body(x));
    return sooner(f, &f->in, &l);
}

void front_pace_came(struct front *f)
{
    rate_set_due(&f->in, now_of(f), false);
}

void front_pace_took(struct front *f, size_t n)
{
    const struct rate_limit l = front_pace_request(f->proxy);
    rate_moved(&f->in, &l, n);
}

/* --- the response -------------------------------------------------------------------------------- */

/* The kernel holds much for a slow client, and says that there is room only when a good part of it has
 * gone: what has really gone is looked at in between. */
uint64_t front_pace_await_room(struct front *f)
{
    const struct rate_limit l = front_pace_response(f->proxy);
    rate_set_due(&f->out, now_of(f), true);
    f->undelivered = conn_undelivered(&f->conn);
    return sooner(f, &f->out, &l);
}

void front_pace_has_room(struct front *f)
{
    const struct rate_limit l = front_pace_response(f->proxy);
    rate_moved(&f->out, &l, CONN_OUT_HIGH / 2); /* that much has gone, at least */
    rate_set_due(&f->out, now_of(f), false);
}

uint64_t front_pace_await_longer(struct front *f)
{
    const struct rate_limit l = front_pace_response(f->proxy);
    size_t before = f->undelivered, now = conn_undelivered(&f->conn);
    f->undelivered = now;
    if (now >= before)
        return 0;
    rate_moved(&f->out, &l, before - now);
    return rate_left_ms(&f->out, &l, now_of(f)) == 0 ? 0 : sooner(f, &f->out, &l);
}
