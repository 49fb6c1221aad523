/* SPDX-License-Identifier: Apache-2.0 */
/* The results of doctor: for people, as JSON, and as JUnit's XML. */
#ifndef SP_OUTPUT_DOCTOR_H
#define SP_OUTPUT_DOCTOR_H

#include "cli/doctor.h"
#include "cli/output_junit.h"

/* The findings by the files that they are in, in the order of lines. With -v also the files that each
 * service reads, and the checks that are in order or could not be made. */
void sp_output_examination(struct sp_context *context, const struct sp_examination *examined);

/* The whole document. */
void sp_output_examination_json(struct sp_context *context, const struct sp_examination *examined);

/* A case for each check. */
void sp_output_examination_junit(struct sp_context *context, const struct sp_examination *examined,
                                 struct sp_junit *junit);

#endif
