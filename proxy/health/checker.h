/* The active health checks of all services that have them: one worker does them for all.
 *
 * A round resolves a service's name and asks all its addresses at once; what it found goes to
 * proxy_hooks.checked. The next comes after `interval`, a little sooner or later so that rounds do not
 * fall into step; but after a second at most where something is wrong. One worker's thread only. */
#pragma once

struct checker;
struct proxy;

/* The services of P's edge. */
struct checker *checker_new(struct proxy *p);
/* P's edge has changed: services that are the same are looked at as before. */
void checker_update(struct checker *c);
void checker_free(struct checker *c);
