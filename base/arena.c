#include "base/arena.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__has_feature) // clang
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

// Beyond ARENA_KEEP_BYTES, memory that an arena went back from is returned to the system.  The
// sanitizer's own notes on an arena above ARENA_POISON_BYTES would fill the machine.
enum { ARENA_KEEP_BYTES = 64 << 20, PAGE_BYTES = 4096, ARENA_POISON_BYTES = 1 << 30 };

int64_t arena_need(int64_t count, int64_t size)
{
    int64_t bytes;

    CHECK(count >= 0 && size > 0, "count %" PRId64 ", size %" PRId64, count, size);
    CHECK(!__builtin_mul_overflow(count, size, &bytes) && bytes <= INT64_MAX - ARENA_ALIGN,
          "%" PRId64 " x %" PRId64, count, size);
    return (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

Err arena_make(Arena *a, const char *name, int64_t capacity)
{
    void *base;

    capacity = arena_need(capacity > 0 ? capacity : 1, 1);
    *a = (Arena){.name = name, .capacity = capacity};
    base = mmap(NULL, (size_t)capacity, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        FAIL(ERR_CONFIG, "no room for the %s arena: %.2f GiB of addresses asked: %s", name,
             (double)capacity / 0x1p30, strerror(errno));
    a->base = base;
    if (capacity <= ARENA_POISON_BYTES)
        ASAN_POISON_MEMORY_REGION(a->base, (size_t)capacity);
    return OK;
}

void arena_free(Arena *a)
{
    if (a->base == NULL)
        return;
    // No more than was poisoned: notes on all addresses of a large arena would fill the machine.
    ASAN_UNPOISON_MEMORY_REGION(
        a->base, (size_t)(a->capacity <= ARENA_POISON_BYTES ? a->capacity : a->peak));
    munmap(a->base, (size_t)a->capacity);
    *a = (Arena){0};
}

void arena_commit(Arena *a)
{
    volatile char *base = a->base;

    ASAN_UNPOISON_MEMORY_REGION(a->base + a->touched, (size_t)(a->capacity - a->touched));
    for (int64_t at = a->touched; at < a->capacity; at += PAGE_BYTES)
        base[at] = 0; // as it was: a page that is written to is a page that is there
    ASAN_POISON_MEMORY_REGION(a->base + a->used, (size_t)(a->capacity - a->used));
}

void *arena_push(Arena *a, int64_t count, int64_t size)
{
    int64_t bytes = arena_need(count, size);
    char   *at = a->base + a->used;

    CHECK(bytes <= a->capacity - a->used,
          "the %s arena is full: %" PRId64 " bytes asked, %" PRId64 " of %" PRId64 " used", a->name,
          bytes, a->used, a->capacity);
    ASAN_UNPOISON_MEMORY_REGION(at, (size_t)bytes);
    if (a->used < a->touched) // fresh pages are zero already
        memset(at, 0, (size_t)(bytes < a->touched - a->used ? bytes : a->touched - a->used));
    ASAN_POISON_MEMORY_REGION(at + count * size, (size_t)(bytes - count * size));
    a->used += bytes;
    if (a->used > a->touched)
        a->touched = a->used;
    if (a->used > a->peak)
        a->peak = a->used;
    return at;
}

void *arena_grow(Arena *a, void *old, int64_t old_bytes, int64_t new_bytes)
{
    void *fresh;

    CHECK(new_bytes >= old_bytes, "%" PRId64 " to %" PRId64, old_bytes, new_bytes);
    if (old != NULL && (char *)old + arena_need(old_bytes, 1) == a->base + a->used) {
        int64_t more = arena_need(new_bytes, 1) - arena_need(old_bytes, 1);
        if (more > 0)
            arena_push(a, more, 1);
        ASAN_UNPOISON_MEMORY_REGION(old, (size_t)new_bytes);
        return old;
    }
    fresh = arena_push(a, new_bytes, 1);
    if (old_bytes > 0)
        memcpy(fresh, old, (size_t)old_bytes);
    return fresh;
}

ArenaMark arena_mark(const Arena *a)
{
    return a->used;
}

void arena_back(Arena *a, ArenaMark mark)
{
    CHECK(0 <= mark && mark <= a->used, "mark %" PRId64 ", used %" PRId64, mark, a->used);
    a->used = mark;
    ASAN_POISON_MEMORY_REGION(a->base + mark, (size_t)(a->touched - mark));
    if (a->touched - mark > ARENA_KEEP_BYTES) {
        int64_t keep =
            (mark + ARENA_KEEP_BYTES / 2 + PAGE_BYTES - 1) / PAGE_BYTES * (int64_t)PAGE_BYTES;

        madvise(a->base + keep, (size_t)(a->touched - keep), MADV_DONTNEED);
        a->touched = keep;
    }
}

char *arena_text_n(Arena *a, const char *text, int64_t length)
{
    char *copy = arena_push(a, length + 1, 1);

    if (length > 0)
        memcpy(copy, text, (size_t)length);
    return copy;
}

char *arena_text(Arena *a, const char *text)
{
    return arena_text_n(a, text, (int64_t)strlen(text));
}

char *arena_format(Arena *a, const char *fmt, ...)
{
    va_list args;
    int     length;
    char   *text;

    va_start(args, fmt);
    length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    CHECK(length >= 0, "format %s", fmt);
    text = arena_push(a, length + 1, 1);
    va_start(args, fmt);
    vsnprintf(text, (size_t)length + 1, fmt, args);
    va_end(args);
    return text;
}
