/* A worker's responder: all that answering looks at. */
#pragma once

#include "dns/answer.h"
#include "dns/txt.h"

struct dns_responder {
    struct dns_zone *zone; /* a reference */
    struct dns_oracle oracle;
    struct metrics *metrics;
    struct dns_cookie_keys cookie_keys;
    bool has_cookie_keys; /* without them cookies are passed over */
    struct dns_txt txt;
};
