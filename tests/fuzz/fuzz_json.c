// JSON texts, with and without comments: what was read and is written again reads as the same.
#include "io/json.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void show_all(const Json *node)
{
    char words[JSON_WORDS];

    for (; node != NULL; node = node->next) {
        FUZZ_HOLDS(strlen(json_where(node, words, sizeof words)) < sizeof words);
        FUZZ_HOLDS(strlen(json_path(node, words, sizeof words)) < sizeof words);
        FUZZ_HOLDS(strlen(json_show(node, words, sizeof words)) < sizeof words);
        if (node->key != NULL)
            FUZZ_HOLDS(json_member(node->parent, node->key) == node);
        show_all(node->child);
    }
}

static Err read_again(FuzzRoom *room, const Json *root)
{
    Text        t = text_make(&room->scratch), again = text_make(&room->scratch);
    const Json *copy;

    json_write(&t, root);
    TRY(json_parse(&room->run, "written", t.data, t.length, JSON_NO_COMMENTS, &copy));
    json_write(&again, copy);
    FUZZ_HOLDS(t.length == again.length && memcmp(t.data, again.data, (size_t)t.length) == 0);
    return OK;
}

static Err read_json(FuzzRoom *room, const uint8_t *data, size_t size, JsonComments comments)
{
    ArenaMark   mark = arena_mark(&room->run);
    const Json *root;
    Err e = json_parse(&room->run, "input", (const char *)data, (int64_t)size, comments, &root);

    FUZZ_HOLDS(e == OK || arena_mark(&room->run) == mark);
    TRY(e);
    show_all(root);
    // What can be read can be read again: a failure there is one of ours.
    FUZZ_HOLDS(read_again(room, root) == OK);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom *room = fuzz_begin();

    fuzz_worked(read_json(room, data, size, JSON_COMMENTS));
    return fuzz_end(read_json(room, data, size, JSON_NO_COMMENTS));
}
