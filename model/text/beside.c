// What the files beside a tokenizer say: which tokens begin and end a text, and the chat template.
#include "model/text/tokenizer_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const Json *file_of(const Json *beside, const char *name)
{
    const Json *file = beside == NULL ? NULL : json_member(beside, name);

    return file != NULL && file->kind == JSON_OBJECT ? file : NULL;
}

static const Json *member_of(const Json *beside, const char *file, const char *key)
{
    const Json *object = file_of(beside, file);

    return object == NULL ? NULL : json_member(object, key);
}

// A token is written as its text, or as an object with it.
static const char *content_of(const Json *token)
{
    if (token != NULL && token->kind == JSON_OBJECT)
        token = json_member(token, "content");
    return token != NULL && token->kind == JSON_TEXT ? token->text : NULL;
}

const char *beside_token(const Json *beside, const char *name)
{
    const char *text = content_of(member_of(beside, "tokenizer_config", name));

    return text != NULL ? text : content_of(member_of(beside, "special_tokens_map", name));
}

int beside_switch(const Json *beside, const char *name, int standard)
{
    const Json *node = member_of(beside, "tokenizer_config", name);

    if (node == NULL || (node->kind != JSON_TRUE && node->kind != JSON_FALSE))
        return standard;
    return node->kind == JSON_TRUE;
}

// ---- tokens that are added

static int is_true(const Json *object, const char *key)
{
    const Json *node = json_member(object, key);

    return node != NULL && node->kind == JSON_TRUE;
}

static Err read_added(Build *b, const Json *node, AddedToken *out)
{
    const char *text = content_of(node);
    char       *end;
    int64_t     id = strtoll(node->key, &end, 10);

    if (*end != 0 || end == node->key || id < 0 || id >= PIECES_MAX || text == NULL)
        FAIL(ERR_DATA, "%s: expected the id of a token as key and its \"content\" in the value",
             json_where(node, (char[JSON_WORDS]){0}, JSON_WORDS));
    *out = (AddedToken){.name = build_text(b, text, (int64_t)strlen(text)),
                        .id = (int32_t)id,
                        .is_special = (uint8_t)is_true(node, "special"),
                        .is_word = (uint8_t)is_true(node, "single_word"),
                        .strips_left = (uint8_t)is_true(node, "lstrip"),
                        .strips_right = (uint8_t)is_true(node, "rstrip"),
                        .is_normalized = (uint8_t)is_true(node, "normalized")};
    return OK;
}

static int has_name(const AddedToken *list, int64_t count, Bytes name)
{
    for (int64_t i = 0; i < count; i++)
        if (bytes_same(list[i].name, name))
            return 1;
    return 0;
}

Err beside_added(Build *b, const Json *beside, AddedToken **list, int64_t *count)
{
    enum { ADDED_MAX = 1 << 16 };
    static const char *const named[] = {"bos_token", "eos_token", "unk_token", "pad_token"};
    enum { NAMED = sizeof named / sizeof named[0] };
    const Json *added = member_of(beside, "tokenizer_config", "added_tokens_decoder");
    int64_t     n = added != NULL && added->kind == JSON_OBJECT ? added->length : 0;
    const Json *node = n > 0 ? added->child : NULL;

    if (n > ADDED_MAX)
        FAIL(ERR_DATA, "%s: expected at most %d added tokens, found %" PRId64, b->file, ADDED_MAX,
             n);
    *list = arena_new(b->scratch, AddedToken, n + NAMED);
    *count = 0;
    for (; node != NULL; node = node->next)
        TRY(read_added(b, node, &(*list)[(*count)++]));
    for (int i = 0; i < NAMED; i++) {
        const char *text = beside_token(beside, named[i]);
        Bytes       name = text == NULL ? (Bytes){0} : build_text(b, text, (int64_t)strlen(text));

        if (name.length > 0 && !has_name(*list, *count, name))
            (*list)[(*count)++] = (AddedToken){.name = name, .id = -1, .is_special = 1};
    }
    return OK;
}

// ---- the last step

static int32_t find_token(Build *b, const Json *beside, const char *name)
{
    const char *text = beside_token(beside, name);

    return text == NULL ? -1
                        : pieces_find(&b->t->pieces, build_text(b, text, (int64_t)strlen(text)));
}

// -1: no id of a token.
static int32_t token_of(const Build *b, const Json *node)
{
    if (node == NULL || node->kind != JSON_NUMBER || node->number < 0 ||
        node->number >= (double)b->t->pieces.size ||
        b->t->pieces.text[(int32_t)node->number].data == NULL)
        return -1;
    return (int32_t)node->number;
}

// config.json names ids; several of them for one purpose: the first.
static int32_t find_id(const Build *b, const Json *beside, const char *key)
{
    const Json *node = member_of(beside, "config", key);

    return token_of(b, node != NULL && node->kind == JSON_ARRAY ? node->child : node);
}

static void add_end(Vocab *v, int32_t id)
{
    if (v->eos < 0)
        v->eos = id;
    if (id >= 0 && !vocab_ends(v, id) && v->ends < VOCAB_ENDS_MAX)
        v->end[v->ends++] = id;
}

// What other programs end a text with: one id or a list of them.
static void find_ends(const Build *b, const Json *beside)
{
    static const char *const files[] = {"generation_config", "config"};

    for (int i = 0; i < 2; i++) {
        const Json *node = member_of(beside, files[i], "eos_token_id");
        int         is_list = node != NULL && node->kind == JSON_ARRAY;

        for (node = is_list ? node->child : node; node != NULL; node = is_list ? node->next : NULL)
            add_end(&b->t->vocab, token_of(b, node));
    }
}

static int32_t find_special(Build *b, const Json *beside, const char *token, const char *id)
{
    int32_t found = find_token(b, beside, token);

    return found >= 0 ? found : find_id(b, beside, id);
}

static void find_specials(Build *b, const Json *beside)
{
    Vocab *v = &b->t->vocab;

    v->bos = find_special(b, beside, "bos_token", "bos_token_id");
    v->eos = find_special(b, beside, "eos_token", "eos_token_id");
    v->pad = find_special(b, beside, "pad_token", "pad_token_id");
    if (v->bos < 0 && v->befores > 0)
        v->bos = v->before[0];
    if (v->eos < 0 && v->afters > 0)
        v->eos = v->after[v->afters - 1];
    find_ends(b, beside);
    if (v->befores == 0 && v->bos >= 0 && beside_switch(beside, "add_bos_token", b->adds_bos))
        v->before[v->befores++] = v->bos;
    if (v->afters == 0 && v->eos >= 0 && beside_switch(beside, "add_eos_token", 0))
        v->after[v->afters++] = v->eos;
}

// ---- the chat template

// Of several templates, as an object of them or a list of {"name", "template"}.
static const Json *named(const Json *node, const char *want)
{
    if (node->kind == JSON_OBJECT)
        return json_member(node, want);
    for (const Json *m = node->child; m != NULL; m = m->next) {
        const Json *name = m->kind == JSON_OBJECT ? json_member(m, "name") : NULL;

        if (name != NULL && name->kind == JSON_TEXT && strcmp(name->text, want) == 0)
            return json_member(m, "template");
    }
    return NULL;
}

static void add_template(Text *t, const Json *one)
{
    int64_t length = one->length;

    if (length > 0 && one->text[length - 1] == '\n') // Jinja drops the last line end of a text
        length--;
    // A tag takes white space beside it away, an empty text does not.
    text_puts(t, "{{ '' }}");
    text_add(t, one->text, length);
    text_puts(t, "{{ '' }}");
}

// Two templates as one.
static Text join_templates(Arena *scratch, const Json *plain, const Json *tools)
{
    Text t = text_make(scratch);

    text_puts(&t, "{% if not tools %}");
    add_template(&t, plain);
    text_puts(&t, "{% else %}");
    add_template(&t, tools);
    text_puts(&t, "{% endif %}");
    return t;
}

static int is_text(const Json *node)
{
    return node != NULL && node->kind == JSON_TEXT;
}

static Err keep_template(Build *b, const char *text, int64_t length)
{
    TRY(build_room(b, length + ARENA_ALIGN));
    b->t->vocab.chat_template = arena_text_n(b->run, text, length);
    return OK;
}

static Err find_chat(Build *b, const Json *beside)
{
    const Json *own = beside == NULL ? NULL : json_member(beside, "chat_template");
    const Json *node = own != NULL ? own : member_of(beside, "tokenizer_config", "chat_template");
    const Json *plain = node, *tools;
    char        shown[JSON_WORDS];
    Text        both;

    if (node == NULL || node->kind == JSON_NULL)
        return OK;
    tools = json_member(beside, "chat_template_tool_use");
    if (node->kind == JSON_ARRAY || node->kind == JSON_OBJECT) {
        plain = named(node, "default");
        tools = named(node, "tool_use");
    }
    if (!is_text(plain) || (tools != NULL && !is_text(tools))) {
        b->t->vocab.chat_fault = arena_format(
            b->run,
            "\"chat_template\" of tokenizer_config.json: expected a text, or texts by name with "
            "\"default\" (and perhaps \"tool_use\") among them, found %s",
            json_show(node, shown, sizeof shown));
        return OK;
    }
    if (tools == NULL || strcmp(plain->text, tools->text) == 0)
        return keep_template(b, plain->text, plain->length);
    both = join_templates(b->scratch, plain, tools);
    return keep_template(b, both.data, both.length);
}

// ---- room

// Symbols that a text of the pipeline becomes at most: one, if it is a piece.
static int64_t symbols(const Build *b, Bytes text)
{
    return pieces_find(&b->t->pieces, text) >= 0 ? 1 : text.length;
}

static int64_t growth_of(const Build *b, const Normalizer *n, int is_ascii)
{
    static const int form[] = {
        [UNITEXT_NFC] = 3, [UNITEXT_NFD] = 4, [UNITEXT_NFKC] = 11, [UNITEXT_NFKD] = 11};
    int64_t content = symbols(b, n->content), pattern = n->pattern.length;

    switch (n->kind) {
    case NORMALIZE_UNICODE: return is_ascii ? 1 : form[n->form];
    case NORMALIZE_LOWER: return is_ascii ? 1 : 2;
    case NORMALIZE_CHARSMAP: return form[UNITEXT_NFKC];
    case NORMALIZE_REPLACE:
        if (n->regex != NULL)
            return content + 1;
        return content <= pattern ? 1 : (content + pattern - 1) / pattern;
    default: return 1;
    }
}

static int64_t times(int64_t a, int64_t b)
{
    return a * b < TEXT_BYTES_MAX ? a * b : TEXT_BYTES_MAX;
}

static void bound_room(Build *b)
{
    Tokenizer *t = b->t;

    t->growth = t->ascii_growth = 1;
    for (int i = 0; i < t->normalizers; i++) {
        t->growth = times(t->growth, growth_of(b, &t->normalizer[i], 0));
        t->ascii_growth = times(t->ascii_growth, growth_of(b, &t->normalizer[i], 1));
        if (t->normalizer[i].kind == NORMALIZE_PREPEND)
            t->puts_before += symbols(b, t->normalizer[i].content);
    }
    for (int i = 0; i < t->cuts; i++) {
        const Cut *c = &t->cut[i];
        int64_t    mark = c->kind == CUT_METASPACE ? symbols(b, c->pattern) : 1;

        t->growth = times(t->growth, mark);
        t->ascii_growth = times(t->ascii_growth, mark);
        if ((c->kind == CUT_METASPACE || c->kind == CUT_BYTE_LEVEL) && c->prepend != CUT_NEVER) {
            t->puts_before += mark;
            t->has_many_parts |= i > 0;
        }
    }
    t->puts_before = t->puts_before < TEXT_BYTES_MAX ? t->puts_before : TEXT_BYTES_MAX;
    for (int64_t i = 0; i < t->addeds; i++)
        t->has_many_parts |= t->added[i].name.length < 1 + t->puts_before;
}

static Err fill_raw(Build *b)
{
    Tokenizer *t = b->t;

    t->vocab.token_bytes = 1;
    for (int32_t id = 0; id < t->pieces.size; id++) {
        if (t->pieces.text[id].data == NULL || t->special[id])
            continue;
        ArenaMark mark = arena_mark(b->scratch);
        Text      one = text_make(b->scratch);

        decode_piece(t, b->scratch, t->pieces.text[id], &one);
        t->raw[id] = bytes_same((Bytes){one.data, one.length}, t->pieces.text[id])
                         ? t->pieces.text[id]
                         : build_copy(b, (Bytes){one.data, one.length});
        if (one.length > t->vocab.token_bytes)
            t->vocab.token_bytes = one.length;
        arena_back(b->scratch, mark);
    }
    return OK;
}

Err build_finish(Build *b, const Json *beside)
{
    find_specials(b, beside);
    TRY(find_chat(b, beside));
    bound_room(b);
    b->t->vocab.size = b->t->pieces.size;
    return fill_raw(b);
}
