/* SPDX-License-Identifier: Apache-2.0 */
/* A report that CI systems read: JUnit's XML, as the Jenkins xUnit plugin describes it in
 * junit-10.xsd. GitLab tells cases apart by class and name, so no two have the same ones. */
#ifndef SP_OUTPUT_JUNIT_H
#define SP_OUTPUT_JUNIT_H

#include "base/error.h"
#include "base/pool.h"

enum sp_junit_outcome {
    SP_JUNIT_PASSED,
    SP_JUNIT_FAILED,
    SP_JUNIT_SKIPPED
};

struct sp_junit_case {
    const char *class_name, *name; /* text from outside may be in both, and in the message */
    enum sp_junit_outcome outcome;
    const char *message; /* NULL where there is nothing to say */
    unsigned milliseconds;
};

struct sp_junit {
    struct sp_pool *pool; /* that all strings live in */
    const char *file;
    int fd;
    const char *suite;
    SP_VEC(struct sp_junit_case) cases;
};

/* Opens the file, so that one that cannot be written is known before the work begins; what is in it
 * stays until sp_junit_finish(). A new one can be read by all. SP_ERROR_SYSTEM if it cannot be
 * opened. */
int sp_junit_begin(struct sp_pool *pool, const char *file, const char *suite, struct sp_junit *out,
                   struct sp_error *err) SP_MUST_CHECK;

void sp_junit_add(struct sp_junit *junit, const struct sp_junit_case *one);

/* Writes the report and closes the file. SP_ERROR_SYSTEM if it cannot be written. */
int sp_junit_finish(struct sp_junit *junit, struct sp_error *err) SP_MUST_CHECK;

#endif
