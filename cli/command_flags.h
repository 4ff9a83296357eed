/* The flags of each command, and those of all; private to the command table (commands.c). */
#pragma once

#include "cli/command.h"

extern const struct flag login_flags[];
extern const struct flag create_flags[];
extern const struct flag set_flags[];
extern const struct flag extend_flags[];
extern const struct flag rm_flags[];
extern const struct flag preview_flags[];
extern const struct flag explain_flags[];
extern const struct flag ca_show_flags[];
extern const struct flag trust_flags[];
extern const struct flag local_dns_flags[];
extern const struct flag untrust_flags[];
extern const struct flag token_create_flags[];
extern const struct flag doctor_flags[];
extern const struct flag help_flags[];
extern const struct flag start_flags[];
extern const struct flag stop_flags[];
extern const struct flag route_flags[];
extern const struct flag http_flags[];
extern const struct flag status_flags[];
