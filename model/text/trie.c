#include "model/text/trie.h"

#include <inttypes.h>
#include <string.h>

enum { FAN = 256 };

typedef struct Edge {
    uint32_t from; // node * 256 + byte + 1; 0: empty
    int32_t  to;
} Edge;

struct Trie {
    Edge    *edge; // [mask + 1], open addressing
    uint32_t mask;
    int32_t *value; // [nodes_max]
    int32_t  nodes, nodes_max;
    int32_t  root[FAN]; // first steps without a search
};

static uint32_t slots_for(int64_t bytes)
{
    uint32_t slots = 16;

    while ((int64_t)slots < 2 * bytes)
        slots *= 2;
    return slots;
}

int64_t trie_need(int64_t bytes)
{
    return arena_need(1, (int64_t)sizeof(Trie)) +
           arena_need(slots_for(bytes), (int64_t)sizeof(Edge)) +
           arena_need(bytes + 1, (int64_t)sizeof(int32_t));
}

Trie *trie_make(Arena *run, int64_t bytes)
{
    Trie *t = arena_new(run, Trie, 1);

    CHECK(bytes < 1 << 24, "%" PRId64 " bytes of names", bytes); // a node and a byte in 32 bits
    t->mask = slots_for(bytes) - 1;
    t->edge = arena_new(run, Edge, (int64_t)t->mask + 1);
    t->nodes_max = (int32_t)bytes + 1;
    t->value = arena_new(run, int32_t, t->nodes_max);
    t->value[0] = -1;
    t->nodes = 1;
    memset(t->root, -1, sizeof t->root);
    return t;
}

// Where the edge is, or where it would be.
static Edge *edge_of(const Trie *t, int32_t node, unsigned char byte)
{
    uint32_t from = (uint32_t)node * FAN + byte + 1, at = (from * 0x9E3779B1u) >> 7 & t->mask;

    while (t->edge[at].from != 0 && t->edge[at].from != from)
        at = (at + 1) & t->mask;
    return &t->edge[at];
}

void trie_add(Trie *t, Bytes name, int32_t value)
{
    int32_t node = 0;

    for (int64_t i = 0; i < name.length; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        Edge         *e = edge_of(t, node, byte);

        if (e->from == 0) {
            CHECK(t->nodes < t->nodes_max, "%d nodes", t->nodes);
            *e = (Edge){(uint32_t)node * FAN + byte + 1, t->nodes};
            t->value[t->nodes++] = -1;
            if (node == 0)
                t->root[byte] = e->to;
        }
        node = e->to;
    }
    t->value[node] = value;
}

int32_t trie_step(const Trie *t, int32_t node, unsigned char byte)
{
    const Edge *e;

    if (node == 0)
        return t->root[byte];
    e = edge_of(t, node, byte);
    return e->from != 0 ? e->to : -1;
}

int32_t trie_value(const Trie *t, int32_t node)
{
    return t->value[node];
}

int64_t trie_longest(const Trie *t, Bytes text, int64_t at, int32_t *value)
{
    int64_t best = 0;
    int32_t node = 0;

    for (int64_t i = at; i < text.length; i++) {
        node = trie_step(t, node, (unsigned char)text.data[i]);
        if (node < 0)
            break;
        if (t->value[node] >= 0) {
            best = i + 1 - at;
            *value = t->value[node];
        }
    }
    return best;
}
