/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and limits shared by every module. Includes nothing of ours. */
#ifndef SP_COMMON_H
#define SP_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_MUST_CHECK     __attribute__((warn_unused_result))
#define SP_PRINTF(fmt, a) __attribute__((format(printf, fmt, a)))
#define SP_UNUSED         __attribute__((unused))

/* The results of a function that looks for one thing; SP_FAILED is the -1 of all others. */
enum sp_found {
    SP_FAILED = -1,
    SP_ABSENT = 0, /* and that is an answer, not an error */
    SP_FOUND = 1
};

/* The sizes beyond which input is refused. The largest file named by a manifest is nova's
 * virt/libvirt/driver.py: 405 kB at tag 16.1.8. */
#define SP_MAX_SOURCE   ((size_t)8 << 20)   /* a Python file of a component, bytes */
#define SP_MAX_METADATA ((size_t)1 << 20)   /* METADATA, PKG-INFO, .pth: bytes that are looked at */
#define SP_MAX_MANIFEST ((size_t)1 << 20)   /* one manifest, bytes */
#define SP_MAX_JOURNAL  ((size_t)4 << 20)   /* one journal, bytes */
#define SP_MAX_ENTRIES  ((size_t)100000)    /* names in one directory or archive */
#define SP_MAX_ARCHIVE  ((uint64_t)2 << 30) /* bytes an archive may unpack to, all together */

#endif
