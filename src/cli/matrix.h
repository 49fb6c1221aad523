/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the command matrix: cmd_matrix.c reads the trees, matrix_output.c prints them. */
#ifndef SP_MATRIX_H
#define SP_MATRIX_H

#include "cli/context.h"
#include "cli/output_junit.h"
#include "format/json.h"
#include "model/plan.h"

/* A tree; or a word that names none. */
struct sp_matrix_item {
    const char *tree;
    const char *error; /* NULL: it can be looked at */
};

/* A component of a tree; "" where a part is not known. */
struct sp_matrix_part {
    const char *name, *version, *release;
    enum sp_state state;
};

/* The answer for a tree. */
struct sp_matrix_row {
    struct sp_pool *pool;
    const char *error; /* "": it can be integrated */
    unsigned milliseconds;
    SP_VEC(struct sp_matrix_part) parts;
};

struct sp_matrix {
    struct sp_context *context;
    struct sp_pool *pool; /* of a tree, in each worker */
    SP_VEC(struct sp_matrix_item) items;
    size_t failed; /* trees that cannot be integrated */
    int width;     /* of the column of trees */
    bool progress; /* a line on a terminal says how far it is */
    struct sp_json json;
    struct sp_buffer json_text;
    struct sp_junit junit;
};

/* The head of the output, once the items are known. */
void sp_matrix_begin_output(struct sp_matrix *m);

/* The answer for an item, those before it being printed. */
void sp_matrix_put(struct sp_matrix *m, size_t item, const struct sp_matrix_row *row);

/* The total. */
void sp_matrix_end_output(struct sp_matrix *m);

/* Takes the progress line away. */
void sp_matrix_clear_progress(const struct sp_matrix *m);

#endif
