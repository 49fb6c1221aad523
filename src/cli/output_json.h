/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON document of a command ("schema": 1). */
#ifndef SP_OUTPUT_JSON_H
#define SP_OUTPUT_JSON_H

#include "cli/context.h"
#include "format/json.h"
#include "model/prerequisites.h"

/* Opens the document: schema and command are in it. */
void sp_output_begin(struct sp_json *json, struct sp_buffer *buf, const char *command);
/* "components": [...] with version, release, path, evidence; with_plan: state and files, too. */
void sp_output_components(struct sp_json *json, struct sp_context *context,
                          const sp_selection *selection, bool with_plan);
void sp_output_prerequisites(struct sp_json *json, const sp_prerequisites *prerequisites);
/* "KEY": [strings] */
void sp_output_strings(struct sp_json *json, const char *key, const sp_strv *strings);
/* "KEY": number, or null for 0 */
void sp_output_id(struct sp_json *json, const char *key, unsigned id);
/* The warnings so far; closes the document, prints it and frees the buffer. */
void sp_output_end(struct sp_json *json, struct sp_context *context);

/* Of a command that failed, unless its document was printed before: "error" and the warnings. */
void sp_output_error(struct sp_console *report, const char *command, const struct sp_error *err);

#endif
