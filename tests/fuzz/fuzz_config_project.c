/* Any text as a project file: it is refused with errors, or it is whole. */
#include <stddef.h>
#include <stdint.h>

#include "config/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct project *p = NULL;
    struct config_errors errors;
    enum err err = project_parse("/home/peter/linkup.yaml", span_of(data, size), &p, &errors);
    CHECK((err == ERR_OK) == (p != NULL));
    CHECK((err == ERR_OK) == (errors.n == 0));
    config_errors_deinit(&errors);
    if (!p)
        return 0;
    CHECK(p->edge_url && p->n_services > 0 && p->n_domains > 0);
    for (size_t i = 0; i < p->n_services; i++)
        CHECK(project_find(p, span_str(p->services[i].name)) == &p->services[i]);
    project_free(p);
    return 0;
}
