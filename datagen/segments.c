#include "datagen/segments.h"

#include <inttypes.h>
#include <stddef.h>

typedef struct Part {
    const char *name;
    int64_t     offset;
} Part;

static const Part parts[] = {{"stage", offsetof(Segment, stage)},
                             {"round", offsetof(Segment, round)},
                             {"first_request", offsetof(Segment, first_request)},
                             {"requests", offsetof(Segment, requests)},
                             {"first_block", offsetof(Segment, first_block)},
                             {"blocks", offsetof(Segment, blocks)}};
enum { PARTS = sizeof parts / sizeof parts[0] };

static int64_t *part_of(const Segment *s, int i)
{
    return (int64_t *)((char *)s + parts[i].offset);
}

void segments_write(Text *t, const Segment *segments, int64_t count)
{
    text_puts(t, "[");
    for (int64_t k = 0; k < count; k++) {
        text_puts(t, k > 0 ? ", {" : "{");
        for (int i = 0; i < PARTS; i++)
            text_printf(t, "%s\"%s\": %" PRId64, i > 0 ? ", " : "", parts[i].name,
                        *part_of(&segments[k], i));
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

const Segment *segments_find(const Segment *segments, int64_t count, int64_t request)
{
    for (int64_t i = 0; i < count; i++)
        if (segments[i].first_request <= request &&
            request < segments[i].first_request + segments[i].requests)
            return &segments[i];
    return NULL;
}

Err segments_read(Arena *arena, const char *where, const char *text, Segment **out, int64_t *count)
{
    const Json *list;
    int64_t     length = 0;

    while (text[length] != 0)
        length++;
    *count = 0;
    TRY(json_parse(arena, where, text, length, JSON_NO_COMMENTS, &list));
    if (list->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: the table of segments is not a list", where);
    *out = arena_new(arena, Segment, list->length);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        for (int i = 0; i < PARTS; i++)
            TRY(json_want_i64(m, parts[i].name, 0, (int64_t)1 << 40, part_of(&(*out)[*count], i)));
        (*count)++;
    }
    return OK;
}
