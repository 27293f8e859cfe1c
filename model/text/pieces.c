#include "model/text/pieces.h"

#include "base/hash.h"

#include <inttypes.h>
#include <string.h>

int bytes_same(Bytes a, Bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, (size_t)a.length) == 0);
}

static int64_t slots_for(int64_t size)
{
    int64_t slots = 16;

    while (slots < 2 * size)
        slots *= 2;
    return slots;
}

int64_t pieces_need(int64_t size)
{
    return arena_need(size, (int64_t)sizeof(Bytes)) +
           arena_need(slots_for(size), (int64_t)sizeof(int32_t));
}

Pieces pieces_make(Arena *run, int64_t size)
{
    int64_t slots = slots_for(size);
    Pieces  p = {.text = arena_new(run, Bytes, size),
                 .size = size,
                 .slot = arena_new(run, int32_t, slots),
                 .mask = (uint32_t)(slots - 1)};

    memset(p.slot, -1, (size_t)slots * sizeof *p.slot);
    return p;
}

// Its place in the table, or where it would be.
static uint32_t place(const Pieces *p, Bytes text)
{
    uint32_t at = (uint32_t)hash_bytes(0, text.data, text.length) & p->mask;

    while (p->slot[at] >= 0 && !bytes_same(p->text[p->slot[at]], text))
        at = (at + 1) & p->mask;
    return at;
}

void pieces_add(Pieces *p, int32_t id, Bytes text)
{
    uint32_t at = place(p, text);

    CHECK(0 <= id && id < p->size && p->text[id].data == NULL && p->slot[at] < 0, "token %d", id);
    p->text[id] = text;
    p->slot[at] = id;
}

int32_t pieces_find(const Pieces *p, Bytes text)
{
    return p->slot[place(p, text)];
}
