/* Keys of certificates. */
#include "config/schema_table.h"

static const struct schema_choice issuer_choices[] = {
    {"internal", CERT_ISSUER_INTERNAL}, {"acme", CERT_ISSUER_ACME}, {0}};

static const struct schema_key eab_keys[] = {
    {.name = "kid",
     .type = &value_text,
     .flags = SCHEMA_REQUIRED,
     AT(struct config, certificates.acme_eab_kid),
     .help = "Key identifier from the authority."},
    {.name = "key",
     .type = &value_secret,
     .flags = SCHEMA_REQUIRED,
     AT(struct config, certificates.acme_eab_key),
     .help = "HMAC key from the authority, in base64url."},
};
static SCHEMA(eab_schema, eab_keys);

static const struct schema_key acme_keys[] = {
    {.name = "directory",
     .type = &value_https_url,
     AT(struct config, certificates.acme_directory),
     .fallback_note = "none, but issuer: acme requires it",
     .help = "The authority's ACME directory."},
    {.name = "contact",
     .type = &value_mail,
     AT(struct config, certificates.acme_contact),
     .help = "Mail address the authority may write to."},
    {.name = "eab",
     .sub = &eab_schema,
     .help = "External account binding, where the authority asks for one."},
};
static SCHEMA(acme_schema, acme_keys);

static const struct schema_key cert_file_keys[] = {
    {.name = "cert",
     .type = &value_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_cert_file, cert),
     .help = "PEM file with the certificate and its chain."},
    {.name = "key",
     .type = &value_path,
     .flags = SCHEMA_REQUIRED,
     AT(struct config_cert_file, key),
     .help = "PEM file with the private key."},
};
static SCHEMA(cert_file_schema, cert_file_keys);

static const struct schema_key certificates_keys[] = {
    {.name = "issuer",
     .type = &value_choice,
     AT(struct config, certificates.issuer),
     .choices = issuer_choices,
     .fallback = "internal",
     .help = "Who signs: the built-in authority, or a public one over ACME."},
    {.name = "acme", .sub = &acme_schema, .help = "The public authority."},
    {.name = "files",
     .sub = &cert_file_schema,
     .flags = SCHEMA_LIST,
     AT_LIST(struct config, certificates.files, certificates.n_files),
     .help = "Certificates from files, for the names in them; watched and swapped on change."},
};
SCHEMA(certificates_schema, certificates_keys);
