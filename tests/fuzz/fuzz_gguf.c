// GGUF files: metadata and tensors, and what is made of them: sizes, vocabulary, weights.
#include "io/formats/gguf.h"
#include "model/files/foreign.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { VALUES_MAX = 1 << 20 };

static Err ask_pair(FuzzRoom *room, const Gguf *g, const GgufPair *p)
{
    const char *text;
    GgufText   *texts;
    float      *reals;
    int64_t    *wholes, number, count;
    double      real;

    FUZZ_HOLDS(gguf_find(g, p->key) == p);
    if (p->kind == GGUF_TEXT)
        return gguf_get_text(&room->scratch, g, p->key, &text);
    if (p->kind != GGUF_ARRAY && p->kind != GGUF_FLAG) {
        fuzz_worked(gguf_get_i64(g, p->key, -1000, 1000, 0, &number));
        return gguf_get_f64(g, p->key, 0, &real);
    }
    fuzz_worked(gguf_get_texts(&room->scratch, g, p->key, &texts, &count));
    fuzz_worked(gguf_get_floats(&room->scratch, g, p->key, &reals, &count));
    return gguf_get_ints(&room->scratch, g, p->key, &wholes, &count);
}

// Of whatever kind a key is: it is given, or refused with words.
static void ask_all(FuzzRoom *room, const Gguf *g)
{
    for (int64_t i = 0; i < g->pairs; i++)
        fuzz_worked(ask_pair(room, g, &g->pair[i]));
    for (int64_t i = 0; i < g->tensors; i++) {
        const GgufTensor *t = &g->tensor[i];
        ArenaMark         mark = arena_mark(&room->scratch);

        FUZZ_HOLDS(gguf_tensor(g, t->name) == t);
        if (t->elements <= VALUES_MAX)
            fuzz_worked(gguf_read(g, t, arena_new(&room->scratch, float, t->elements)));
        arena_back(&room->scratch, mark);
    }
}

static Err use_model(FuzzRoom *room, const char *path)
{
    ImportModel model = {0};

    FUZZ_HOLDS(foreign_is(path));
    TRY(foreign_find(&room->run, path, &model));
    return fuzz_use_foreign(room, path, &model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzRoom   *room = fuzz_begin();
    const char *path = fuzz_file("input.gguf", data, size);
    Gguf        g;

    if (fuzz_worked(gguf_open(&room->run, path, &g)))
        ask_all(room, &g);
    gguf_close(&g);
    room = fuzz_begin();
    return fuzz_end(use_model(room, path));
}
