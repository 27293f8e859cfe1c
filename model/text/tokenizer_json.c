// tokenizer.json: the model and the added tokens; json_steps.c reads what stands around the model.
#include "model/text/json_steps.h"

#include <inttypes.h>
#include <string.h>

static const char *where(const Json *node, char buffer[JSON_WORDS])
{
    return json_where(node, buffer, JSON_WORDS);
}

// ---- pieces

static Err vocab_object(const Json *model, const Json **out)
{
    *out = json_member(model, "vocab");
    if (*out == NULL || (*out)->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: expected \"vocab\" to be an object of tokens and their ids",
             where(model, (char[JSON_WORDS]){0}));
    return OK;
}

static Err added_list(const Json *root, const Json **first)
{
    const Json *list = json_member(root, "added_tokens");

    *first = NULL;
    if (list == NULL || list->kind == JSON_NULL)
        return OK;
    if (list->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected an array of tokens", where(list, (char[JSON_WORDS]){0}));
    *first = list->child;
    return OK;
}

// One look at each key: a list may be long.
static Err added_text_and_id(const Json *node, const Json **text, int64_t *id)
{
    const Json *number = json_member(node, "id");

    *text = json_member(node, "content");
    if (*text == NULL || (*text)->kind != JSON_TEXT || number == NULL)
        FAIL(ERR_DATA, "%s: expected a token with \"id\" and \"content\"",
             where(node, (char[JSON_WORDS]){0}));
    return json_i64(number, 0, PIECES_MAX - 1, id);
}

// One more than the largest id.
static Err count_ids(const Json *vocab, const Json *added, int64_t *size)
{
    int64_t id;

    *size = 0;
    if (vocab->kind == JSON_ARRAY)
        *size = vocab->length;
    for (const Json *m = vocab->kind == JSON_OBJECT ? vocab->child : NULL; m != NULL; m = m->next) {
        TRY(json_i64(m, 0, PIECES_MAX - 1, &id));
        *size = id >= *size ? id + 1 : *size;
    }
    for (const Json *m = added, *text; m != NULL; m = m->next) {
        TRY(added_text_and_id(m, &text, &id));
        *size = id >= *size ? id + 1 : *size;
    }
    return OK;
}

static Err read_vocab(Build *b, const Json *vocab)
{
    for (const Json *m = vocab->child; m != NULL; m = m->next)
        TRY(build_piece(b, (int64_t)m->number, build_text(b, m->key, (int64_t)strlen(m->key))));
    return OK;
}

// A token of the model keeps its id, whatever is said of it here.
static Err read_added(Build *b, const Json *node, AddedToken *out)
{
    const Json *text;
    int64_t     id, found;
    Bytes       name;

    TRY(added_text_and_id(node, &text, &id));
    name = build_text(b, text->text, text->length);
    found = pieces_find(&b->t->pieces, name);
    if (found < 0)
        TRY(build_piece(b, id, name));
    *out = (AddedToken){.name = name,
                        .id = (int32_t)(found < 0 ? id : found),
                        .is_special = (uint8_t)json_switch(node, "special", 0),
                        .is_word = (uint8_t)json_switch(node, "single_word", 0),
                        .strips_left = (uint8_t)json_switch(node, "lstrip", 0),
                        .strips_right = (uint8_t)json_switch(node, "rstrip", 0),
                        .is_normalized = (uint8_t)json_switch(node, "normalized", 1)};
    return OK;
}

static Err read_all_added(Build *b, const Json *first)
{
    AddedToken *list;
    int64_t     count = 0, n = 0;

    for (const Json *m = first; m != NULL; m = m->next)
        count++;
    list = arena_new(b->scratch, AddedToken, count);
    for (const Json *m = first; m != NULL; m = m->next)
        TRY(read_added(b, m, &list[n++]));
    return build_added(b, list, count);
}

// ---- merges

static Err merge_halves(Build *b, const Json *node, Bytes *left, Bytes *right)
{
    const Json *pair = node->kind == JSON_ARRAY && node->length == 2 ? node->child : NULL;
    const char *blank = node->kind == JSON_TEXT ? strchr(node->text, ' ') : NULL;

    if (pair != NULL && pair->kind == JSON_TEXT && pair->next->kind == JSON_TEXT) {
        *left = build_text(b, pair->text, pair->length);
        *right = build_text(b, pair->next->text, pair->next->length);
        return OK;
    }
    if (blank == NULL || strchr(blank + 1, ' ') != NULL)
        FAIL(ERR_DATA, "%s: expected two tokens that become one, found %s",
             where(node, (char[JSON_WORDS]){0}),
             json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    *left = build_text(b, node->text, blank - node->text);
    *right = build_text(b, blank + 1, node->text + node->length - blank - 1);
    return OK;
}

static Err read_merge(Build *b, const Json *node, uint32_t rank, BpeMerge *out)
{
    const Pieces *p = &b->t->pieces;
    ArenaMark     mark = arena_mark(b->scratch);
    char         *text;
    Bytes         left, right;

    TRY(merge_halves(b, node, &left, &right));
    text = arena_push(b->scratch, left.length + right.length + 1, 1);
    memcpy(text, left.data, (size_t)left.length);
    memcpy(text + left.length, right.data, (size_t)right.length);
    *out = (BpeMerge){pieces_find(p, left), pieces_find(p, right),
                      pieces_find(p, (Bytes){text, left.length + right.length}), rank};
    arena_back(b->scratch, mark);
    if (out->a < 0 || out->b < 0 || out->whole < 0)
        FAIL(ERR_DATA, "%s: the merge of \"%.*s\" and \"%.*s\": %s is not in the vocabulary",
             where(node, (char[JSON_WORDS]){0}), (int)left.length, left.data, (int)right.length,
             right.data,
             out->a < 0   ? "the first"
             : out->b < 0 ? "the second"
                          : "what they make");
    return OK;
}

// Merges that make a special token are left out: it is never made of plain text.
static Err read_merges(Build *b, const Json *list, BpeMerge **merges, int64_t *count)
{
    uint32_t rank = 0;

    if (list == NULL || list->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected \"merges\", an array, in a model of the type BPE", b->file);
    *merges = arena_new(b->scratch, BpeMerge, list->length);
    *count = 0;
    for (const Json *m = list->child; m != NULL; m = m->next) {
        BpeMerge *to = &(*merges)[*count];

        TRY(read_merge(b, m, rank++, to));
        *count += !b->t->special[to->whole];
    }
    return OK;
}

// ---- models

static Err want_absent(const Json *model, const char *key)
{
    const Json *node = json_member(model, key);

    if (node == NULL || node->kind == JSON_NULL || (node->kind == JSON_TEXT && node->length == 0) ||
        (node->kind == JSON_NUMBER && node->number == 0))
        return OK;
    FAIL(ERR_DATA, "%s: \"%s\" is not read; expected none, found %s",
         where(node, (char[JSON_WORDS]){0}), key,
         json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
}

static Err find_unknown(Build *b, const Json *model, int32_t *id)
{
    const Json *node = json_member(model, "unk_token");

    *id = -1;
    if (node == NULL || node->kind == JSON_NULL)
        return OK;
    if (node->kind == JSON_TEXT)
        *id = pieces_find(&b->t->pieces, build_text(b, node->text, node->length));
    if (*id < 0)
        FAIL(ERR_DATA, "%s: expected a token of the vocabulary as \"unk_token\", found %s",
             where(node, (char[JSON_WORDS]){0}),
             json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    return OK;
}

static Err read_bpe(Build *b, const Json *model)
{
    Tokenizer *t = b->t;
    BpeConfig  config = {.reads_bytes = t->cuts > 0 && t->cut[t->cuts - 1].kind == CUT_BYTE_LEVEL,
                         .ignores_merges = json_switch(model, "ignore_merges", 0),
                         .has_fallback = json_switch(model, "byte_fallback", 0),
                         .fuses_unknown = json_switch(model, "fuse_unk", 0)};
    Pieces     bytes;
    BpeMerge  *merges;
    int64_t    count;

    TRY(want_absent(model, "dropout"));
    TRY(want_absent(model, "continuing_subword_prefix"));
    TRY(want_absent(model, "end_of_word_suffix"));
    TRY(find_unknown(b, model, &config.unknown));
    TRY(read_merges(b, json_member(model, "merges"), &merges, &count));
    if (!config.reads_bytes)
        return build_bpe(b, &config, &t->pieces, merges, count);
    TRY(build_byte_pieces(b, &bytes));
    return build_bpe(b, &config, &bytes, merges, count);
}

static Err read_score(Build *b, const Json *node, int64_t id, double *score)
{
    const Json *text = node->kind == JSON_ARRAY && node->length == 2 ? node->child : NULL;

    if (text == NULL || text->kind != JSON_TEXT || text->next->kind != JSON_NUMBER)
        FAIL(ERR_DATA, "%s: expected a token and its score, found %s",
             where(node, (char[JSON_WORDS]){0}),
             json_show(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    *score = text->next->number;
    return build_piece(b, id, build_text(b, text->text, text->length));
}

static Err read_unigram(Build *b, const Json *model, const double *score)
{
    Tokenizer    *t = b->t;
    const Json   *unknown = json_member(model, "unk_id");
    UnigramConfig config = {.score = score,
                            .is_out = t->special,
                            .unknown = -1,
                            .has_fallback = json_switch(model, "byte_fallback", 0)};
    int64_t       id = -1;

    if (unknown != NULL && unknown->kind != JSON_NULL)
        TRY(json_i64(unknown, 0, t->pieces.size - 1, &id));
    config.unknown = (int32_t)id;
    if (t->cuts > 0 && t->cut[t->cuts - 1].kind == CUT_BYTE_LEVEL)
        FAIL(ERR_DATA, "%s: a model of the type Unigram that reads bytes is not read", b->file);
    t->vocab.unknown = config.unknown;
    return unigram_make(b->run, b->file, &config, &t->pieces, &t->unigram);
}

// Old files do not say which; what they have does.
static Err model_type(const Json *model, const char **type)
{
    const Json *vocab = json_member(model, "vocab");

    if (json_member(model, "type") != NULL)
        return json_want_text(model, "type", type);
    *type = json_member(model, "merges") != NULL             ? "BPE"
            : vocab != NULL && vocab->kind == JSON_ARRAY     ? "Unigram"
            : json_member(model, "max_input_chars_per_word") ? "WordPiece"
                                                             : "WordLevel";
    return OK;
}

static Err read_scores(Build *b, const Json *vocab, double **score)
{
    int64_t id = 0;

    *score = arena_new(b->run, double, b->t->pieces.size);
    for (const Json *m = vocab->child; m != NULL; m = m->next, id++)
        TRY(read_score(b, m, id, &(*score)[id]));
    return OK;
}

// The order matters: names of added tokens need the normalizers, merges the special tokens.
Err build_from_json(Build *b, const Json *root)
{
    const Json *model, *vocab, *added;
    const char *type;
    double     *score = NULL;
    int64_t     size;
    int         is_bpe;

    TRY(json_want_object(root, "model", &model));
    TRY(model_type(model, &type));
    is_bpe = strcmp(type, "BPE") == 0;
    if (!is_bpe && strcmp(type, "Unigram") != 0)
        FAIL(ERR_DATA, "%s: a model of the type %.40s is not read; expected BPE or Unigram",
             where(model, (char[JSON_WORDS]){0}), type);
    if (is_bpe)
        TRY(vocab_object(model, &vocab));
    else
        TRY(json_want_array(model, "vocab", &vocab));
    TRY(added_list(root, &added));
    TRY(count_ids(vocab, added, &size));
    TRY(build_pieces(b, size));
    TRY(build_room(b, size * (int64_t)sizeof(double)));
    TRY(is_bpe ? read_vocab(b, vocab) : read_scores(b, vocab, &score));
    TRY(json_normalizers(b, json_member(root, "normalizer")));
    TRY(json_cuts(b, json_member(root, "pre_tokenizer")));
    TRY(json_decoders(b, json_member(root, "decoder")));
    TRY(read_all_added(b, added));
    TRY(json_frame(b, json_member(root, "post_processor")));
    return is_bpe ? read_bpe(b, model) : read_unigram(b, model, score);
}
