// The own network as teacher: prompts become tokens, the decoder writes.
#include "base/log.h"
#include "datagen/step.h"
#include "datagen/teachers/teacher.h"

#include <string.h>

typedef struct Local {
    Teacher         base;
    Decoder        *decoder;
    const Vocab    *vocab;
    const ChatForm *chat; // may be NULL
    TeacherStats    stats;
} Local;

static int free_slots(const Teacher *t)
{
    return decoder_free_slots(((const Local *)t)->decoder);
}

static int running(const Teacher *t)
{
    return decoder_running(((const Local *)t)->decoder);
}

// ---- chat

// Once per process: a template that refuses a prompt mostly refuses many.
static void tell_first(void)
{
    static int has_told;

    if (!has_told++)
        log_here(LOG_WARN, "a prompt cannot be asked (\"template\", told for the first only): %s",
                 err_record()->text);
    err_forget();
}

static void add_message(Arena *arena, Json ***link, const char *role, const char *text,
                        int64_t length)
{
    Json *m = **link = arena_new(arena, Json, 1);

    *m = (Json){.kind = JSON_OBJECT, .length = 2, .file = "prompt"};
    m->child = arena_new(arena, Json, 2);
    m->child[0] = (Json){.kind = JSON_TEXT,
                         .key = "role",
                         .text = role,
                         .length = (int64_t)strlen(role),
                         .next = &m->child[1],
                         .parent = m,
                         .file = m->file};
    m->child[1] = (Json){.kind = JSON_TEXT,
                         .key = "content",
                         .text = text,
                         .length = length,
                         .parent = m,
                         .file = m->file};
    *link = &m->next;
}

static const Json *messages_of(const TeacherRequest *r)
{
    Arena      *arena = r->record->arena;
    Json       *list = arena_new(arena, Json, 1), **link = &list->child;
    int64_t     length;
    const char *prompt = teacher_prompt(r, &length);

    *list = (Json){.kind = JSON_ARRAY, .length = 1 + (r->system != NULL), .file = "prompt"};
    if (r->system != NULL)
        add_message(arena, &link, "system", r->system, r->system_length);
    add_message(arena, &link, "user", prompt, length);
    return list;
}

static int is_utf8(const Json *messages)
{
    for (const Json *m = messages->child; m != NULL; m = m->next)
        if (text_utf8_bad(m->child[1].text, m->child[1].length) >= 0)
            return 0;
    return 1;
}

// The prompt as the template writes it, and what ends a turn.  NULL, or a reason.
static const char *write_chat(const Local *l, const TeacherRequest *r, DecodeRequest *d)
{
    const ChatEnds *ends = chatform_ends(l->chat);
    const Json     *messages = messages_of(r);
    const char     *why;
    ChatPrompt      p;

    if (!is_utf8(messages))
        return "not UTF-8";
    why = chatform_fault(l->vocab, r->work, messages, NULL);
    if (why != NULL)
        return why;
    if (chatform_prompt(l->chat, r->record->arena, r->work, messages, NULL, &p) != OK) {
        tell_first();
        return "template";
    }
    d->prompt = p.id;
    d->prompt_length = p.length;
    for (int i = 0; i < ends->tokens; i++)
        d->end[d->ends++] = ends->token[i];
    for (int i = 0; i < ends->texts && !r->ignores_eos; i++)
        d->stop[d->stops++] = ends->text[i];
    return NULL;
}

static const char *write_text(const Local *l, const TeacherRequest *r, DecodeRequest *d)
{
    const char *why;

    d->prompt =
        step_encode(l->vocab, r->record->arena, r->spans, r->span_count, &d->prompt_length, &why);
    return why;
}

static const char *submit(Teacher *t, const TeacherRequest *r)
{
    Local        *l = (Local *)t;
    const char   *why;
    DecodeRequest d = {.spec = r->spec,
                       .max_tokens = r->max_tokens,
                       .ignores_eos = r->ignores_eos,
                       .stops = r->stops,
                       .seed = r->seed,
                       .stream = r->stream,
                       .tag = r->tag};

    memcpy(d.stop, r->stop, sizeof d.stop);
    why = r->is_chat ? write_chat(l, r, &d) : write_text(l, r, &d);
    if (why != NULL)
        return why;
    if (d.prompt_length == 0)
        return "malformed";
    if (decoder_submit(l->decoder, &d) != OK) {
        err_forget();
        return "prompt too long";
    }
    l->stats.prompt_tokens += d.prompt_length;
    return NULL;
}

static Err step(Teacher *t)
{
    decoder_step(((Local *)t)->decoder);
    return OK;
}

static int take(Teacher *t, TeacherResult *out)
{
    Local       *l = (Local *)t;
    DecodeResult d;

    if (!decoder_take(l->decoder, &d))
        return 0;
    *out = (TeacherResult){.tag = d.tag,
                           .end = d.end == DECODE_EOS || d.end == DECODE_STOP ? TEACHER_DONE
                                                                              : TEACHER_LENGTH,
                           .text = d.text,
                           .bytes = d.bytes,
                           .length = d.length,
                           .ids = d.ids,
                           .logp = d.logp};
    l->stats.requests++;
    l->stats.new_tokens += d.length;
    return 1;
}

static void clear(Teacher *t)
{
    decoder_clear(((Local *)t)->decoder);
}

static void stats(const Teacher *t, TeacherStats *out)
{
    *out = ((const Local *)t)->stats;
}

static const TeacherKind local_kind = {.name = "local",
                                       .free_slots = free_slots,
                                       .running = running,
                                       .submit = submit,
                                       .step = step,
                                       .take = take,
                                       .clear = clear,
                                       .stats = stats};

Teacher *teacher_local(Arena *run, Decoder *decoder, const Vocab *vocab, const ChatForm *chat)
{
    Local *l = arena_new(run, Local, 1);

    *l = (Local){.base = {&local_kind}, .decoder = decoder, .vocab = vocab, .chat = chat};
    return &l->base;
}
