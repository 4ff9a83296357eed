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
    const char *what; /* the check: "edge" */
    enum verdict verdict;
    const char *text, *advice; /* ADVICE may be NULL */
};

struct doctor {
    struct cli *cli;
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
