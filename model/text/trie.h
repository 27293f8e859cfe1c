// trie.h -- the names that a text goes on with, for texts that are looked through once.
#ifndef TD_MODEL_TEXT_TRIE_H
#define TD_MODEL_TEXT_TRIE_H

#include "model/text/unicode.h"

typedef struct Trie Trie;

// Room for names of `bytes` bytes altogether.
Trie   *trie_make(Arena *run, int64_t bytes);
int64_t trie_need(int64_t bytes);
// A name twice: the later value holds.  Not empty; value >= 0.
void trie_add(Trie *t, Bytes name, int32_t value);

// A walk begins at node 0.  The node behind this one by this byte; -1: no name goes on so.
int32_t trie_step(const Trie *t, int32_t node, unsigned char byte);
// Of the name that ends at this node; -1: none does.
int32_t trie_value(const Trie *t, int32_t node);

// The longest name that text[at..] begins with: its bytes, 0 if there is none.
int64_t trie_longest(const Trie *t, Bytes text, int64_t at, int32_t *value);

#endif
