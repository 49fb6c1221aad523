/* SPDX-License-Identifier: Apache-2.0 */
/* The index of an archive: its nodes, sorted so that a directory comes before all that is in it. */
#include <stdlib.h>
#include <string.h>

#include "tree/archive.h"
#include "tree/links.h"

/* By components, so that all below a directory follows it at once: '/' sorts before any byte. */
static int compare_paths(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t min = alen < blen ? alen : blen;
    for (size_t i = 0; i < min; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
        if (x != y)
            return x == '/' ? -1 : y == '/' ? 1 : x < y ? -1 : 1;
    }
    return alen < blen ? -1 : alen > blen;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct sp_archive_node *x = a, *y = b;
    int order = compare_paths(x->path, x->len, y->path, y->len);
    if (order == 0)
        order = x->order < y->order ? -1 : x->order > y->order;
    return order;
}

struct sp_archive_node *sp_archive_find(const struct sp_archive *tree, const char *path, size_t len)
{
    size_t low = 0, high = tree->nodes.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct sp_archive_node *node = &tree->nodes.items[middle];
        int order = compare_paths(path, len, node->path, node->len);
        if (order == 0)
            return node;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int sp_archive_build_index(struct sp_archive_pass *r)
{
    sp_archive_nodes *all = &r->tree->nodes, out = {0};
    size_t *open = NULL; /* the chain of directories around the current node */
    size_t depth = 0, room = 0;
    int rc = -1;

    if (all->count)
        qsort(all->items, all->count, sizeof(*all->items), compare_nodes);
    for (size_t i = 0; i < all->count; i++) {
        const struct sp_archive_node *node = &all->items[i], *next = node + 1;
        if (i + 1 < all->count &&
            compare_paths(node->path, node->len, next->path, next->len) == 0) {
            if ((node->kind == SP_ENTRY_DIRECTORY) != (next->kind == SP_ENTRY_DIRECTORY)) {
                sp_archive_bad_name(r, node->path,
                                    "is there twice, as a directory and as something else");
                goto done;
            }
            continue;
        }
        /* leave the directories that do not hold this one */
        while (depth > 0) {
            const struct sp_archive_node *top = &out.items[open[depth - 1]];
            if (node->len > top->len && node->path[top->len] == '/' &&
                strncmp(node->path, top->path, top->len) == 0)
                break;
            out.items[open[--depth]].end = out.count;
        }
        /* enter those between the innermost open one and this one, and then this one */
        size_t from = depth ? out.items[open[depth - 1]].len + 1 : 0;
        if (depth && out.items[open[depth - 1]].kind != SP_ENTRY_DIRECTORY) {
            sp_archive_bad_name(r, node->path, "lies below an entry that is no directory");
            goto done;
        }
        for (;;) {
            const char *slash = memchr(node->path + from, '/', node->len - from);
            if (out.count >= SP_MAX_ENTRIES) {
                sp_archive_cannot(r, "refused: the archive has more than %zu entries",
                                  SP_MAX_ENTRIES);
                goto done;
            }
            if (depth == room) {
                room = room ? room * 2 : 64;
                open = sp_xrealloc(open, room * sizeof(*open));
            }
            open[depth++] = out.count;
            if (!slash) {
                *SP_PUSH(r->pool, &out) = *node;
                break;
            }
            *SP_PUSH(r->pool, &out) = (struct sp_archive_node){.path = node->path,
                                                               .len = (size_t)(slash - node->path),
                                                               .kind = SP_ENTRY_DIRECTORY};
            from = out.items[out.count - 1].len + 1;
        }
    }
    while (depth > 0)
        out.items[open[--depth]].end = out.count;
    *all = out;
    rc = 0;
done:
    free(open);
    return rc;
}

void sp_archive_share_contents(struct sp_archive *tree)
{
    for (size_t i = 0; i < tree->nodes.count; i++) {
        const struct sp_archive_node *node = &tree->nodes.items[i];
        if (!node->hard || !node->has_data)
            continue;
        struct sp_archive_node *first = sp_archive_find(tree, node->hard, strlen(node->hard));
        if (first && first->kind == SP_ENTRY_FILE && !first->hard && !first->has_data) {
            first->kept = node->kept;
            first->kept_whole = node->kept_whole;
            first->has_data = true;
        }
    }
}

const struct sp_archive_node *sp_archive_follow(const struct sp_archive *tree,
                                                const struct sp_archive_node *node)
{
    for (int i = 0; node && node->hard && i < SP_LINKS_MAX; i++)
        node = sp_archive_find(tree, node->hard, strlen(node->hard));
    return node && !node->hard && node->kind != SP_ENTRY_DIRECTORY ? node : NULL;
}
