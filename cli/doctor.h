/* What `linkup doctor` looks at, and what it found. Each check says one sentence, and where something is
 * wrong what mends it. */
#pragma once

#include "cli/cli.h"

enum verdict {
    WELL,
    DOUBTFUL,  /* works, but */
    ILL,       /* must be mended */
    UNCHECKED, /* something in front of it does not work, or it does not apply */
};

struct finding {
    struct finding *next;
    const char *group; /* what it belongs to, as a heading */
    const char *what;  /* the check: "edge" */
    enum verdict verdict;
    const char *text, *advice; /* ADVICE may be NULL */
};

struct doctor {
    struct cli *cli;
    const char *group; /* of what is found next */
    bool edge_works;   /* it answers, and takes the token: what needs that can be looked at */
    struct finding *first, **end;
};

void doctor_init(struct doctor *d, struct cli *c);
/* Notes a finding; TEXT and ADVICE live as long as the run (cli_text). */
void doctor_find(struct doctor *d, const char *what, enum verdict v, const char *text,
                 const char *advice);

/* doctor_edge.c: reaching it, its certificate, clocks, the token, versions. */
void doctor_check_edge(struct doctor *d);
/* doctor_dns.c: delegation, name servers, and what this machine's resolver makes of the zone. */
void doctor_check_dns(struct doctor *d);
/* doctor_tunnel.c: whether an agent's upgrade gets through to the edge. */
void doctor_check_tunnel(struct doctor *d);
/* doctor_project.c: the project file, and who listens at its local URLs. */
void doctor_check_project(struct doctor *d);
/* doctor_context.c: a request through the session, and which service does not hand its context on. */
void doctor_check_context(struct doctor *d);
