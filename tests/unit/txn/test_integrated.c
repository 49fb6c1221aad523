/* SPDX-License-Identifier: Apache-2.0 */
/* What a history knows as integrated. A history is a line of words: i1 an install of component 1, u
 * an uninstall, p a reapply, r3 a rollback of transaction 3 and all after it; a '!' behind: the journal
 * cannot be read, a '-': it was aborted, a '@': it is about another system. */
#include "txn/integrated.h"

#include "support.h"

static struct sp_journal journal_of(struct fixture *f, unsigned id, const char *word)
{
    struct sp_journal one = {.id = id,
                             .state = SP_JOURNAL_COMMITTED,
                             .record = SP_RECORD_READABLE,
                             .machine = strchr(word, '@') ? "there" : "here"};
    one.command = *word == 'i'   ? "install"
                  : *word == 'p' ? "reapply"
                  : *word == 'u' ? "uninstall"
                                 : "rollback";
    if (strchr(word, '-'))
        one.state = SP_JOURNAL_ABORTED;
    if (strchr(word, '!')) {
        one.record = SP_RECORD_DAMAGED;
        one.command = "";
        return one;
    }
    for (const char *at = word + 1; *word != 'r' && *at >= '0' && *at <= '9'; at++)
        *SP_PUSH(f->pool, &one.components) = (struct sp_journal_component){
            .name = "nova", .path = sp_pool_printf(f->pool, "site-%c/nova", *at)};
    for (unsigned i = (unsigned)(word[1] - '0'); *word == 'r' && i < id; i++)
        *SP_PUSH(f->pool, &one.reverts) = i;
    return one;
}

static struct sp_history history_of(struct fixture *f, const char *line)
{
    struct sp_history history = {.machine = "here"};
    char *text = sp_pool_strdup(f->pool, line), *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        unsigned id = (unsigned)history.journals.count + 1;
        *SP_PUSH(f->pool, &history.journals) = journal_of(f, id, word);
    }
    return history;
}

/* "1:3 2:4?": component 1 by transaction 3; component 2 by 4, perhaps. */
static const char *found_in(struct fixture *f, const char *line)
{
    struct sp_history history = history_of(f, line);
    sp_integrations found = {NULL, 0, 0};
    const char *text = "";
    sp_integrated_find(f->pool, &history, &found);
    for (size_t i = 0; i < found.count; i++)
        text = sp_pool_printf(f->pool, "%s%s%c:%u%s", text, *text ? " " : "",
                              found.items[i].component->path[5], found.items[i].journal->id,
                              found.items[i].proven ? "" : "?");
    return text;
}

TEST(integrated)
{
    static const struct {
        const char *line, *expected;
    } vectors[] = {
        {"", ""},
        {"i1", "1:1"},
        {"i12", "1:1 2:1"},
        {"i1 i2", "1:1 2:2"},
        {"i1 i1", "1:2"},
        {"i1 p1", "1:2"},
        {"i1 u1", ""},
        {"i12 u1", "2:1"},
        {"i1 u1 i1", "1:3"},
        {"i1-", ""},
        {"i1 u1-", "1:1"},
        {"i1 r1", ""},
        {"i1 u1 r2", "1:1"},
        {"i1 u1 r1", ""},
        {"i1 u1 r2 u1", ""},
        {"i1 p1 r2", ""},
        {"i1 p1 r2 i1", "1:4"},
        {"i1 i2 r2", "1:1"},
        {"i1 p1 u1 r3", "1:2"},
        {"i1 r1-", "1:1"},
        {"i1@", ""},
        {"i1 u1@", "1:1"},
        {"i1 u1!", "1:1?"},
        {"i1! i2", "2:2"},
        {"i1 i2! i2 ", "1:1? 2:3"},
    };
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const char *found = found_in(f, vectors[i].line);
        if (strcmp(found, vectors[i].expected) != 0)
            fail_msg("'%s': '%s', not '%s'", vectors[i].line, found, vectors[i].expected);
    }
}

/* The version that is compared is that of the last transaction, not of the first. */
TEST(component_of_the_last_transaction)
{
    struct sp_history history = history_of(f, "i12 p21");
    sp_integrations found = {NULL, 0, 0};
    history.journals.items[0].components.items[0].version = "1";
    history.journals.items[1].components.items[1].version = "2";
    sp_integrated_find(f->pool, &history, &found);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[0].component->version, "2");
}
