/* When a request may be sent a second time: the rule stands here, and nowhere else. RFC 9110 9.2.2. */
#pragma once

#include "proxy/exchange.h"

/* How a connection failed its exchange. */
struct retry_facts {
    enum page_reason why;
    const struct addr *at; /* where it led, with port 0; NULL: nowhere */
    bool reused;           /* it had been idle: its end may have crossed the request */
    bool answered;  /* some of a response has come, if only an interim one, or what is none */
    bool untouched; /* the backend never got it, or says that it has done nothing (RFC 9113 8.7) */
};

bool retry_is_safe(const struct exchange *x, const struct retry_facts *f);
