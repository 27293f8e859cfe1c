// arena.h -- memory with a lifetime instead of an owner.
//
// An arena is one range of addresses that is filled from the bottom and given back all at once.
// A program here has three kinds: "run" for what lives as long as the job, "step" for one training
// step or one block of records, and "scratch" inside a function, between arena_mark and arena_back.
// The range is reserved, not taken: pages count only once they are touched, so an arena for things
// whose number is known late (records, texts) is reserved generously.  Asking never fails: sizes
// were added up before the arena was made, so running out is our mistake or a documented limit,
// and ends the job with the numbers that explain it.
#ifndef TD_BASE_ARENA_H
#define TD_BASE_ARENA_H

#include "base/err.h"

#include <stdint.h>

enum { ARENA_ALIGN = 64 };

typedef struct Arena {
    char       *base;     // owned
    int64_t     capacity; // bytes
    int64_t     used;     // bytes, a multiple of ARENA_ALIGN
    int64_t     peak;     // bytes, the largest `used` ever
    int64_t     touched;  // bytes from the bottom that hold pages; the rest is known to be zero
    const char *name;     // borrowed; a literal, for messages
} Arena;

typedef int64_t ArenaMark;

// Local.  ERR_CONFIG if the address space is limited (ulimit -v) below `capacity` bytes.
Err  arena_make(Arena *a, const char *name, int64_t capacity);
void arena_free(Arena *a);

// Takes all pages now instead of when they are touched, so that what does not fit fails at once.
void arena_commit(Arena *a);

// Zeroed memory for `count` things of `size` bytes.  Valid until the arena goes back past here.
void *arena_push(Arena *a, int64_t count, int64_t size);

// The same, grown: `old` of `old_bytes` becomes `new_bytes`, in place if it was pushed last.
void *arena_grow(Arena *a, void *old, int64_t old_bytes, int64_t new_bytes);

// What arena_push will take for it: for adding up a layout before there is an arena.
int64_t arena_need(int64_t count, int64_t size);

ArenaMark arena_mark(const Arena *a);
void      arena_back(Arena *a, ArenaMark mark);

// Copies of text, with a final zero byte.
char *arena_text(Arena *a, const char *text);
char *arena_text_n(Arena *a, const char *text, int64_t length);
char *arena_format(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Typed: arena_new(scratch, float, B * T) is a float *.
#define arena_new(a, type, count) ((type *)arena_push((a), (count), (int64_t)sizeof(type)))

#endif
