// Our vocabularies as the metadata of a GGUF file.
#include "model/text/foreign_vocab.h"

#include "model/text/ranks.h"
#include "model/text/spm.h"
#include "model/text/tokenizer_private.h"
#include "model/text/zeros.h"
#include "model/vocab_kind.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Tokens {
    Arena      *arena;
    const char *file; // for messages
    int64_t     size; // of the model
    GgufText   *text; // [size]; .data NULL: no token has this id
    int32_t    *type; // [size]
    float      *score;
    const char *zero;
    GgufMeta   *meta;
    Vocab      *vocab;
} Tokens;

static Err put_token(Tokens *t, int64_t id, const char *text, int64_t length, int type)
{
    char *copy;

    if (id < 0 || id >= t->size)
        FAIL(ERR_CONFIG, "%s: its token %" PRId64 " is none of the %" PRId64 " that the model has",
             t->file, id, t->size);
    copy = arena_new(t->arena, char, length + 1);
    t->text[id] = (GgufText){copy, zeros_show(copy, text, length, t->zero)};
    t->type[id] = type;
    return OK;
}

// Ids of the model that the tokenizer leaves empty.
static void fill_holes(Tokens *t)
{
    for (int64_t id = 0; id < t->size; id++)
        if (t->text[id].data == NULL) {
            const char *name = arena_format(t->arena, "[PAD%" PRId64 "]", id);

            t->text[id] = (GgufText){name, (int64_t)strlen(name)};
            t->type[id] = SPM_UNUSED;
        }
}

static void put_lists(Tokens *t, const char *model, const char *pre)
{
    fill_holes(t);
    gguf_put_text(t->meta, "tokenizer.ggml.model", model);
    if (pre != NULL)
        gguf_put_text(t->meta, "tokenizer.ggml.pre", pre);
    gguf_put_texts(t->meta, "tokenizer.ggml.tokens", t->text, t->size);
    if (strcmp(model, "llama") == 0)
        gguf_put_floats(t->meta, "tokenizer.ggml.scores", t->score, t->size);
    gguf_put_ints(t->meta, "tokenizer.ggml.token_type", t->type, t->size);
}

// ---- the kinds "character" and "byte"

// A piece per character and no way to put two together: SentencePiece's rules then are ours.
static Err put_characters(Tokens *t, const Json *config)
{
    const char *at;
    int64_t     id = 0;

    TRY(json_want_text(config, "alphabet", &at));
    for (; *at != 0; id++) {
        int n = text_utf8_length(at, (int64_t)strlen(at));

        CHECK(n > 0, "the alphabet is UTF-8");
        if (*at == ' ')
            TRY(put_token(t, id, "\xE2\x96\x81", 3, SPM_NORMAL));
        else
            TRY(put_token(t, id, at, n, SPM_NORMAL));
        at += n;
    }
    put_lists(t, "llama", "default");
    gguf_put_flag(t->meta, "tokenizer.ggml.add_space_prefix", 0);
    return OK;
}

static Err put_bytes(Tokens *t)
{
    static const char *const special[] = {"<bos>", "<eos>", "<pad>"};

    for (int byte = 0; byte < 256; byte++) {
        Text one = text_make(t->arena);

        unitext_put(&one, unicode_of_byte(byte));
        TRY(put_token(t, byte, one.data, one.length, SPM_NORMAL));
    }
    for (int i = 0; i < 3; i++)
        TRY(put_token(t, 256 + i, special[i], 5, SPM_CONTROL));
    put_lists(t, "gpt2", "gpt-2");
    gguf_put_texts(t->meta, "tokenizer.ggml.merges", NULL, 0);
    return OK;
}

// ---- SentencePiece's file

static Err put_spm(Tokens *t, const Json *config)
{
    const char *text;
    Bytes       file;
    SpmPieces   p;

    TRY(json_want_text(config, "base64", &text));
    TRY(base64_read(t->arena, t->file, (Bytes){text, (int64_t)strlen(text)}, &file));
    TRY(spm_read(t->arena, t->file, file, &p));
    if (p.model != SPM_BPE || p.has_charsmap)
        FAIL(ERR_CONFIG,
             "%s: a SentencePiece model %s is not written to GGUF; expected BPE without one",
             t->file, p.model != SPM_BPE ? "of the type Unigram" : "with a table of characters");
    for (int64_t i = 0; i < p.size; i++) {
        TRY(put_token(t, i, p.text[i].data, p.text[i].length, p.type[i]));
        t->score[i] = p.score[i];
    }
    put_lists(t, "llama", "default");
    gguf_put_flag(t->meta, "tokenizer.ggml.add_space_prefix", p.puts_prefix);
    gguf_put_flag(t->meta, "tokenizer.ggml.remove_extra_whitespaces", p.collapses);
    return OK;
}

// ---- tokenizer.json

// The first object below `node` whose "type" is this.
static const Json *find_part(const Json *node, const char *type)
{
    const Json *own, *found = NULL;

    if (node == NULL)
        return NULL;
    own = node->kind == JSON_OBJECT ? json_member(node, "type") : NULL;
    if (own != NULL && own->kind == JSON_TEXT && strcmp(own->text, type) == 0)
        return node;
    for (const Json *m = node->child; m != NULL && found == NULL; m = m->next)
        found = find_part(m, type);
    return found;
}

static int is_true(const Json *object, const char *key, int standard)
{
    const Json *node = object == NULL ? NULL : json_member(object, key);

    return node == NULL ? standard : node->kind == JSON_TRUE;
}

static Err put_vocab(Tokens *t, const Json *vocab)
{
    for (const Json *m = vocab->child; m != NULL; m = m->next)
        TRY(put_token(t, (int64_t)m->number, m->key, (int64_t)strlen(m->key), SPM_NORMAL));
    return OK;
}

static Err put_added(Tokens *t, const Json *list)
{
    if (list == NULL || list->kind != JSON_ARRAY)
        return OK;
    for (const Json *m = list->child; m != NULL; m = m->next) {
        int64_t     id;
        const char *text;

        TRY(json_want_i64(m, "id", 0, t->size - 1, &id));
        TRY(json_want_text(m, "content", &text));
        TRY(put_token(t, id, text, (int64_t)strlen(text),
                      strcmp(text, "<unk>") == 0 ? SPM_UNKNOWN
                      : is_true(m, "special", 0) ? SPM_CONTROL
                                                 : SPM_USER));
    }
    return OK;
}

static GgufText merge_text(Tokens *t, const Json *m)
{
    const char *text = m->text;

    if (m->kind == JSON_ARRAY && m->length == 2 && m->child->kind == JSON_TEXT &&
        m->child->next->kind == JSON_TEXT)
        text = arena_format(t->arena, "%s %s", m->child->text, m->child->next->text);
    return (GgufText){text, text == NULL ? 0 : (int64_t)strlen(text)};
}

static Err list_merges(Tokens *t, const Json *merges, GgufText **out, int64_t *count)
{
    *count = 0;
    *out = arena_new(t->arena, GgufText, merges->length + 1);
    for (const Json *m = merges->child; m != NULL; m = m->next) {
        (*out)[*count] = merge_text(t, m);
        if ((*out)[(*count)++].length == 0)
            FAIL(ERR_DATA, "%s: merge %" PRId64 ": expected two tokens", t->file, *count);
    }
    return OK;
}

// What llama.cpp calls the way a text is cut; NULL: it is none of those known here.
static const char *pre_of(const Json *root)
{
    const Json *cuts = json_member(root, "pre_tokenizer"), *split = find_part(cuts, "Split");
    const Json *level = find_part(cuts, "ByteLevel"), *digits = find_part(cuts, "Digits");
    const Json *pattern = split == NULL ? NULL : json_member(split, "pattern");
    const Json *regex = pattern == NULL ? NULL : json_member(pattern, "Regex");

    if (is_true(level, "add_prefix_space", 1))
        return NULL;
    if (split == NULL && is_true(level, "use_regex", 1))
        return digits == NULL ? "gpt-2" : is_true(digits, "individual_digits", 0) ? "smollm" : NULL;
    if (regex == NULL || regex->kind != JSON_TEXT)
        return NULL;
    if (strcmp(regex->text, SCAN_LLAMA3) == 0)
        return digits == NULL ? "llama-bpe" : NULL;
    if (strcmp(regex->text, SCAN_QWEN2) == 0)
        return digits == NULL ? "qwen2" : NULL;
    if (strcmp(regex->text, SCAN_GPT2) != 0)
        return NULL;
    return digits == NULL ? "gpt-2" : is_true(digits, "individual_digits", 0) ? "smollm" : NULL;
}

static Err put_byte_level(Tokens *t, const Json *root, const Json *merges)
{
    const char *pre = pre_of(root);
    GgufText   *list;
    int64_t     count;

    if (pre == NULL && merges->length == 0)
        pre = "gpt-2"; // every byte is a token, however the text is cut
    if (pre == NULL)
        FAIL(ERR_CONFIG,
             "%s: its pre_tokenizer is none that a GGUF file can name here; known are those of "
             "GPT-2, Llama 3, Qwen2 and SmolLM",
             t->file);
    TRY(list_merges(t, merges, &list, &count));
    put_lists(t, "gpt2", pre);
    gguf_put_texts(t->meta, "tokenizer.ggml.merges", list, count);
    return OK;
}

static Pieces index_tokens(Tokens *t)
{
    Pieces p = pieces_make(t->arena, t->size);

    for (int64_t id = 0; id < t->size; id++) {
        Bytes text = {t->text[id].data, t->text[id].length};

        if (text.data != NULL && pieces_find(&p, text) < 0)
            pieces_add(&p, (int32_t)id, text);
    }
    return p;
}

// Merges in order become scores: what is merged first is best.
static Err put_marks(Tokens *t, const Json *root, const Json *merges)
{
    const Json *metaspace = find_part(root, "Metaspace");
    const Json *scheme = metaspace == NULL ? NULL : json_member(metaspace, "prepend_scheme");
    int         is_never =
        scheme != NULL && scheme->kind == JSON_TEXT && strcmp(scheme->text, "never") == 0;
    int has_prefix = find_part(json_member(root, "normalizer"), "Prepend") != NULL ||
                     (metaspace != NULL && !is_never);
    Pieces   all = index_tokens(t);
    float    rank = 0;
    char     name[8];
    GgufText merge;

    for (const Json *m = merges->child; m != NULL; m = m->next, rank++) {
        Text        whole = text_make(t->arena);
        const char *blank;
        int32_t     id;

        merge = merge_text(t, m);
        blank = merge.data == NULL ? NULL : strchr(merge.data, ' ');
        if (blank == NULL)
            FAIL(ERR_DATA, "%s: merge %g: expected two tokens", t->file, (double)rank + 1);
        text_add(&whole, merge.data, blank - merge.data);
        text_puts(&whole, blank + 1);
        id = pieces_find(&all, (Bytes){whole.data, whole.length});
        if (id >= 0 && t->score[id] >= 0)
            t->score[id] = -rank - 1;
    }
    for (int byte = 0; byte < 256; byte++) {
        snprintf(name, sizeof name, "<0x%02X>", byte);
        int32_t id = pieces_find(&all, (Bytes){name, 6});

        if (id >= 0)
            t->type[id] = SPM_BYTE;
    }
    put_lists(t, "llama", "default");
    gguf_put_flag(t->meta, "tokenizer.ggml.add_space_prefix", has_prefix);
    return OK;
}

static Err put_json(Tokens *t, const Json *config)
{
    const Json *root, *model, *vocab, *merges;

    TRY(json_want_object(config, "tokenizer", &root));
    TRY(json_want_object(root, "model", &model));
    vocab = json_member(model, "vocab");
    merges = json_member(model, "merges");
    if (vocab == NULL || vocab->kind != JSON_OBJECT || merges == NULL || merges->kind != JSON_ARRAY)
        FAIL(ERR_CONFIG, "%s: a model that is not BPE is not written to GGUF", t->file);
    TRY(put_vocab(t, vocab));
    TRY(put_added(t, json_member(root, "added_tokens")));
    if (find_part(json_member(root, "pre_tokenizer"), "ByteLevel") != NULL)
        return put_byte_level(t, root, merges);
    if (!is_true(model, "byte_fallback", 0) && find_part(root, "Metaspace") == NULL &&
        find_part(json_member(root, "normalizer"), "Replace") == NULL)
        FAIL(ERR_CONFIG,
             "%s: neither byte-level nor with a mark for blanks, which a GGUF file cannot say",
             t->file);
    return put_marks(t, root, merges);
}

// ---- vocab.json and merges.txt

static Err put_merge_lines(Tokens *t, const char *text)
{
    int64_t   lines = 1, count = 0;
    GgufText *list;

    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    list = arena_new(t->arena, GgufText, lines);
    for (const char *p = text; *p != 0;) {
        size_t n = strcspn(p, "\r\n");

        if (n > 0 && strncmp(p, "#version", 8) != 0)
            list[count++] = (GgufText){p, (int64_t)n};
        p += n;
        p += strspn(p, "\r\n");
    }
    gguf_put_texts(t->meta, "tokenizer.ggml.merges", list, count);
    return OK;
}

static Err put_two_files(Tokens *t, const Json *config)
{
    const Json *beside = json_member(config, "beside"), *vocab;
    const Json *settings = beside == NULL ? NULL : json_member(beside, "tokenizer_config");
    const Json *class = settings == NULL ? NULL : json_member(settings, "tokenizer_class");
    const Json *added = settings == NULL ? NULL : json_member(settings, "added_tokens_decoder");
    const char *merges;
    int         is_qwen =
        class != NULL && class->kind == JSON_TEXT && strncmp(class->text, "Qwen2Tok", 8) == 0;

    TRY(json_want_object(config, "vocab", &vocab));
    TRY(json_want_text(config, "merges", &merges));
    TRY(put_vocab(t, vocab));
    for (const Json *m = added == NULL ? NULL : added->child; m != NULL; m = m->next) {
        const char *text;

        TRY(json_want_text(m, "content", &text));
        TRY(put_token(t, strtoll(m->key, NULL, 10), text, (int64_t)strlen(text),
                      is_true(m, "special", 0) ? SPM_CONTROL : SPM_USER));
    }
    for (int64_t id = 0; id < t->size; id++)
        if (t->text[id].length == 13 && memcmp(t->text[id].data, "<|endoftext|>", 13) == 0)
            t->type[id] = SPM_CONTROL;
    put_lists(t, "gpt2", is_qwen ? "qwen2" : "gpt-2");
    return put_merge_lines(t, merges);
}

// ---- tiktoken's ranks

static const char *pre_of_cut(const Tokenizer *k)
{
    static const struct {
        const char *pattern, *name;
    } known[] = {{SCAN_LLAMA3, "llama-bpe"}, {SCAN_QWEN2, "qwen2"}, {SCAN_GPT2, "gpt-2"}};

    for (int i = 0; i < 3; i++)
        if (k->cuts == 1 && k->cut[0].scan == scan_find((Bytes){known[i].pattern,
                                                                (int64_t)strlen(known[i].pattern)}))
            return known[i].name;
    return NULL;
}

static Err put_ranks(Tokens *t)
{
    const Tokenizer *k = (const Tokenizer *)t->vocab;
    const Bytes     *text = k->pieces.text;
    const char      *pre = pre_of_cut(k);
    RankMerges       m = ranks_to_merges(t->arena, k);
    GgufText        *list = arena_new(t->arena, GgufText, m.count + 1);

    if (pre == NULL)
        FAIL(ERR_CONFIG,
             "%s: how it cuts texts into words has no name that a GGUF file could say; open the "
             "model with its tokenizer.json",
             t->file);
    // llama-bpe takes a word that is a token whole, as tiktoken does; the others need its merge.
    if (m.lonely > 0 && strcmp(pre, "llama-bpe") != 0)
        FAIL(ERR_CONFIG,
             "%s: %" PRId64
             " of its tokens are made of no two others, which a GGUF file cannot say",
             t->file, m.lonely);
    for (int64_t id = 0; id < k->pieces.size; id++)
        if (text[id].data != NULL)
            TRY(put_token(t, id, text[id].data, text[id].length,
                          k->special[id] ? SPM_CONTROL : SPM_NORMAL));
    for (int64_t i = 0; i < k->addeds; i++)
        if (!k->added[i].is_special)
            t->type[k->added[i].id] = SPM_USER;
    put_lists(t, "gpt2", pre);
    for (int64_t i = 0; i < m.count; i++) {
        Bytes left = text[m.left[i]], right = text[m.right[i]];
        Text  both = text_make(t->arena);

        text_add(&both, left.data, left.length);
        text_puts(&both, " ");
        text_add(&both, right.data, right.length);
        list[i] = (GgufText){both.data, both.length};
    }
    gguf_put_texts(t->meta, "tokenizer.ggml.merges", list, m.count);
    return OK;
}

// ---- any

static Err put_kind(Tokens *t, const Json *config, const char *kind)
{
    if (strcmp(kind, "character") == 0)
        return put_characters(t, config);
    if (strcmp(kind, "byte") == 0)
        return put_bytes(t);
    if (strcmp(kind, "tokenizer.model") == 0)
        return put_spm(t, config);
    if (strcmp(kind, "tokenizer.json") == 0)
        return put_json(t, config);
    if (strcmp(kind, "vocab.json") == 0)
        return put_two_files(t, config);
    if (strcmp(kind, "tiktoken") == 0)
        return put_ranks(t);
    FAIL(ERR_CONFIG,
         "%s: a tokenizer of the kind %.40s is not written to GGUF; open the model with its "
         "tokenizer.json",
         t->file, kind);
}

static void put_id(GgufMeta *m, const char *key, int32_t id)
{
    if (id >= 0)
        gguf_put_u32(m, key, (uint32_t)id);
}

Err foreign_vocab_put(Arena *arena, const Json *tokenizer, const char *chat, int64_t size,
                      GgufMeta *m)
{
    const Json *zero = json_member(tokenizer, "zero");
    Tokens      t = {.arena = arena, .file = tokenizer->file, .size = size, .meta = m, .zero = ""};
    int32_t     ends[2 * VOCAB_FRAME_MAX];
    int64_t     before = 0;
    const char *kind;
    int         ended;
    Vocab      *v;

    unicode_start();
    if (zero != NULL && zero->kind == JSON_TEXT)
        t.zero = zero->text;
    t.text = arena_new(arena, GgufText, size);
    t.type = arena_new(arena, int32_t, size);
    t.score = arena_new(arena, float, size);
    TRY(json_want_text(tokenizer, "kind", &kind));
    TRY(vocab_make(arena, tokenizer, &v));
    t.vocab = v;
    TRY(put_kind(&t, tokenizer, kind));
    TRY(vocab_begin(v, ends, VOCAB_FRAME_MAX, &before));
    put_id(m, "tokenizer.ggml.bos_token_id", vocab_bos(v));
    put_id(m, "tokenizer.ggml.eos_token_id", vocab_eos(v));
    if (vocab_more_ends(v, &ended) != NULL) // there is one key for one of them
        put_id(m, "tokenizer.ggml.eot_token_id", *vocab_more_ends(v, &ended));
    put_id(m, "tokenizer.ggml.padding_token_id", vocab_pad(v));
    gguf_put_flag(m, "tokenizer.ggml.add_bos_token", before > 0);
    gguf_put_flag(m, "tokenizer.ggml.add_eos_token", v->afters > 0);
    chat = chat == NULL ? vocab_chat_template(v) : foreign_vocab_template(arena, tokenizer, chat);
    if (chat != NULL)
        gguf_put_text(m, "tokenizer.chat_template", chat);
    return OK;
}
