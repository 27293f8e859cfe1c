// emit: what is learned from a record: segments with role, visibility and weight.
#include "datagen/step.h"

#include <string.h>

enum { MESSAGES_MAX = RECORD_SEGMENTS_MAX };

typedef struct Message {
    int         role, visible;
    const char *text;
    double      weight;
    Template template;
} Message;

typedef struct Emit {
    const Json *messages_json;

    int     messages;
    Message message[MESSAGES_MAX];
} Emit;

static const ConfigField fields[] = {
    {"messages", CONFIG_JSON, offsetof(Emit, messages_json), NULL, 0, 0, NULL, NULL,
     "A list of {\"role\": system|user|assistant|other, \"text\": template, \"weight\": of its "
     "tokens in the loss, \"visible\": gen|train|both}."},
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

// Segments that a message becomes: one per special token and per text between them.
static int segments_of(const Template *t)
{
    int n = 0;

    for (int i = 0; i < t->pieces; i++)
        n += t->piece[i].kind == TEMPLATE_SPECIAL || i == 0 ||
             t->piece[i - 1].kind == TEMPLATE_SPECIAL;
    return n;
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

static Err read_emit(StepReader *reader, const Json *json, Op *op)
{
    Emit *e = op->settings;
    int   segments = 0, learned = 0;

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
        segments += segments_of(&one->template);
        learned += is_learned(one) && has_more_than_bos(&one->template);
    }
    if (learned == 0)
        FAIL(ERR_CONFIG,
             "%s: nothing of this would be learned: no message that training sees has a "
             "weight above 0",
             STEP_WHERE(json));
    if (segments > RECORD_SEGMENTS_MAX)
        FAIL(ERR_CONFIG, "%s: %d segments, at most %d", STEP_WHERE(json), segments,
             RECORD_SEGMENTS_MAX);
    reader->recipe->emits = 1;
    if (reader->recipe->emitted < EMITS_MAX)
        reader->recipe->emit[reader->recipe->emitted++] = e->messages_json;
    TRY(step_gives_reason(reader, json, "nothing to learn"));
    TRY(step_gives_reason(reader, json, "no token"));
    TRY(step_gives_reason(reader, json, "special token in text"));
    return step_gives_reason(reader, json, "not UTF-8");
}

// One segment of the spans [first, end), none of them special.
static void add_text(Record *r, const Message *m, const TemplateSpan *spans, int first, int end)
{
    RecordSegment *s = &r->segment[r->segments++];
    int64_t        length = 0;
    char          *text;

    for (int i = first; i < end; i++)
        length += spans[i].length;
    text = arena_new(r->arena, char, length + 1);
    *s = (RecordSegment){role_of(m), visible_of(m), (float)m->weight, text, length};
    for (int i = first; i < end; text += spans[i].length, i++)
        memcpy(text, spans[i].text, (size_t)spans[i].length);
}

static void add_special(Record *r, const Message *m, const TemplateSpan *span)
{
    int is_bos = strcmp(span->text, "bos") == 0;

    r->segment[r->segments++] = (RecordSegment){
        SET_SPECIAL, visible_of(m), is_bos ? 0 : (float)m->weight, span->text, span->length};
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

static StepAnswer run_emit(const StepRun *run, const void *settings, Record *r)
{
    const Emit *e = settings;
    const char *why;

    r->segments = 0;
    for (int i = 0; i < e->messages; i++)
        add_message(r, &e->message[i]);
    why = fault(run, r);
    if (why != NULL) {
        r->segments = 0;
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
