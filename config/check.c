#include "config/check.h"

#include <sched.h>
#include <unistd.h>

#include "core/duration.h"

/* CPUs that this process may run on, which in a container are fewer than the machine has. */
static unsigned count_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

static void resolve_workers(struct config *c)
{
    if (c->workers == 0)
        c->workers = count_cpus();
    if (c->workers > 1024)
        c->workers = 1024;
}

void check_sessions(struct load *l)
{
    const struct config_sessions *s = &l->config->sessions;
    char most[DURATION_TEXT_MAX];
    if (s->default_ttl_ms && s->max_ttl_ms && s->default_ttl_ms > s->max_ttl_ms)
        load_fail_at(l, "sessions.default_ttl", "must not be longer than sessions.max_ttl (%s)",
                     duration_text(s->max_ttl_ms, most));
}

void check_config(struct load *l)
{
    resolve_workers(l->config);
    check_hosts(l);
    check_listen(l);
    check_services(l);
    check_domains(l);
    check_certificates(l);
    check_sessions(l);
    check_dns(l);
}
