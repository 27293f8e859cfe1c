#include "datagen/steps/emit_chat.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_MAX = 1000 };

// Stands for a content to see where it goes.
static const char MARK[] = "QzContentStandsHereZq";

typedef struct Part { // bytes [begin, end) of the text: a content, or a turn that is learned
    int64_t begin, end;
    SetRole role;   // of a content
    float   weight; // of a turn
} Part;

typedef struct Chat {
    const StepRun *run;
    Record        *record;
    ChatRequest    request;
    ChatText       text;
    Part          *content, *turn; // in order
    int            contents, turns;
} Chat;

// ---- reading

static int read_list(Arena *arena, const char *text, int64_t length, const Json **out)
{
    if (json_parse(arena, "conversation", text, length, JSON_NO_COMMENTS, out) == OK)
        return (*out)->kind == JSON_ARRAY;
    err_forget();
    return 0;
}

// A number as the step emit takes it for its messages.
static int has_good_weights(const Json *messages)
{
    for (const Json *m = messages->child; m != NULL; m = m->next) {
        const Json *weight = json_member(m, "weight");

        if (weight != NULL && weight->kind != JSON_NULL &&
            (weight->kind != JSON_NUMBER || weight->number < 0 || weight->number > WEIGHT_MAX))
            return 0;
    }
    return 1;
}

static int read_request(Chat *c, const EmitChat *e, const char *conversation, int64_t length)
{
    Arena             *work = c->run->work;
    const RecordField *tools = *e->tools == 0 ? NULL : record_field(c->record, e->tools);
    const Json        *messages;

    if (!read_list(work, conversation, length, &messages) || messages->length == 0)
        return 0;
    if (tools != NULL && tools->length > 0 &&
        !read_list(work, tools->text, tools->length, &c->request.tools))
        return 0;
    if (chatform_messages(work, messages, &c->request.messages) == OK)
        return has_good_weights(c->request.messages);
    err_forget();
    return 0;
}

static const char *fault_of(const Chat *c)
{
    const Vocab *v = c->run->vocab;
    const char  *why = NULL;

    if (v != NULL)
        why = chatform_fault(v, c->run->work, c->request.messages, NULL);
    if (v != NULL && why == NULL && c->request.tools != NULL)
        why = chatform_fault(v, c->run->work, c->request.tools, NULL);
    return why;
}

// Once per process: a template that refuses a conversation mostly refuses many.
static void tell_first(const Record *r)
{
    static int has_told;

    if (!has_told++)
        log_here(LOG_WARN,
                 "request %" PRIu64
                 " cannot be learned (\"template\", told for the first only): %s",
                 r->request, err_record()->text);
    err_forget();
}

// ---- where contents stand

static SetRole role_of(const Json *message)
{
    static const struct {
        const char *name;
        SetRole     role;
    } roles[] = {{"system", SET_SYSTEM},
                 {"developer", SET_SYSTEM},
                 {"user", SET_USER},
                 {"assistant", SET_ASSISTANT}};
    const char *name = json_member(message, "role")->text;

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(name, roles[i].name) == 0)
            return roles[i].role;
    return SET_OTHER;
}

// The messages with a mark in the place of one content.
static const Json *marked(Arena *arena, const Json *messages, const Json *one)
{
    Json *list = arena_new(arena, Json, 1), **link = &list->child;

    *list = *messages;
    for (const Json *m = messages->child; m != NULL; m = m->next) {
        Json *copy = *link = arena_new(arena, Json, 1), **member = &copy->child;

        *copy = *m;
        link = &copy->next;
        for (const Json *from = m->child; m == one && from != NULL; from = from->next) {
            *member = arena_new(arena, Json, 1);
            **member = *from;
            if (strcmp(from->key, "content") == 0) {
                (*member)->text = MARK;
                (*member)->length = sizeof MARK - 1;
            }
            member = &(*member)->next;
        }
    }
    return list;
}

// Where the content of a message stands; 0: it is not to be found as a whole, or several times.
static int find_content(const Chat *c, Arena *text, const Json *message, Part *out)
{
    ChatRequest q = c->request;
    ChatText    o;
    const char *at;
    int64_t     before, after;

    q.messages = marked(c->run->work, c->request.messages, message);
    if (chat_template_render(chatform_template(c->run->chat), text, c->run->work, &q, &o) != OK) {
        err_forget();
        return 0;
    }
    at = strstr(o.text, MARK);
    if (at == NULL || strstr(at + 1, MARK) != NULL)
        return 0;
    before = at - o.text;
    after = o.length - before - ((int64_t)sizeof MARK - 1);
    if (before + after > c->text.length || memcmp(o.text, c->text.text, (size_t)before) != 0 ||
        memcmp(at + sizeof MARK - 1, c->text.text + c->text.length - after, (size_t)after) != 0)
        return 0;
    *out = (Part){before, c->text.length - after, role_of(message), 0};
    return out->end > out->begin;
}

static const ChatSpan *span_of(const ChatText *t, int64_t message)
{
    for (int64_t i = 0; i < t->spans; i++)
        if (t->span[i].message == message)
            return &t->span[i];
    return NULL;
}

// Contents that the template did not write as they are stay markup.
static void find_contents(Chat *c)
{
    int64_t number = 0;

    c->content = arena_new(c->record->arena, Part, c->request.messages->length);
    for (const Json *m = c->request.messages->child; m != NULL; m = m->next, number++) {
        const Json     *content = json_member(m, "content");
        const ChatSpan *s = span_of(&c->text, number);
        ArenaMark       mark = arena_mark(c->run->work), text = arena_mark(c->record->arena);
        Part           *next = &c->content[c->contents];
        int             is_found;

        if (content == NULL || content->kind != JSON_TEXT || content->length == 0)
            continue;
        *next = (Part){0};
        if (s != NULL && s->content.end > s->content.begin)
            *next = (Part){s->content.begin, s->content.end, SET_ASSISTANT, 0};
        is_found = next->end > next->begin || find_content(c, c->record->arena, m, next);
        arena_back(c->run->work, mark);
        arena_back(c->record->arena, text);
        c->contents +=
            is_found && (c->contents == 0 || next->begin >= c->content[c->contents - 1].end);
    }
}

// ---- what is learned

static float weight_of(const Json *messages, int64_t number)
{
    const Json *m = messages->child, *weight;

    for (int64_t i = 0; i < number; i++)
        m = m->next;
    weight = json_member(m, "weight");
    return weight != NULL && weight->kind == JSON_NUMBER ? (float)weight->number : 1;
}

static int says_weights(const Json *messages)
{
    for (const Json *m = messages->child; m != NULL; m = m->next)
        if (json_member(m, "weight") != NULL)
            return 1;
    return 0;
}

// 0: which message a turn belongs to is not known, but it matters.
static int find_turns(Chat *c, int only_last)
{
    const Json *messages = c->request.messages;

    c->turn = arena_new(c->record->arena, Part, c->text.spans);
    for (int64_t i = 0; i < c->text.spans; i++) {
        const ChatSpan *s = &c->text.span[i];
        float           weight = 1;

        if (s->message >= 0)
            weight = weight_of(messages, s->message);
        else if (says_weights(messages))
            return 0;
        if (only_last && i + 1 < c->text.spans)
            weight = 0;
        c->turn[c->turns++] = (Part){s->turn.begin, s->turn.end, SET_MARKUP, weight};
    }
    return 1;
}

// ---- segments

static int by_place(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

// The part that holds byte `at`, searched from *first on, as bytes only grow.
static const Part *part_at(const Part *part, int count, int *first, int64_t at)
{
    while (*first < count && part[*first].end <= at)
        (*first)++;
    return *first < count && part[*first].begin <= at ? &part[*first] : NULL;
}

static void add_segments(Chat *c)
{
    int64_t *place = arena_new(c->record->arena, int64_t, 2 * (c->contents + c->turns) + 2);
    int      places = 0, content = 0, turn = 0;

    place[places++] = 0;
    place[places++] = c->text.length;
    for (int i = 0; i < c->contents; i++) {
        place[places++] = c->content[i].begin;
        place[places++] = c->content[i].end;
    }
    for (int i = 0; i < c->turns; i++) {
        place[places++] = c->turn[i].begin;
        place[places++] = c->turn[i].end;
    }
    qsort(place, (size_t)places, sizeof *place, by_place);
    for (int i = 0; i + 1 < places; i++) {
        const Part *said, *learned;

        if (place[i] == place[i + 1])
            continue;
        said = part_at(c->content, c->contents, &content, place[i]);
        learned = part_at(c->turn, c->turns, &turn, place[i]);
        record_add_segment(c->record,
                           (RecordSegment){said == NULL ? SET_MARKUP : said->role, SET_BOTH,
                                           learned == NULL ? 0 : learned->weight,
                                           c->text.text + place[i], place[i + 1] - place[i]});
    }
}

static int has_markup(const Record *r)
{
    for (int i = 0; i < r->segments; i++)
        if (r->segment[i].role == SET_MARKUP)
            return 1;
    return 0;
}

static int is_learned(const Record *r)
{
    for (int i = 0; i < r->segments; i++)
        if (r->segment[i].weight > 0)
            return 1;
    return 0;
}

static int has_tokens(const Chat *c)
{
    const Vocab *v = c->run->vocab;
    Arena       *work = c->run->work;
    int64_t      room, count;
    Err          e;

    if (v == NULL)
        return 1;
    room = vocab_room(v, c->text.text, c->text.length);
    e = vocab_encode_special(v, c->text.text, c->text.length, arena_new(work, int32_t, room), room,
                             &count);
    if (e != OK)
        err_forget();
    return e == OK;
}

static const char *emit(Chat *c, int only_last)
{
    const char *why = fault_of(c);

    if (why != NULL)
        return why;
    if (chat_template_spans(chatform_template(c->run->chat), c->record->arena, c->run->work,
                            &c->request, &c->text) != OK ||
        chat_template_complete(chatform_template(c->run->chat), c->request.messages, &c->text) !=
            OK) {
        tell_first(c->record);
        return "template";
    }
    if (!find_turns(c, only_last))
        return "template";
    if (!has_tokens(c))
        return "no token";
    find_contents(c);
    add_segments(c);
    if (!is_learned(c->record))
        return "nothing to learn";
    if (!has_markup(c->record)) // it says how the row is to be read, even where it is nothing
        c->record->segment[0].role = SET_MARKUP;
    return NULL;
}

const char *emit_chat(const StepRun *run, const EmitChat *e, Record *r, const char *conversation,
                      int64_t length)
{
    ArenaMark   mark = arena_mark(run->work);
    Chat        c = {.run = run, .record = r};
    const char *why = "malformed";

    if (read_request(&c, e, conversation, length))
        why = emit(&c, e->only_last);

    arena_back(run->work, mark);
    return why;
}
