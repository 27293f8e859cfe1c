#include "model/text/json_steps.h"

#include <inttypes.h>
#include <string.h>

int json_switch(const Json *object, const char *key, int standard)
{
    const Json *node = object->kind == JSON_OBJECT ? json_member(object, key) : NULL;

    return node == NULL               ? standard
           : node->kind == JSON_TRUE  ? 1
           : node->kind == JSON_FALSE ? 0
                                      : standard;
}

static int is_absent(const Json *node)
{
    return node == NULL || node->kind == JSON_NULL;
}

static Err not_read(const Json *node, const char *what, const char *type)
{
    FAIL(ERR_DATA, "%s: the %s \"%.40s\" is not read",
         json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS), what, type);
}

static Err too_many(const Json *node)
{
    FAIL(ERR_DATA, "%s: expected at most %d parts",
         json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS), PARTS_MAX);
}

static Err want_bytes(Build *b, const Json *node, const char *key, Bytes *out)
{
    const char *text;

    TRY(json_want_text(node, key, &text));
    *out = build_text(b, text, (int64_t)strlen(text));
    return OK;
}

// {"String": "..."} or {"Regex": "..."}.  A text may not be empty.
static Err read_pattern(Build *b, const Json *node, Bytes *text, const Regex **regex, Bytes *known)
{
    const Json *pattern, *expression;

    TRY(json_want_object(node, "pattern", &pattern));
    expression = json_member(pattern, "Regex");
    *regex = NULL;
    if (expression != NULL) {
        Bytes bytes;

        TRY(want_bytes(b, pattern, "Regex", &bytes));
        if (known != NULL)
            *known = bytes;
        return regex_make(b->run, json_where(expression, (char[JSON_WORDS]){0}, JSON_WORDS),
                          (Span){bytes.data, bytes.length}, REGEX_TOKENIZER, regex);
    }
    TRY(want_bytes(b, pattern, "String", text));
    if (text->length == 0)
        FAIL(ERR_DATA, "%s: expected a pattern that is not empty",
             json_where(pattern, (char[JSON_WORDS]){0}, JSON_WORDS));
    return OK;
}

// Calls `one` for each part of a sequence under `key`, or for the single part.
typedef Err (*ReadPart)(Build *b, const Json *node, const char *type);

static Err each_part(Build *b, const Json *node, const char *key, ReadPart one)
{
    const Json *list;
    const char *type;

    if (is_absent(node))
        return OK;
    if (node->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: expected an object with a \"type\", found %s",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS), json_kind_name(node->kind));
    TRY(json_want_text(node, "type", &type));
    if (strcmp(type, "Sequence") != 0)
        return one(b, node, type);
    TRY(json_want_array(node, key, &list));
    for (const Json *m = list->child; m != NULL; m = m->next)
        TRY(each_part(b, m, key, one));
    return OK;
}

// ---- normalizers

static Err read_charsmap(Build *b, const Json *node, Charsmap *out)
{
    const Json *map = json_member(node, "precompiled_charsmap");
    char        where[JSON_WORDS];
    Bytes       blob;

    if (is_absent(map))
        return OK;
    TRY(json_want_text(node, "precompiled_charsmap", &(const char *){NULL}));
    json_where(map, where, sizeof where);
    TRY(base64_read(b->scratch, where, (Bytes){map->text, map->length}, &blob));
    TRY(build_room(b, blob.length + 4 * ARENA_ALIGN));
    return charsmap_make(b->run, where, blob, out);
}

static Err read_normalizer(Build *b, const Json *node, const char *type)
{
    static const char *const forms[] = {"NFC", "NFD", "NFKC", "NFKD"};
    Tokenizer               *t = b->t;
    Normalizer              *n = &t->normalizer[t->normalizers];

    if (t->normalizers == PARTS_MAX)
        return too_many(node);
    t->normalizers++;
    *n = (Normalizer){.kind = NORMALIZE_UNICODE};
    for (int i = 0; i < 4; i++)
        if (strcmp(type, forms[i]) == 0) {
            n->form = (UnitextForm)i;
            return OK;
        }
    if (strcmp(type, "Lowercase") == 0) {
        n->kind = NORMALIZE_LOWER;
    } else if (strcmp(type, "StripAccents") == 0) {
        n->kind = NORMALIZE_MARKS;
    } else if (strcmp(type, "Strip") == 0) {
        *n = (Normalizer){.kind = NORMALIZE_STRIP,
                          .left = json_switch(node, "strip_left", 1),
                          .right = json_switch(node, "strip_right", 1)};
    } else if (strcmp(type, "Prepend") == 0) {
        n->kind = NORMALIZE_PREPEND;
        return want_bytes(b, node, "prepend", &n->content);
    } else if (strcmp(type, "Replace") == 0) {
        n->kind = NORMALIZE_REPLACE;
        TRY(want_bytes(b, node, "content", &n->content));
        TRY(read_pattern(b, node, &n->pattern, &n->regex, NULL));
        if (bytes_same(n->pattern, (Bytes){" ", 1}))
            b->mark = n->content;
    } else if (strcmp(type, "Precompiled") == 0) {
        n->kind = NORMALIZE_CHARSMAP;
        TRY(read_charsmap(b, node, &n->charsmap));
        t->normalizers -= n->charsmap.units == 0; // an empty table changes nothing
    } else {
        return not_read(node, "normalizer", type);
    }
    return OK;
}

Err json_normalizers(Build *b, const Json *node)
{
    return each_part(b, node, "normalizers", read_normalizer);
}

// ---- pre-tokenizers

static Err read_behavior(const Json *node, Cut *c, CutBehavior standard)
{
    static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous"};
    const char              *name;

    c->behavior = standard;
    if (json_member(node, "behavior") == NULL)
        return OK;
    TRY(json_want_text(node, "behavior", &name));
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0) {
            c->behavior = (CutBehavior)i;
            return OK;
        }
    return not_read(node, "behavior", name);
}

// A known pattern leaves nothing between its matches: each of them is a word.
static Err read_split(Build *b, const Json *node, Cut *c)
{
    Bytes known = {0};

    TRY(read_pattern(b, node, &c->pattern, &c->regex, &known));
    TRY(read_behavior(node, c, CUT_ISOLATED));
    c->is_inverted = json_switch(node, "invert", 0);
    c->kind = c->regex != NULL ? CUT_PATTERN : CUT_TEXT;
    if (c->regex != NULL &&
        (c->behavior == CUT_ISOLATED || (c->behavior == CUT_REMOVED && c->is_inverted)))
        c->scan = scan_find(known);
    return OK;
}

static Err read_scheme(const Json *node, Cut *c)
{
    static const char *const names[] = {"always", "first", "never"};
    const char              *name;

    c->prepend = json_switch(node, "add_prefix_space", 1) ? CUT_ALWAYS : CUT_NEVER;
    if (json_member(node, "prepend_scheme") == NULL)
        return OK;
    TRY(json_want_text(node, "prepend_scheme", &name));
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            c->prepend = (CutPrepend)i;
            return OK;
        }
    return not_read(node, "prepend_scheme", name);
}

static Err read_metaspace(Build *b, const Json *node, Cut *c)
{
    c->kind = CUT_METASPACE;
    c->splits = json_switch(node, "split", 1);
    TRY(want_bytes(b, node, "replacement", &c->pattern));
    if (text_utf8_length(c->pattern.data, c->pattern.length) != c->pattern.length ||
        c->pattern.length == 0)
        FAIL(ERR_DATA, "%s: expected one character as replacement",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    if (!c->splits)
        b->mark = c->pattern;
    return read_scheme(node, c);
}

static Err read_cut(Build *b, const Json *node, const char *type)
{
    static const char word[] = "\\w+|[^\\w\\s]+";
    Tokenizer        *t = b->t;
    Cut              *c = &t->cut[t->cuts];

    if (t->cuts == PARTS_MAX)
        return too_many(node);
    if (t->cuts > 0 && c[-1].kind == CUT_BYTE_LEVEL)
        FAIL(ERR_DATA, "%s: a pre-tokenizer behind ByteLevel is not read",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    t->cuts++;
    *c = (Cut){.kind = CUT_CLASS};
    if (strcmp(type, "Split") == 0)
        return read_split(b, node, c);
    if (strcmp(type, "Metaspace") == 0)
        return read_metaspace(b, node, c);
    if (strcmp(type, "ByteLevel") == 0) {
        c->kind = CUT_BYTE_LEVEL;
        c->prepend = json_switch(node, "add_prefix_space", 1) ? CUT_ALWAYS : CUT_NEVER;
        if (json_switch(node, "use_regex", 1))
            c->scan = scan_find((Bytes){SCAN_GPT2, (int64_t)strlen(SCAN_GPT2)});
    } else if (strcmp(type, "Digits") == 0) {
        c->classes = UNICODE_NUMBER;
        c->behavior = json_switch(node, "individual_digits", 0) ? CUT_ISOLATED : CUT_CONTIGUOUS;
    } else if (strcmp(type, "WhitespaceSplit") == 0) {
        c->classes = UNICODE_SPACE;
        c->behavior = CUT_REMOVED;
    } else if (strcmp(type, "Punctuation") == 0) {
        c->classes = UNICODE_PUNCTUATION;
        return read_behavior(node, c, CUT_ISOLATED);
    } else if (strcmp(type, "Whitespace") == 0) {
        *c = (Cut){.kind = CUT_PATTERN, .behavior = CUT_REMOVED, .is_inverted = 1};
        return regex_make(b->run, b->file, (Span){word, sizeof word - 1}, REGEX_TOKENIZER,
                          &c->regex);
    } else {
        return not_read(node, "pre-tokenizer", type);
    }
    return OK;
}

Err json_cuts(Build *b, const Json *node)
{
    return each_part(b, node, "pretokenizers", read_cut);
}

// ---- decoders

static Err read_strip(Build *b, const Json *node, TextDecoder *d)
{
    d->kind = DECODE_STRIP;
    TRY(want_bytes(b, node, "content", &d->content));
    if (d->content.length == 0)
        FAIL(ERR_DATA, "%s: expected one character as content",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    TRY(json_want_i64(node, "start", 0, INT32_MAX, &d->start));
    return json_want_i64(node, "stop", 0, INT32_MAX, &d->stop);
}

static Err read_decoder(Build *b, const Json *node, const char *type)
{
    Tokenizer   *t = b->t;
    TextDecoder *d = &t->decoder[t->decoders];

    if (t->decoders == PARTS_MAX)
        return too_many(node);
    t->decoders++;
    *d = (TextDecoder){.kind = DECODE_FUSE};
    if (strcmp(type, "Fuse") == 0)
        return OK;
    if (strcmp(type, "Strip") == 0)
        return read_strip(b, node, d);
    if (strcmp(type, "ByteLevel") == 0) {
        d->kind = DECODE_BYTE_LEVEL;
    } else if (strcmp(type, "ByteFallback") == 0) {
        d->kind = DECODE_BYTE_FALLBACK;
    } else if (strcmp(type, "Replace") == 0) {
        d->kind = DECODE_REPLACE;
        TRY(want_bytes(b, node, "content", &d->content));
        return read_pattern(b, node, &d->pattern, &d->regex, NULL);
    } else if (strcmp(type, "Metaspace") == 0) {
        Cut like = {0};

        d->kind = DECODE_METASPACE;
        TRY(want_bytes(b, node, "replacement", &d->pattern));
        TRY(read_scheme(node, &like));
        d->drops_first = like.prepend != CUT_NEVER;
        if (d->pattern.length == 0)
            return not_read(node, "replacement", "");
    } else {
        return not_read(node, "decoder", type);
    }
    return OK;
}

Err json_decoders(Build *b, const Json *node)
{
    b->t->has_decoder = !is_absent(node);
    return each_part(b, node, "decoders", read_decoder);
}

// ---- what frames a text

static Err add_to_frame(Build *b, const Json *node, int32_t id, int is_behind)
{
    Vocab *v = &b->t->vocab;
    int   *count = is_behind ? &v->afters : &v->befores;

    if (id < 0 || id >= b->t->pieces.size || b->t->pieces.text[id].data == NULL)
        FAIL(ERR_DATA, "%s: there is no token %d",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS), id);
    if (*count == VOCAB_FRAME_MAX / 2)
        FAIL(ERR_DATA, "%s: expected at most %d tokens around a text",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS), VOCAB_FRAME_MAX / 2);
    (is_behind ? v->after : v->before)[(*count)++] = id;
    return OK;
}

static Err add_special(Build *b, const Json *post, const Json *special, int is_behind)
{
    const Json *all, *one, *ids;
    const char *name;
    int64_t     id;

    TRY(json_want_text(special, "id", &name));
    TRY(json_want_object(post, "special_tokens", &all));
    TRY(json_want_object(all, name, &one));
    TRY(json_want_array(one, "ids", &ids));
    for (const Json *m = ids->child; m != NULL; m = m->next) {
        TRY(json_i64(m, 0, PIECES_MAX - 1, &id));
        TRY(add_to_frame(b, m, (int32_t)id, is_behind));
    }
    return OK;
}

static Err read_template(Build *b, const Json *post)
{
    const Json *single;
    int         is_behind = 0;

    TRY(json_want_array(post, "single", &single));
    for (const Json *m = single->child; m != NULL; m = m->next) {
        const Json *special = m->kind == JSON_OBJECT ? json_member(m, "SpecialToken") : NULL;

        if (special == NULL)
            is_behind = 1;
        else
            TRY(add_special(b, post, special, is_behind));
    }
    return OK;
}

// ["<s>", 0]
static Err add_pair(Build *b, const Json *post, const char *key, int is_behind)
{
    const Json *pair;
    int64_t     id;

    TRY(json_want_array(post, key, &pair));
    if (pair->length != 2)
        return not_read(pair, "pair", key);
    TRY(json_i64(pair->child->next, 0, PIECES_MAX - 1, &id));
    return add_to_frame(b, pair, (int32_t)id, is_behind);
}

static Err read_post(Build *b, const Json *node, const char *type)
{
    if (strcmp(type, "ByteLevel") == 0) // about places in the text alone
        return OK;
    if (strcmp(type, "TemplateProcessing") == 0)
        return read_template(b, node);
    if (strcmp(type, "BertProcessing") != 0 && strcmp(type, "RobertaProcessing") != 0)
        return not_read(node, "post-processor", type);
    TRY(add_pair(b, node, "cls", 0));
    return add_pair(b, node, "sep", 1);
}

Err json_frame(Build *b, const Json *node)
{
    return each_part(b, node, "processors", read_post);
}
