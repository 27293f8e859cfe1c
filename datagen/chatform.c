#include "datagen/chatform_private.h"

#include "datagen/step.h"

#include <stdio.h>
#include <string.h>

struct ChatForm {
    ChatFormKind kind;
    const Vocab *vocab; // NULL: no prompts
    ChatFormat  *format;
    ChatTemplate chat;
    ChatEnds     ends;
};

// ---- making

static Err make_template(Arena *run, const char *where, const char *text, ChatForm *f)
{
    const Vocab *v = f->vocab;
    const char  *bos = v == NULL ? NULL : vocab_name(v, run, vocab_bos(v));
    const char  *eos = v == NULL ? NULL : vocab_name(v, run, vocab_eos(v));
    const char  *pad = v == NULL ? NULL : vocab_name(v, run, vocab_pad(v));

    f->kind = CHATFORM_TEMPLATE;
    TRY(chat_template_make(run, where, text, (int64_t)strlen(text), bos, eos, &f->chat));
    if (pad != NULL)
        jinja_put(run, &f->chat.tokens, "pad_token", jinja_string(pad));
    return chat_find_ends(&f->chat, v, run, &f->ends);
}

Err chatform_make(Arena *run, const char *where, const char *format, const Vocab *vocab,
                  ChatForm **out)
{
    ChatForm   *f = *out = arena_new(run, ChatForm, 1);
    const char *own = vocab == NULL ? NULL : vocab_chat_template(vocab);

    *f = (ChatForm){.kind = CHATFORM_LINES, .vocab = vocab};
    if (format != NULL && *format != 0 && chat_format_is_messages(format)) {
        f->kind = CHATFORM_FORMAT;
        return chat_format_read(run, where, format, &f->format);
    }
    if (format != NULL && *format != 0)
        return make_template(run, where, format, f);
    if (own != NULL)
        return make_template(run, arena_format(run, "%s: chat template", where), own, f);
    if (vocab != NULL && vocab_chat_fault(vocab) != NULL)
        FAIL(ERR_DATA, "%s: %s", where, vocab_chat_fault(vocab));
    return OK;
}

ChatFormKind chatform_kind(const ChatForm *f)
{
    return f->kind;
}

const ChatTemplate *chatform_template(const ChatForm *f)
{
    return f->kind == CHATFORM_TEMPLATE ? &f->chat : NULL;
}

const ChatEnds *chatform_ends(const ChatForm *f)
{
    return &f->ends;
}

// ---- messages

static Err wrong(const Json *node, const char *expected)
{
    char where[JSON_WORDS], shown[JSON_WORDS];

    FAIL(ERR_DATA, "%s: expected %s, found %s", json_path(node, where, sizeof where), expected,
         json_show(node, shown, sizeof shown));
}

// A content of several parts, all of them texts, as one text.
static Err join_parts(Arena *arena, const Json *list, Json *out)
{
    Text t = text_make(arena);

    for (const Json *part = list->child; part != NULL; part = part->next) {
        const Json *text = part->kind == JSON_OBJECT ? json_member(part, "text") : NULL;

        if (text == NULL || text->kind != JSON_TEXT)
            return wrong(part, "a part of type text; no other kind is supported");
        text_add(&t, text->text, text->length);
    }
    *out = *list;
    out->kind = JSON_TEXT;
    out->text = t.length > 0 ? t.data : "";
    out->length = t.length;
    out->child = NULL;
    return OK;
}

// A copy of a message in which a content of parts is one text.
static Err plain_message(Arena *arena, const Json *m, Json *out)
{
    Json **link = &out->child;

    *out = *m;
    for (const Json *member = m->child; member != NULL; member = member->next) {
        Json *copy = *link = arena_new(arena, Json, 1);

        *copy = *member;
        if (strcmp(member->key, "content") == 0 && member->kind == JSON_ARRAY)
            TRY(join_parts(arena, member, copy));
        link = &copy->next;
    }
    *link = NULL;
    return OK;
}

Err chatform_messages(Arena *arena, const Json *messages, const Json **out)
{
    Json *list = arena_new(arena, Json, 1), **link = &list->child;

    if (messages->kind != JSON_ARRAY)
        return wrong(messages, "a list of messages");
    *list = *messages;
    for (const Json *m = messages->child; m != NULL; m = m->next) {
        const Json *role = m->kind == JSON_OBJECT ? json_member(m, "role") : NULL;

        if (role == NULL || role->kind != JSON_TEXT)
            return wrong(m, "a message with a \"role\"");
        *link = arena_new(arena, Json, 1);
        TRY(plain_message(arena, m, *link));
        link = &(*link)->next;
    }
    *link = NULL;
    *out = list;
    return OK;
}

// As role and text; for the forms that know nothing else.
static Err as_texts(Arena *arena, const Json *messages, ChatMessage **out, int *count)
{
    ChatMessage *m = *out = arena_new(arena, ChatMessage, messages->length);

    *count = 0;
    for (const Json *node = messages->child; node != NULL; node = node->next, m++) {
        const Json *content = json_member(node, "content");

        if (content == NULL || content->kind != JSON_TEXT)
            return wrong(node, "a message with a text as \"content\"");
        *m = (ChatMessage){json_member(node, "role")->text, content->text, content->length};
        (*count)++;
    }
    return OK;
}

// ---- special and unknown tokens in contents

static const char SPELLED[] = "special token in text", NO_TOKEN[] = "no token";

static int64_t count_id(const int32_t *ids, int64_t count, int32_t id)
{
    int64_t found = 0;

    for (int64_t i = 0; i < count; i++)
        found += ids[i] == id;
    return found;
}

static int64_t encode(const Vocab *v, const char *text, int64_t length, int with_names,
                      int32_t *ids)
{
    int64_t room = vocab_room(v, text, length), count = 0;
    Err     e = with_names ? vocab_encode_special(v, text, length, ids, room, &count)
                           : vocab_encode(v, text, length, ids, room, &count);

    if (e == OK)
        return count;
    err_forget(); // the prompt as a whole says why
    return 0;
}

// The unknown token may be spelled out, or stand for a character: then plain text becomes it, too.
static const char *text_fault(const Vocab *v, Arena *scratch, const char *text, int64_t length)
{
    ArenaMark   mark = arena_mark(scratch);
    int32_t    *ids = arena_new(scratch, int32_t, vocab_room(v, text, length));
    int32_t     unknown = vocab_unknown(v);
    int64_t     count = encode(v, text, length, 1, ids), unknowns = 0;
    const char *why = NULL;

    for (int64_t i = 0; i < count; i++)
        if (ids[i] == unknown)
            unknowns++;
        else if (step_is_special(v, ids[i]))
            why = SPELLED;
    if (why == NULL && unknowns > 0) {
        count = encode(v, text, length, 0, ids);
        why = count_id(ids, count, unknown) > 0 ? NO_TOKEN : SPELLED;
    }
    arena_back(scratch, mark);
    return why;
}

// Keys and roles need not have tokens: templates read them, and write words of their own.
static const char *node_fault(const Vocab *v, Arena *scratch, const Json *node)
{
    const char *key = node->key == NULL ? "" : node->key;
    const char *why = text_fault(v, scratch, key, (int64_t)strlen(key));

    if (why == SPELLED || node->kind != JSON_TEXT)
        return why == SPELLED ? why : NULL;
    why = text_fault(v, scratch, node->text, node->length);
    return why == NO_TOKEN && strcmp(key, "role") == 0 ? NULL : why;
}

const char *chatform_fault(const Vocab *v, Arena *scratch, const Json *node, const Json **found)
{
    const char *why = node_fault(v, scratch, node);

    if (why != NULL && found != NULL)
        *found = node;
    if (node->kind == JSON_ARRAY || node->kind == JSON_OBJECT)
        for (const Json *m = node->child; m != NULL && why == NULL; m = m->next)
            why = chatform_fault(v, scratch, m, found);
    return why;
}

static Err refuse(const ChatForm *f, Arena *scratch, const Json *node, const char *what)
{
    const Json *found = NULL;
    const char *why = node == NULL ? NULL : chatform_fault(f->vocab, scratch, node, &found);
    char        path[JSON_WORDS], shown[JSON_WORDS];

    if (why == NULL)
        return OK;
    json_path(found, path, sizeof path);
    json_show(found, shown, sizeof shown);
    if (why == NO_TOKEN)
        FAIL(ERR_DATA,
             "%s%s has a character that this model's tokenizer has no token for: %s; take it out",
             what, path, shown);
    FAIL(ERR_DATA,
         "%s%s spells a special token of this model, which a text must not: %s; take it out", what,
         path, shown);
}

// ---- prompts

static Err template_prompt(const ChatForm *f, Arena *arena, Arena *scratch, const Json *messages,
                           const Json *tools, ChatPrompt *out)
{
    ChatRequest q = {.messages = messages, .tools = tools, .add_generation_prompt = 1};
    ChatText    c;
    int64_t     room;

    TRY(refuse(f, scratch, messages, "messages"));
    TRY(refuse(f, scratch, tools, "tools"));
    TRY(chat_template_render(&f->chat, arena, scratch, &q, &c));
    TRY(chat_template_complete(&f->chat, messages, &c));
    room = vocab_room(f->vocab, c.text, c.length);
    *out = (ChatPrompt){.id = arena_new(arena, int32_t, room), .text = c.text, .bytes = c.length};
    return vocab_encode_special(f->vocab, c.text, c.length, out->id, room, &out->length);
}

// Special tokens that the vocabulary does not have stand for nothing.
static void drop_missing(const Vocab *v, ChatPieces *p)
{
    int kept = 0;

    for (int i = 0; i < p->count; i++) {
        int is_bos = strcmp(p->span[i].text, "bos") == 0;

        if (p->span[i].kind == TEMPLATE_SPECIAL && (is_bos ? vocab_bos(v) : vocab_eos(v)) < 0)
            continue;
        p->weight[kept] = p->weight[i];
        p->span[kept++] = p->span[i];
    }
    p->count = kept;
}

// With the names of special tokens, {bos} and {eos} where they have none.
static void show(const Vocab *v, Arena *arena, const ChatPieces *p, ChatPrompt *out)
{
    Text t = text_make(arena);

    for (int i = 0; i < p->count; i++) {
        const TemplateSpan *s = &p->span[i];
        const char         *name;

        if (s->kind != TEMPLATE_SPECIAL) {
            text_add(&t, s->text, s->length);
            continue;
        }
        name = vocab_name(v, arena, strcmp(s->text, "bos") == 0 ? vocab_bos(v) : vocab_eos(v));
        text_printf(&t, name != NULL ? "%s" : "{%s}", name != NULL ? name : s->text);
    }
    out->text = t.length > 0 ? t.data : "";
    out->bytes = t.length;
}

static Err encode_pieces(const Vocab *v, Arena *arena, const ChatPieces *p, ChatPrompt *out)
{
    int32_t   **part = arena_new(arena, int32_t *, p->count);
    int64_t    *length = arena_new(arena, int64_t, p->count);
    const char *why;
    int         parts = 0;

    for (int i = 0, end; i < p->count; i = end, parts++) {
        for (end = i + 1; end < p->count && !(p->weight[end] < p->weight[i]) &&
                          !(p->weight[end] > p->weight[i]);)
            end++;
        part[parts] = step_encode(v, arena, p->span + i, end - i, &length[parts], &why);
        if (part[parts] == NULL)
            FAIL(ERR_DATA, "messages: a text cannot be given to this model: %s", why);
        out->length += length[parts];
    }
    out->id = arena_new(arena, int32_t, out->length);
    for (int64_t i = 0, at = 0; i < parts; at += length[i++])
        if (length[i] > 0)
            memcpy(out->id + at, part[i], (size_t)length[i] * sizeof *out->id);
    return OK;
}

static Err text_prompt(const ChatForm *f, Arena *arena, const Json *messages, const Json *tools,
                       ChatPrompt *out)
{
    ChatMessage *message;
    ChatPieces   p;
    int          count;

    if (tools != NULL && tools->length > 0)
        FAIL(ERR_DATA, "tools: this model has no chat template, and its prompt format has no place "
                       "for tools");
    TRY(as_texts(arena, messages, &message, &count));
    if (f->kind == CHATFORM_FORMAT)
        TRY(chat_format_render(f->format, arena, message, count, &p));
    else
        chat_lines_render(arena, message, count, &p);
    drop_missing(f->vocab, &p);
    show(f->vocab, arena, &p, out);
    return encode_pieces(f->vocab, arena, &p, out);
}

Err chatform_prompt(const ChatForm *f, Arena *arena, Arena *scratch, const Json *messages,
                    const Json *tools, ChatPrompt *out)
{
    const Json *plain;

    CHECK(f->vocab != NULL, "a prompt without a vocabulary");
    CHECK(arena != scratch, "a prompt and what it is made of need two arenas");
    *out = (ChatPrompt){0};
    TRY(chatform_messages(arena, messages, &plain));
    if (f->kind == CHATFORM_TEMPLATE)
        return template_prompt(f, arena, scratch, plain, tools, out);
    return text_prompt(f, arena, plain, tools, out);
}
