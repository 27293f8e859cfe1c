// A SentencePiece model of the type BPE as a tokenizer.json, for programs that read only that.
#include "model/text/foreign_vocab.h"

#include "model/text/pieces.h"
#include "model/text/spm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct Merge {
    float   score; // of what it makes
    int64_t order; // among all
    Bytes   left, right;
} Merge;

// The best first; in the order of pieces where they are equally good.
static int by_score(const void *a, const void *b)
{
    const Merge *x = a, *y = b;

    if (x->score != y->score)
        return (x->score < y->score) - (x->score > y->score);
    return (x->order > y->order) - (x->order < y->order);
}

static int is_normal(const SpmPieces *p, int32_t id)
{
    return id >= 0 && (p->type[id] == SPM_NORMAL || p->type[id] == SPM_USER);
}

// Every way to put a piece together of two; `list` NULL: only counted.
static int64_t find_merges(const SpmPieces *p, const Pieces *all, Merge *list)
{
    int64_t count = 0;

    for (int64_t i = 0; i < p->size; i++) {
        Bytes text = p->text[i];

        if (p->type[i] != SPM_NORMAL)
            continue;
        for (int64_t at = 1; at < text.length; at++) {
            Bytes left = {text.data, at}, right = {text.data + at, text.length - at};

            if (((unsigned char)text.data[at] & 0xC0) == 0x80 ||
                !is_normal(p, pieces_find(all, left)) || !is_normal(p, pieces_find(all, right)))
                continue;
            if (list != NULL)
                list[count] = (Merge){p->score[i], count, left, right};
            count++;
        }
    }
    return count;
}

static void add_added(Text *t, const SpmPieces *p)
{
    int more = 0;

    text_puts(t, "\"added_tokens\": [");
    for (int64_t i = 0; i < p->size; i++) {
        if (p->type[i] != SPM_CONTROL && p->type[i] != SPM_UNKNOWN && p->type[i] != SPM_USER)
            continue;
        text_printf(t, "%s{\"id\": %" PRId64 ", \"content\": ", more ? ", " : "", i);
        text_json(t, p->text[i].data, p->text[i].length);
        text_printf(t,
                    ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
                    "\"normalized\": false, \"special\": %s}",
                    p->type[i] == SPM_USER ? "false" : "true");
        more = 1;
    }
    text_puts(t, "], ");
}

static void add_steps(Text *t, const SpmPieces *p)
{
    text_puts(t, "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [");
    if (p->collapses)
        text_puts(
            t, "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"\\\\A +| +\\\\z\"}, "
               "\"content\": \"\"}, {\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, "
               "\"content\": \" \"}, ");
    if (p->puts_prefix)
        text_puts(t, "{\"type\": \"Prepend\", \"prepend\": \"\xE2\x96\x81\"}, ");
    text_puts(t, "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": "
                 "\"\xE2\x96\x81\"}]}, \"pre_tokenizer\": null, \"decoder\": {\"type\": "
                 "\"Sequence\", \"decoders\": [{\"type\": \"Replace\", \"pattern\": {\"String\": "
                 "\"\xE2\x96\x81\"}, \"content\": \" \"}, {\"type\": \"ByteFallback\"}, {\"type\": "
                 "\"Fuse\"}");
    if (p->puts_prefix)
        text_puts(t, ", {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}");
    text_puts(t, "]}, ");
}

static void add_model(Text *t, const SpmPieces *p, const Merge *list, int64_t count)
{
    int64_t unknown = -1;
    int     has_bytes = 0;

    for (int64_t i = p->size - 1; i >= 0; i--) {
        unknown = p->type[i] == SPM_UNKNOWN ? i : unknown;
        has_bytes |= p->type[i] == SPM_BYTE;
    }
    text_puts(t, "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": ");
    if (unknown >= 0)
        text_json(t, p->text[unknown].data, p->text[unknown].length);
    else
        text_puts(t, "null");
    text_printf(t,
                ", \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
                "\"fuse_unk\": true, \"byte_fallback\": %s, \"vocab\": {",
                has_bytes ? "true" : "false");
    for (int64_t i = 0; i < p->size; i++) {
        text_puts(t, i > 0 ? ", " : "");
        text_json(t, p->text[i].data, p->text[i].length);
        text_printf(t, ": %" PRId64, i);
    }
    text_puts(t, "}, \"merges\": [");
    for (int64_t i = 0; i < count; i++) {
        text_puts(t, i > 0 ? ", [" : "[");
        text_json(t, list[i].left.data, list[i].left.length);
        text_puts(t, ", ");
        text_json(t, list[i].right.data, list[i].right.length);
        text_puts(t, "]");
    }
    text_puts(t, "]}}\n");
}

int foreign_vocab_spm(Arena *arena, Text *t, const SpmPieces *p, const char *frame)
{
    Pieces  all;
    Merge  *list;
    int64_t count;

    if (p->model != SPM_BPE || p->has_charsmap || p->size > PIECES_MAX)
        return 0;
    all = pieces_make(arena, p->size);
    for (int64_t i = 0; i < p->size; i++) {
        if (pieces_find(&all, p->text[i]) >= 0)
            return 0;
        pieces_add(&all, (int32_t)i, p->text[i]);
    }
    count = find_merges(p, &all, NULL);
    list = arena_new(arena, Merge, count);
    find_merges(p, &all, list);
    if (count > 1)
        qsort(list, (size_t)count, sizeof *list, by_score);
    text_puts(t, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, ");
    add_added(t, p);
    add_steps(t, p);
    text_puts(t, frame);
    add_model(t, p, list, count);
    return 1;
}
