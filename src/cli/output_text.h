/* SPDX-License-Identifier: Apache-2.0 */
/* The tables and sentences that a command prints for people. */
#ifndef SP_OUTPUT_TEXT_H
#define SP_OUTPUT_TEXT_H

#include "cli/context.h"
#include "model/prerequisites.h"

/* The table of components. with_plan: the column of states. */
void sp_output_table(struct sp_context *context, const sp_selection *selection, bool with_plan);
/* Notes of components, and their files: those whose state needs words, with -v all. */
void sp_output_details(struct sp_context *context, const sp_selection *selection);

/* Warns of each prerequisite that is missing, with the command to type. */
void sp_output_warn_prerequisites(struct sp_context *context,
                                  const sp_prerequisites *prerequisites);

/* "nova 14.1.0 (newton)" */
const char *sp_output_title(struct sp_pool *pool, const struct sp_target *one);
/* The name of its release, or NULL. */
const char *sp_output_release(const struct sp_target *one);
/* The path of a planned file, as it is shown. */
const char *sp_output_path(struct sp_context *context, const struct sp_target *one,
                           const struct sp_file_plan *file);
/* "1 file", "2 files" */
const char *sp_output_files(struct sp_pool *pool, size_t count);

#endif
