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

/* An index that is being built. */
struct build {
    struct sp_archive_pass *pass;
    sp_archive_nodes nodes;
    SP_VEC(size_t) open; /* the directories around the newest node, the innermost last */
};

static struct sp_archive_node *innermost(const struct build *b)
{
    return b->open.count ? &b->nodes.items[b->open.items[b->open.count - 1]] : NULL;
}

/* Leaves the directories that do not hold the path; all of them for NULL. */
static void leave(struct build *b, const struct sp_archive_node *node)
{
    for (struct sp_archive_node *top; (top = innermost(b)); b->open.count--) {
        if (node && node->len > top->len && node->path[top->len] == '/' &&
            strncmp(node->path, top->path, top->len) == 0)
            return;
        top->end = b->nodes.count;
    }
}

/* Enters the directories between the innermost open one and the node, those that the archive does
 * not list included, and then the node. */
static int enter(struct build *b, const struct sp_archive_node *node)
{
    const struct sp_archive_node *top = innermost(b);
    size_t from = top ? top->len + 1 : 0;
    if (top && top->kind != SP_ENTRY_DIRECTORY)
        return sp_archive_bad_name(b->pass, node->path, "lies below an entry that is no directory");
    for (;;) {
        const char *slash = memchr(node->path + from, '/', node->len - from);
        if (b->nodes.count >= SP_MAX_ENTRIES)
            return sp_archive_cannot(b->pass, "refused: the archive has more than %zu entries",
                                     SP_MAX_ENTRIES);
        *SP_PUSH(b->pass->pool, &b->open) = b->nodes.count;
        if (!slash) {
            *SP_PUSH(b->pass->pool, &b->nodes) = *node;
            return 0;
        }
        size_t len = (size_t)(slash - node->path);
        *SP_PUSH(b->pass->pool, &b->nodes) =
            (struct sp_archive_node){.path = node->path, .len = len, .kind = SP_ENTRY_DIRECTORY};
        from = len + 1;
    }
}

int sp_archive_build_index(struct sp_archive_pass *r)
{
    sp_archive_nodes *all = &r->tree->nodes;
    struct build b = {.pass = r};

    if (all->count)
        qsort(all->items, all->count, sizeof(*all->items), compare_nodes);
    for (size_t i = 0; i < all->count; i++) {
        const struct sp_archive_node *node = &all->items[i], *next = node + 1;
        if (i + 1 < all->count &&
            compare_paths(node->path, node->len, next->path, next->len) == 0) {
            if ((node->kind == SP_ENTRY_DIRECTORY) != (next->kind == SP_ENTRY_DIRECTORY))
                return sp_archive_bad_name(r, node->path,
                                           "is there twice, as a directory and as something else");
            continue;
        }
        leave(&b, node);
        if (enter(&b, node) < 0)
            return -1;
    }
    leave(&b, NULL);
    *all = b.nodes;
    return 0;
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
