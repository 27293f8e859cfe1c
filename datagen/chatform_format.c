// chatform_format.c -- prompts by the messages of a recipe, and as plain lines.
#include "datagen/chatform_private.h"

#include "io/json.h"

#include <string.h>

typedef enum PieceFill { FILL_NOTHING, FILL_SYSTEM, FILL_USER, FILL_EMPTY } PieceFill;

typedef struct Piece {
    TemplatePiece piece;
    PieceFill     fill;    // whose text goes into a slot
    int           message; // of the format
    float         weight;  // of that message
} Piece;

// One way to write a conversation: the pieces up to where the model goes on.
struct ChatFormat {
    int    pieces;
    Piece *piece;
    int    has_input;      // a slot {input}
    int    system_message; // number of the message with a slot for the system text; -1: none
};

// ---- reading a format

static const char *text_of(const Json *message, const char *key)
{
    const Json *m = json_member(message, key);

    return m != NULL && m->kind == JSON_TEXT ? m->text : "";
}

static float weight_of(const Json *message)
{
    const Json *m = json_member(message, "weight");

    return m != NULL && m->kind == JSON_NUMBER ? (float)m->number : 0;
}

// The model's own message belongs to the prompt up to its first slot or special token.
static int prompt_pieces(const Template *t, int is_assistant)
{
    int n = 0;

    while (n < t->pieces && !(is_assistant && t->piece[n].kind != TEMPLATE_LITERAL))
        n++;
    return n;
}

static PieceFill fill_of(const TemplatePiece *p, const char *role)
{
    if (p->kind != TEMPLATE_SLOT)
        return FILL_NOTHING;
    if (strcmp(role, "system") == 0)
        return FILL_SYSTEM;
    return strcmp(p->text, "input") == 0 ? FILL_EMPTY : FILL_USER;
}

static void add_pieces(ChatFormat *f, const Template *t, int count, const Json *json, int message)
{
    for (int i = 0; i < count; i++) {
        PieceFill fill = fill_of(&t->piece[i], text_of(json, "role"));

        f->piece[f->pieces++] = (Piece){t->piece[i], fill, message, weight_of(json)};
        f->has_input |= fill == FILL_EMPTY;
        if (fill == FILL_SYSTEM)
            f->system_message = message;
    }
}

// The user's text goes into {instruction}; without one there must be a single name to fill.
static Err check_slots(const char *where, ChatFormat *f)
{
    const char *name = NULL;
    int         has_instruction = 0;

    for (int i = 0; i < f->pieces; i++)
        has_instruction |=
            f->piece[i].fill == FILL_USER && strcmp(f->piece[i].piece.text, "instruction") == 0;
    for (int i = 0; i < f->pieces; i++) {
        Piece *p = &f->piece[i];

        if (p->fill == FILL_EMPTY && !has_instruction)
            p->fill = FILL_USER; // {input} is all there is
        if (p->fill != FILL_USER)
            continue;
        if (name != NULL && strcmp(name, p->piece.text) != 0)
            FAIL(ERR_DATA,
                 "%s: a prompt of this model has the fields {%s} and {%s}; a user message "
                 "can only fill one",
                 where, name, p->piece.text);
        name = p->piece.text;
    }
    if (name == NULL)
        FAIL(ERR_DATA, "%s: the prompt format of this model has no place for a user message",
             where);
    return OK;
}

static Err read_form(Arena *run, const char *where, const Json *list, ChatFormat *out)
{
    int is_assistant = 0, message = 0;

    *out = (ChatFormat){.system_message = -1};
    for (const Json *m = list->child; m != NULL && !is_assistant; m = m->next, message++) {
        const char *role, *text;
        Template    t;
        int         count;

        TRY(json_want_text(m, "role", &role));
        TRY(json_want_text(m, "text", &text));
        is_assistant = strcmp(role, "assistant") == 0;
        if (strcmp(text_of(m, "visible"), "gen") == 0)
            continue; // training never saw it
        TRY(template_parse(run, where, text, (int64_t)strlen(text), &t));
        count = prompt_pieces(&t, is_assistant);
        out->piece = arena_grow(run, out->piece, out->pieces * (int64_t)sizeof(Piece),
                                (out->pieces + count) * (int64_t)sizeof(Piece));
        add_pieces(out, &t, count, m, message);
    }
    return check_slots(where, out);
}

static Err read_forms(Arena *run, const char *where, const Json *root, ChatFormat *out)
{
    if (root->kind != JSON_ARRAY || root->length == 0)
        FAIL(ERR_DATA, "%s: expected a list of messages as prompt format, found %s", where,
             root->kind == JSON_ARRAY ? "an empty one" : json_kind_name(root->kind));
    if (root->child->kind != JSON_ARRAY)
        return read_form(run, where, root, out);
    TRY(read_form(run, where, root->child, out));
    for (const Json *list = root->child->next; list != NULL && out->has_input; list = list->next) {
        ChatFormat other;

        TRY(read_form(run, where, list, &other));
        if (!other.has_input)
            *out = other;
    }
    return OK;
}

Err chat_format_read(Arena *run, const char *where, const char *json, ChatFormat **out)
{
    const Json *root;

    *out = arena_new(run, ChatFormat, 1);
    TRY(json_parse(run, where, json, (int64_t)strlen(json), JSON_NO_COMMENTS, &root));
    return read_forms(run, where, root, *out);
}

// ---- rendering

static TemplateSpan literal(const char *text)
{
    return (TemplateSpan){TEMPLATE_LITERAL, 0, text, (int64_t)strlen(text)};
}

void chat_lines_render(Arena *arena, const ChatMessage *message, int count, ChatPieces *out)
{
    TemplateSpan *s = arena_new(arena, TemplateSpan, 4L * count + 2);

    out->span = s;
    *s++ = (TemplateSpan){TEMPLATE_SPECIAL, 0, "bos", 3};
    for (int i = 0; i < count; i++) {
        *s++ = literal(message[i].role);
        *s++ = literal(": ");
        *s++ = (TemplateSpan){TEMPLATE_SLOT, 0, message[i].text, message[i].length};
        *s++ = literal("\n");
    }
    *s++ = literal("assistant:");
    out->count = (int)(s - out->span);
    out->weight = arena_new(arena, float, out->count);
}

// A format takes one user message, and a system message before it if it has a slot for one.
static Err check_conversation(const ChatFormat *f, const ChatMessage *message, int count)
{
    int has_system = count > 0 && strcmp(message[0].role, "system") == 0;

    if (has_system && f->system_message < 0)
        FAIL(ERR_DATA, "the prompt format of this model has no place for a system message");
    if (count - has_system != 1 || strcmp(message[has_system].role, "user") != 0)
        FAIL(ERR_DATA,
             "the prompt format of this model takes one user message%s; found %d messages, the "
             "last of role %s",
             f->system_message < 0 ? "" : ", after a system message", count,
             count > 0 ? message[count - 1].role : "nobody");
    return OK;
}

static TemplateSpan fill(const Piece *p, const ChatMessage *system, const ChatMessage *user)
{
    const ChatMessage *m = p->fill == FILL_SYSTEM ? system : user;

    if (p->fill == FILL_NOTHING)
        return (TemplateSpan){p->piece.kind, 0, p->piece.text, p->piece.length};
    if (p->fill == FILL_EMPTY)
        return (TemplateSpan){TEMPLATE_SLOT, 0, "", 0};
    return (TemplateSpan){TEMPLATE_SLOT, 0, m->text, m->length};
}

Err chat_format_render(const ChatFormat *f, Arena *arena, const ChatMessage *message, int count,
                       ChatPieces *out)
{
    const ChatMessage *system;

    TRY(check_conversation(f, message, count));
    system = count == 2 ? &message[0] : NULL;
    *out = (ChatPieces){0, arena_new(arena, TemplateSpan, f->pieces),
                        arena_new(arena, float, f->pieces)};
    for (int i = 0; i < f->pieces; i++) {
        const Piece *p = &f->piece[i];

        if (system == NULL && p->message == f->system_message && p->piece.kind != TEMPLATE_SPECIAL)
            continue; // the message of the system goes as a whole
        out->weight[out->count] = p->weight;
        out->span[out->count++] = fill(p, system, &message[count - 1]);
    }
    return OK;
}
