/* SPDX-License-Identifier: Apache-2.0 */
/* Python versions as PEP 440 defines them, and sets of them ("specifiers"). */
#ifndef SP_VERSION_H
#define SP_VERSION_H

#include "base/error.h"
#include "base/pool.h"

struct sp_version; /* a parsed version, in its pool */

/* Parses text by the full grammar of PEP 440 appendix B (epoch, release, pre, post, dev, local;
 * every accepted spelling: "8.0.0.0b1", "8.1.1.dev23", "1.0-1", "v1.0", "1.0.RC1"). Returns NULL if
 * it is no version. Numbers of more than 18 digits are no version. */
struct sp_version *sp_version_parse(struct sp_pool *pool, const char *text);

/* <0, 0, >0 in the order of PEP 440. */
int sp_version_compare(const struct sp_version *a, const struct sp_version *b);

struct sp_specifier; /* a comma-separated set: ">=9.0.0.0b1, <10.0.0.0b1" */

/* Of the operators of PEP 440 those that manifests use: ">=" and "<", joined by commas. Anything else
 * is SP_ERROR_REFUSED, with the clause named. An empty set matches everything. */
int sp_specifier_parse(struct sp_pool *pool, const char *text, struct sp_specifier **out,
                       struct sp_error *err) SP_MUST_CHECK;

/* Pre-releases are not special here: ">=9.0.0.0b1" holds 9.0.0.0b2, and "<10.0.0" does not hold
 * 10.0.0.0b1 (PEP 440, "Exclusive ordered comparison"). */
bool sp_specifier_matches(const struct sp_specifier *spec, const struct sp_version *version);

/* Whether two distribution names are the same one: PEP 503 (case, and runs of - _ . alike). */
bool sp_distribution_same(const char *a, const char *b);

/* Whether the name of a file can begin with that of the distribution, which has to be looked at closer
 * then. Most names differ in the first letter. */
bool sp_distribution_may_begin(const char *file, const char *distribution);

#endif
