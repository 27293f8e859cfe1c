// Byte-level tokenizers without a tokenizer.json: tiktoken's ranks, and vocab.json with merges.txt.
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- added tokens, of which some have no id yet

static Err add_tokens(Build *b, AddedToken *list, int64_t count)
{
    int64_t n = 0;

    for (int64_t i = 0; i < count; i++) {
        int32_t found = pieces_find(&b->t->pieces, list[i].name);

        if (found < 0 && list[i].id < 0)
            continue; // a name that no file gives an id
        if (found < 0)
            TRY(build_piece(b, list[i].id, list[i].name));
        list[n] = list[i];
        list[n++].id = found >= 0 ? found : list[i].id;
    }
    return build_added(b, list, n);
}

static int64_t size_with(int64_t size, const AddedToken *list, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        size = list[i].id >= size ? list[i].id + 1 : size;
    return size;
}

// The text of bytes in a byte-level vocabulary.
static Bytes level(Build *b, Bytes bytes)
{
    Text t = text_make(b->scratch);

    for (int64_t i = 0; i < bytes.length; i++)
        unitext_put(&t, unicode_of_byte((unsigned char)bytes.data[i]));
    return build_copy(b, (Bytes){t.data, t.length});
}

// ---- tiktoken: lines of base64 and rank

typedef struct Family { // what such a file does not say
    int64_t            ranks;
    const char        *pattern;
    int                is_nfc;
    const char *const *special; // the tokens behind the ranks; NULL ends them
    const char        *bos, *eos;
} Family;

static const char *const llama3_special[] = {"<|begin_of_text|>",
                                             "<|end_of_text|>",
                                             "<|reserved_special_token_0|>",
                                             "<|reserved_special_token_1|>",
                                             "<|reserved_special_token_2|>",
                                             "<|reserved_special_token_3|>",
                                             "<|start_header_id|>",
                                             "<|end_header_id|>",
                                             "<|reserved_special_token_4|>",
                                             "<|eot_id|>",
                                             NULL};
static const char *const end_of_text[] = {"<|endoftext|>", NULL};
static const char *const qwen_special[] = {"<|endoftext|>", "<|im_start|>", "<|im_end|>", NULL};

enum { LLAMA3_RANKS = 128000, LLAMA3_RESERVED = 251 };

static const Family FAMILIES[] = {
    {LLAMA3_RANKS, SCAN_LLAMA3, 0, llama3_special, "<|begin_of_text|>", "<|end_of_text|>"},
    {50256, SCAN_GPT2, 0, end_of_text, "<|endoftext|>", "<|endoftext|>"},
    {100256, SCAN_LLAMA3, 0, NULL, NULL, NULL},
    {151643, SCAN_QWEN2, 1, qwen_special, NULL, "<|endoftext|>"}};

static const Family *family_of(int64_t ranks)
{
    for (int i = 0; i < (int)(sizeof FAMILIES / sizeof FAMILIES[0]); i++)
        if (FAMILIES[i].ranks == ranks)
            return &FAMILIES[i];
    return NULL;
}

typedef struct Ranks {
    const char *at, *end;
    int64_t     line;
} Ranks;

// The next line; 0 at the end.
static Err next_rank(Build *b, Ranks *r, Bytes *bytes, int64_t *rank, int *is_there)
{
    const char *end = r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
    const char *blank, *digit;

    *is_there = r->at < r->end;
    if (!*is_there)
        return OK;
    end = end == NULL ? r->end : end;
    r->line++;
    blank = memchr(r->at, ' ', (size_t)(end - r->at));
    *rank = 0;
    for (digit = blank == NULL ? end : blank + 1;
         digit < end && '0' <= *digit && *digit <= '9' && *rank < PIECES_MAX; digit++)
        *rank = 10 * *rank + (*digit - '0');
    if (blank == NULL || digit == blank + 1 || (digit < end && *digit != '\r'))
        FAIL(ERR_DATA, "%s:%" PRId64 ": expected base64, a blank and a rank below %d", b->file,
             r->line, PIECES_MAX);
    TRY(base64_read(b->scratch, b->file, (Bytes){r->at, blank - r->at}, bytes));
    if (bytes->length == 0)
        FAIL(ERR_DATA, "%s:%" PRId64 ": a token without bytes", b->file, r->line);
    r->at = end < r->end ? end + 1 : end;
    return OK;
}

static Err count_ranks(Build *b, Ranks r, int64_t *count, int64_t *size)
{
    ArenaMark mark = arena_mark(b->scratch);
    int64_t   rank;
    Bytes     bytes;
    int       is_there;

    *count = *size = 0;
    for (;;) {
        TRY(next_rank(b, &r, &bytes, &rank, &is_there));
        arena_back(b->scratch, mark);
        if (!is_there)
            return OK;
        ++*count;
        *size = rank >= *size ? rank + 1 : *size;
    }
}

static Err read_ranks(Build *b, Ranks r)
{
    ArenaMark mark = arena_mark(b->scratch);
    int64_t   rank;
    Bytes     bytes;
    int       is_there;

    for (;;) {
        TRY(next_rank(b, &r, &bytes, &rank, &is_there));
        if (!is_there)
            return OK;
        TRY(build_piece(b, rank, level(b, bytes)));
        arena_back(b->scratch, mark);
    }
}

// Behind those with a name, Llama 3 has reserved ones up to 256.
static Err family_added(Build *b, const Family *f, int64_t size, AddedToken **list, int64_t *count)
{
    int64_t n = 0, reserved = f->ranks == LLAMA3_RANKS ? 5 : LLAMA3_RESERVED;
    char    name[40];

    *list = arena_new(b->scratch, AddedToken, 256 + 8);
    for (int i = 0; f->special != NULL && f->special[i] != NULL; i++, n++)
        (*list)[n] = (AddedToken){.name = {f->special[i], (int64_t)strlen(f->special[i])},
                                  .id = (int32_t)(size + n),
                                  .is_special = 1};
    for (; reserved < LLAMA3_RESERVED; reserved++, n++) {
        int length = snprintf(name, sizeof name, "<|reserved_special_token_%d|>", (int)reserved);

        (*list)[n] = (AddedToken){.name = build_copy(b, (Bytes){name, length}),
                                  .id = (int32_t)(size + n),
                                  .is_special = 1};
    }
    *count = n;
    return OK;
}

// Tokens that the files beside name go before those of the family.
static Err tiktoken_added(Build *b, const Family *f, const Json *beside, int64_t size,
                          AddedToken **list, int64_t *count)
{
    TRY(beside_added(b, beside, list, count));
    for (int64_t i = 0; i < *count; i++)
        if ((*list)[i].id >= 0)
            return OK;
    if (f == NULL)
        return OK;
    return family_added(b, f, size, list, count);
}

static int32_t named(const Build *b, const char *name)
{
    return name == NULL ? -1 : pieces_find(&b->t->pieces, (Bytes){name, (int64_t)strlen(name)});
}

static Err tiktoken_bpe(Build *b, int64_t ranks)
{
    BpeConfig config = {.reads_bytes = 1, .ignores_merges = 1, .unknown = -1};
    Pieces    bytes;
    BpeMerge *merges;
    uint32_t *rank;
    int64_t   count;

    TRY(build_byte_pieces(b, &bytes));
    rank = arena_new(b->scratch, uint32_t, bytes.size);
    for (int64_t i = 0; i < ranks; i++)
        rank[i] = (uint32_t)i + 1;
    TRY(build_merges(b, &bytes, rank, 0, &merges, &count));
    return build_bpe(b, &config, &bytes, merges, count);
}

Err build_from_tiktoken(Build *b, const Json *config, const Json *beside)
{
    const char   *text;
    const Family *f;
    AddedToken   *added;
    int64_t       ranks, size, count;
    Ranks         lines = {0};

    TRY(json_want_text(config, "text", &text));
    lines = (Ranks){.at = text, .end = text + strlen(text)};
    TRY(count_ranks(b, lines, &ranks, &size));
    f = family_of(ranks);
    if (f == NULL)
        FAIL(ERR_DATA,
             "%s: the pattern for a tiktoken file of %" PRId64 " ranks is not known; those with "
             "50256, 100256, 128000 and 151643 are read",
             b->file, ranks);
    TRY(tiktoken_added(b, f, beside, size, &added, &count));
    TRY(build_pieces(b, size_with(size, added, count)));
    TRY(read_ranks(b, lines));
    if (f->is_nfc)
        b->t->normalizer[b->t->normalizers++] =
            (Normalizer){.kind = NORMALIZE_UNICODE, .form = UNITEXT_NFC};
    build_byte_level(b, f->pattern);
    TRY(add_tokens(b, added, count));
    TRY(tiktoken_bpe(b, size));
    b->t->vocab.bos = named(b, f->bos);
    b->t->vocab.eos = named(b, f->eos);
    b->adds_bos = ranks == LLAMA3_RANKS;
    return OK;
}

// ---- vocab.json and merges.txt

// The next line of merges.txt that holds a merge; 0 at the end.
static Err next_merge(Build *b, Ranks *r, Bytes *left, Bytes *right, int *is_there)
{
    static const char version[] = "#version";
    const char       *end, *blank;

    *is_there = 0;
    for (; r->at < r->end; r->at = end < r->end ? end + 1 : end) {
        end = memchr(r->at, '\n', (size_t)(r->end - r->at));
        end = end == NULL ? r->end : end;
        r->line++;
        const char *stop = end > r->at && end[-1] == '\r' ? end - 1 : end;

        if (stop == r->at || (stop - r->at >= (int64_t)sizeof version - 1 &&
                              memcmp(r->at, version, sizeof version - 1) == 0))
            continue;
        blank = memchr(r->at, ' ', (size_t)(stop - r->at));
        if (blank == NULL || memchr(blank + 1, ' ', (size_t)(stop - blank - 1)) != NULL)
            FAIL(ERR_DATA,
                 "%s: line %" PRId64 " of the merges: expected two tokens with a blank "
                 "between them",
                 b->file, r->line);
        *left = (Bytes){r->at, blank - r->at};
        *right = (Bytes){blank + 1, stop - blank - 1};
        r->at = end < r->end ? end + 1 : end;
        *is_there = 1;
        return OK;
    }
    return OK;
}

static Err read_merge_line(Build *b, int64_t line, Bytes left, Bytes right, BpeMerge *out)
{
    const Pieces *p = &b->t->pieces;
    ArenaMark     mark = arena_mark(b->scratch);
    char         *text = arena_push(b->scratch, left.length + right.length + 1, 1);

    memcpy(text, left.data, (size_t)left.length);
    memcpy(text + left.length, right.data, (size_t)right.length);
    *out = (BpeMerge){pieces_find(p, left), pieces_find(p, right),
                      pieces_find(p, (Bytes){text, left.length + right.length}), out->rank};
    arena_back(b->scratch, mark);
    if (out->a < 0 || out->b < 0 || out->whole < 0)
        FAIL(ERR_DATA,
             "%s: line %" PRId64 " of the merges: \"%.*s\", \"%.*s\" or what they make is "
             "not in vocab.json",
             b->file, line, (int)left.length, left.data, (int)right.length, right.data);
    return OK;
}

static Err read_merge_lines(Build *b, const char *text, BpeMerge **merges, int64_t *count)
{
    Ranks    r = {.at = text, .end = text + strlen(text)};
    int64_t  lines = 1;
    Bytes    left, right;
    uint32_t rank = 0;
    int      is_there;

    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    *merges = arena_new(b->scratch, BpeMerge, lines);
    *count = 0;
    for (;;) {
        BpeMerge *to = &(*merges)[*count];

        TRY(next_merge(b, &r, &left, &right, &is_there));
        if (!is_there)
            return OK;
        to->rank = rank++;
        TRY(read_merge_line(b, r.line, left, right, to));
        *count += !b->t->special[to->whole];
    }
}

static Err vocab_bpe(Build *b, const char *text)
{
    BpeConfig config = {.reads_bytes = 1, .unknown = -1};
    BpeMerge *merges;
    int64_t   count;
    Pieces    bytes;

    TRY(read_merge_lines(b, text, &merges, &count));
    TRY(build_byte_pieces(b, &bytes));
    return build_bpe(b, &config, &bytes, merges, count);
}

static int has_class(const Json *beside, const char *begin)
{
    const Json *config = beside == NULL ? NULL : json_member(beside, "tokenizer_config");
    const Json *name = config == NULL ? NULL : json_member(config, "tokenizer_class");

    return name != NULL && name->kind == JSON_TEXT &&
           strncmp(name->text, begin, strlen(begin)) == 0;
}

static Err read_vocab(Build *b, const Json *vocab, const AddedToken *added, int64_t count)
{
    int64_t size = 0, id;

    for (const Json *m = vocab->child; m != NULL; m = m->next) {
        TRY(json_i64(m, 0, PIECES_MAX - 1, &id));
        size = id >= size ? id + 1 : size;
    }
    TRY(build_pieces(b, size_with(size, added, count)));
    for (const Json *m = vocab->child; m != NULL; m = m->next)
        TRY(build_piece(b, (int64_t)m->number, build_text(b, m->key, (int64_t)strlen(m->key))));
    return OK;
}

// Such folders are of GPT-2 and its like, unless they say that they are Qwen's.
Err build_from_vocab(Build *b, const Json *config, const Json *beside)
{
    int         is_qwen = has_class(beside, "Qwen2Tokenizer");
    const char *merges;
    const Json *vocab;
    AddedToken *added;
    int64_t     count;

    TRY(json_want_object(config, "vocab", &vocab));
    TRY(json_want_text(config, "merges", &merges));
    TRY(beside_added(b, beside, &added, &count));
    TRY(read_vocab(b, vocab, added, count));
    if (is_qwen)
        b->t->normalizer[b->t->normalizers++] =
            (Normalizer){.kind = NORMALIZE_UNICODE, .form = UNITEXT_NFC};
    build_byte_level(b, is_qwen ? SCAN_QWEN2 : NULL);
    if (beside_switch(beside, "add_prefix_space", 0))
        b->t->cut[b->t->cuts - 1].prepend = CUT_ALWAYS;
    TRY(add_tokens(b, added, count));
    return vocab_bpe(b, merges);
}
