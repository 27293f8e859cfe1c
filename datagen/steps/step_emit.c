// emit: what is learned from a record: segments with role, visibility and weight.
#include "datagen/steps/emit_chat.h"

#include <string.h>

enum { MESSAGES_MAX = 32 };

typedef struct Message {
    int         role, visible;
    const char *text;
    double      weight;
    Template template;
} Message;

typedef struct Emit {
    const Json *messages_json;
    EmitChat    chat;
    int         is_chat; // the messages are a conversation

    int     messages;
    Message message[MESSAGES_MAX];
} Emit;

static const ConfigField fields[] = {
    {"messages", CONFIG_JSON, offsetof(Emit, messages_json), "", 0, 0, NULL, NULL,
     "A list of {\"role\": system|user|assistant|other, \"text\": template, \"weight\": of its "
     "tokens in the loss, \"visible\": gen|train|both}."},
    {"as", CONFIG_ENUM, offsetof(Emit, is_chat), "text", 0, 0, "text|chat", NULL,
     "text: the messages one behind the other; chat: a conversation, which goes into the field "
     "messages and is written by the chat template; of it the assistant's messages are learned."},
    {"conversation", CONFIG_TEXT, offsetof(Emit, chat.conversation), "", 0, 0, NULL, NULL,
     "Instead of messages: a field with a whole conversation, [{\"role\", \"content\"}, ...], "
     "which "
     "the chat template writes; a message with \"weight\": 0 is not learned."},
    {"tools", CONFIG_TEXT, offsetof(Emit, chat.tools), "", 0, 0, NULL, NULL,
     "A field with the tools of a conversation, a list; empty texts: none."},
    {"learn", CONFIG_ENUM, offsetof(Emit, chat.only_last), "assistant", 0, 0, "assistant|last",
     NULL, "What of a conversation: all that the assistant says, or its last turn alone."},
    {0}};

static const ConfigField message_fields[] = {
    {"role", CONFIG_ENUM, offsetof(Message, role), NULL, 0, 0, "system|user|assistant|other", NULL,
     "Who speaks."},
    {"text", CONFIG_TEXT, offsetof(Message, text), NULL, 0, 0, NULL, NULL,
     "Template; {bos} and {eos} are special tokens."},
    {"weight", CONFIG_FLOAT, offsetof(Message, weight), NULL, 0, 1000, NULL, NULL,
     "Of its tokens in the loss, with {eos}; {bos} is never learned."},
    {"visible", CONFIG_ENUM, offsetof(Message, visible), "both", 0, 0, "gen|train|both", NULL,
     "Whether the model saw it, learns with it, or both."},
    {0}};

static SetRole role_of(const Message *m)
{
    static const SetRole roles[] = {SET_SYSTEM, SET_USER, SET_ASSISTANT, SET_OTHER};

    return roles[m->role];
}

static SetVisible visible_of(const Message *m)
{
    return (SetVisible)(m->visible + 1); // gen, train, both
}

static int is_learned(const Message *m)
{
    return m->weight > 0 && (visible_of(m) & SET_TRAIN) != 0;
}

static int has_bos(const Template *t)
{
    return t->piece[0].kind == TEMPLATE_SPECIAL && strcmp(t->piece[0].text, "bos") == 0;
}

// Whether something of the message can be learned: {bos} never is.
static int has_more_than_bos(const Template *t)
{
    return t->pieces > has_bos(t);
}

static Err read_messages(StepReader *reader, const Json *json, Emit *e)
{
    int learned = 0;

    if (e->messages_json->kind != JSON_ARRAY || e->messages_json->length > MESSAGES_MAX)
        FAIL(ERR_CONFIG, "%s: messages has to be a list of at most %d",
             STEP_WHERE(e->messages_json), MESSAGES_MAX);
    for (const Json *m = e->messages_json->child; m != NULL; m = m->next) {
        Message *one = &e->message[e->messages++];

        if (m->kind != JSON_OBJECT)
            FAIL(ERR_CONFIG, "%s: a message is an object, found %s", STEP_WHERE(m),
                 json_kind_name(m->kind));
        TRY(config_read(reader->arena, m, message_fields, one));
        TRY(step_template(reader, json_member(m, "text"), "text", one->text, &one->template));
        if (e->messages > 1 && has_bos(&one->template))
            FAIL(ERR_CONFIG, "%s: {bos} can only begin the first message", STEP_WHERE(m));
        learned += is_learned(one) && has_more_than_bos(&one->template);
    }
    if (learned == 0)
        FAIL(ERR_CONFIG,
             "%s: nothing of this would be learned: no message that training sees has a "
             "weight above 0",
             STEP_WHERE(json));
    if (!e->is_chat && reader->recipe->emitted < EMITS_MAX)
        reader->recipe->emit[reader->recipe->emitted++] = e->messages_json;
    return OK;
}

// Markers are the template's business, and so is where the model's own words begin.
static Err check_chat(const Json *json, const Emit *e)
{
    for (int i = 0; i < e->messages; i++) {
        const Message *m = &e->message[i];

        if (role_of(m) == SET_OTHER)
            FAIL(ERR_CONFIG, "%s: a conversation knows the roles system, user and assistant",
                 STEP_WHERE(json));
        if (visible_of(m) != SET_BOTH || (m->weight > 0 && role_of(m) != SET_ASSISTANT))
            FAIL(ERR_CONFIG,
                 "%s: in a conversation all messages are visible to both, and only the "
                 "assistant's can have a weight above 0",
                 STEP_WHERE(json));
        for (int k = 0; k < m->template.pieces; k++)
            if (m->template.piece[k].kind == TEMPLATE_SPECIAL)
                FAIL(ERR_CONFIG, "%s: {%s} has no place in a message; the chat template writes it",
                     m->template.name, m->template.piece[k].text);
    }
    return OK;
}

static Err read_chat(StepReader *reader, const Json *json, const Emit *e)
{
    if (*e->chat.conversation != 0)
        TRY(step_wants_field(reader, json_member(json, "conversation"), e->chat.conversation));
    if (*e->chat.tools != 0)
        TRY(step_wants_field(reader, json_member(json, "tools"), e->chat.tools));
    if (e->is_chat && e->messages > 0)
        TRY(step_gives_field(reader, json, "messages"));
    TRY(check_chat(json, e));
    reader->recipe->emits_conversations = 1;
    TRY(step_gives_reason(reader, json, "malformed"));
    return step_gives_reason(reader, json, "template");
}

static Err read_emit(StepReader *reader, const Json *json, Op *op)
{
    Emit *e = op->settings;
    int   has_field = *e->chat.conversation != 0;

    if (has_field == (e->messages_json != NULL))
        FAIL(ERR_CONFIG,
             "%s: emit needs \"messages\" or \"conversation\", one of the two, found %s",
             STEP_WHERE(json), has_field ? "both" : "neither");
    if (!has_field)
        TRY(read_messages(reader, json, e));
    if (has_field || e->is_chat)
        TRY(read_chat(reader, json, e));
    else if (*e->chat.tools != 0 || json_member(json, "learn") != NULL)
        FAIL(ERR_CONFIG,
             "%s: \"tools\" and \"learn\" go with conversations; messages say what is learned by "
             "their weights",
             STEP_WHERE(json));
    reader->recipe->emits = 1;
    TRY(step_gives_reason(reader, json, "nothing to learn"));
    TRY(step_gives_reason(reader, json, "no token"));
    TRY(step_gives_reason(reader, json, "special token in text"));
    return step_gives_reason(reader, json, "not UTF-8");
}

// One segment of the spans [first, end), none of them special.
static void add_text(Record *r, const Message *m, const TemplateSpan *spans, int first, int end)
{
    int64_t length = 0, at = 0;
    char   *text;

    for (int i = first; i < end; i++)
        length += spans[i].length;
    text = arena_new(r->arena, char, length + 1);
    for (int i = first; i < end; at += spans[i].length, i++)
        memcpy(text + at, spans[i].text, (size_t)spans[i].length);
    record_add_segment(r,
                       (RecordSegment){role_of(m), visible_of(m), (float)m->weight, text, length});
}

static void add_special(Record *r, const Message *m, const TemplateSpan *span)
{
    int is_bos = strcmp(span->text, "bos") == 0;

    record_add_segment(r, (RecordSegment){SET_SPECIAL, visible_of(m), is_bos ? 0 : (float)m->weight,
                                          span->text, span->length});
}

static void add_message(Record *r, const Message *m)
{
    const Template *t = &m->template;
    TemplateSpan   *spans = step_expand(t, r);
    int             first = 0;

    for (int i = 0; i <= t->pieces; i++)
        if (i == t->pieces || spans[i].kind == TEMPLATE_SPECIAL) {
            if (i > first)
                add_text(r, m, spans, first, i);
            if (i < t->pieces)
                add_special(r, m, &spans[i]);
            first = i + 1;
        }
}

// Why this cannot be learned from, NULL if it can.
static const char *fault(const StepRun *run, Record *r)
{
    int learned = 0;

    for (int i = 0; i < r->segments; i++) {
        const RecordSegment *s = &r->segment[i];
        const char          *why;

        if ((s->visible & SET_TRAIN) == 0)
            continue;
        learned |= s->weight > 0 && s->length > 0;
        if (s->role == SET_SPECIAL || run->vocab == NULL)
            continue;
        why = step_text_fault(run->vocab, r->arena, s->text, s->length);
        if (why != NULL)
            return why;
    }
    return learned ? NULL : "nothing to learn";
}

// The messages as a conversation.
static const char *emit_messages(const StepRun *run, const Emit *e, Record *r)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    Text                     t = text_make(r->arena);

    for (int i = 0; i < e->messages; i++) {
        const Message *m = &e->message[i];
        TemplateSpan  *spans = step_expand(&m->template, r);
        Text           content = text_make(r->arena);

        for (int k = 0; k < m->template.pieces; k++)
            text_add(&content, spans[k].text, spans[k].length);
        if (text_utf8_bad(content.data, content.length) >= 0)
            return "not UTF-8";
        text_printf(&t, "%s{\"role\": \"%s\", \"content\": ", i > 0 ? ", " : "[", roles[m->role]);
        text_json(&t, content.data, content.length);
        if (role_of(m) == SET_ASSISTANT && (m->weight < 1 || m->weight > 1)) {
            text_puts(&t, ", \"weight\": ");
            json_write_number(&t, m->weight);
        }
        text_puts(&t, "}");
    }
    text_puts(&t, "]");
    record_set(r, "messages", t.data, t.length); // where conversations stand
    return emit_chat(run, &e->chat, r, t.data, t.length);
}

static const char *emit(const StepRun *run, const Emit *e, Record *r)
{
    const RecordField *f;

    if (*e->chat.conversation != 0) {
        f = record_field(r, e->chat.conversation);
        return f == NULL ? "malformed" : emit_chat(run, &e->chat, r, f->text, f->length);
    }
    if (e->is_chat)
        return emit_messages(run, e, r);
    for (int i = 0; i < e->messages; i++)
        add_message(r, &e->message[i]);
    return fault(run, r);
}

static StepAnswer run_emit(const StepRun *run, const void *settings, Record *r)
{
    const Emit *e = settings;
    const char *why;

    record_clear_segments(r);
    why = emit(run, e, r);
    if (why != NULL) {
        record_clear_segments(r);
        record_reject(r, why);
    }
    return STEP_NEXT;
}

const StepKind step_emit = {.name = "emit",
                            .about = "Makes the example that is learned from.",
                            .fields = fields,
                            .bytes = sizeof(Emit),
                            .read = read_emit,
                            .run = run_emit};
