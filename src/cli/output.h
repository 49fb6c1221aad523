/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON document of a command ("schema": 1), and the tables that say the same to people. */
#ifndef SP_OUTPUT_H
#define SP_OUTPUT_H

#include "cli/context.h"
#include "format/json.h"

/* Opens the document: schema and command are in it. */
void sp_output_begin(struct sp_json *json, struct sp_buffer *buf, const char *command);
/* "components": [...] with version, release, path, evidence; with_plan: state and files, too. */
void sp_output_components(struct sp_json *json, struct sp_context *session,
                          const sp_selection *selection, bool with_plan);
void sp_output_prerequisites(struct sp_pool *pool, struct sp_json *json,
                             const sp_prerequisites *prerequisites);
/* "KEY": [strings] */
void sp_output_strings(struct sp_json *json, const char *key, const sp_strv *strings);
/* The warnings so far; closes the document and prints it. */
void sp_output_end(struct sp_json *json, struct sp_context *session);

/* The table of components. with_plan: the column of states. */
void sp_output_table(struct sp_context *session, const sp_selection *selection, bool with_plan);
/* Notes of components, and their files: those whose state needs words, with -v all. */
void sp_output_details(struct sp_context *session, const sp_selection *selection);

/* Warns of each prerequisite that is missing, with the command to type. */
void sp_output_warn_prerequisites(struct sp_context *session,
                                  const sp_prerequisites *prerequisites);

/* "nova 14.1.0 (newton)" */
const char *sp_output_title(struct sp_pool *pool, const struct sp_target *one);
/* The path of a planned file, as it is shown. */
const char *sp_output_path(struct sp_context *session, const struct sp_target *one,
                           const struct sp_file_plan *file);

#endif
