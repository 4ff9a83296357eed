/* The agent's requests: whatever is taken is whole. */
#include <stdint.h>
#include <string.h>

#include "cli/agent/agent_request.h"
#include "config/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct agent_request r;
    char why[AGENT_WHY_TEXT] = "";
    enum err e = agent_request_parse(span_of(data, size), &r, why);
    if (e != ERR_OK)
        CHECK(e == ERR_SYNTAX && why[0] != '\0' && strlen(why) < sizeof why);
    else if (r.verb == AGENT_SET || r.verb == AGENT_DROP)
        CHECK(name_is_session(span_str(r.session)) && strncmp(r.edge, "https://", 8) == 0);
    if (e == ERR_OK && r.verb == AGENT_SET)
        CHECK(*r.token != '\0' && json_is_object(r.services));
    agent_request_deinit(&r);
    return 0;
}
