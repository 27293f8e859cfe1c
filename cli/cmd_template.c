#define _GNU_SOURCE // strptime, timegm
#include "cli/commands.h"
#include "cli/model_files.h"
#include "cli/talk.h"
#include "io/file.h"
#include "model/text/chat/chat_template.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Job {
    Arena       *arena; // what lives as long as the command
    Arena        item;  // what one conversation needs
    Arena        scratch;
    ChatTemplate chat;
    Vocab       *vocab; // NULL: texts without token ids
    const Json  *in;
    int          has_time;
    int64_t      time;
    Text         out;
    int64_t      texts, refused, without_spans, lossy;
} Job;

// ---- one conversation

static Err want_switch(const Json *object, const char *key, int *out)
{
    const Json *m = json_member(object, key);

    *out = m != NULL && m->kind == JSON_TRUE;
    if (m != NULL && m->kind != JSON_TRUE && m->kind != JSON_FALSE)
        FAIL(ERR_DATA, "%s: expected true or false, found %s",
             json_where(m, (char[JSON_WORDS]){0}, JSON_WORDS), json_kind_name(m->kind));
    return OK;
}

static Err read_request(const Job *job, const Json *one, ChatRequest *q)
{
    static const char *const known[] = {"messages", "tools", "documents", "add_generation_prompt",
                                        "variables"};

    if (one->kind != JSON_OBJECT)
        FAIL(ERR_DATA, "%s: expected an object with \"messages\", found %s",
             json_where(one, (char[JSON_WORDS]){0}, JSON_WORDS), json_kind_name(one->kind));
    if (json_member(one, "messages") == NULL)
        FAIL(ERR_DATA,
             "%s: a conversation is {\"messages\": [{\"role\", \"content\"}, ...]}; this object "
             "has no \"messages\"",
             json_where(one, (char[JSON_WORDS]){0}, JSON_WORDS));
    TRY(json_only(one, known, sizeof known / sizeof known[0]));
    *q = (ChatRequest){.tools = json_member(one, "tools"),
                       .documents = json_member(one, "documents"),
                       .more = json_member(one, "variables"),
                       .has_time = job->has_time,
                       .time = job->time};
    TRY(json_want_array(one, "messages", &q->messages));
    return want_switch(one, "add_generation_prompt", &q->add_generation_prompt);
}

static void write_span(Text *t, const char *name, JinjaSpan s)
{
    text_printf(t, ", \"%s\": [%" PRId64 ", %" PRId64 "]", name, s.begin, s.end);
}

static JinjaSpan in_points(const ChatText *c, JinjaSpan s)
{
    return (JinjaSpan){chat_text_points(c, s.begin), chat_text_points(c, s.end)};
}

static void write_spans(Text *t, const ChatText *c)
{
    text_puts(t, ", \"spans\": [");
    for (int64_t i = 0; i < c->spans; i++) {
        const ChatSpan *s = &c->span[i];

        text_printf(t, "%s{\"message\": %" PRId64, i > 0 ? ", " : "", s->message);
        write_span(t, "content_bytes", s->content);
        write_span(t, "turn_bytes", s->turn);
        write_span(t, "content", in_points(c, s->content));
        write_span(t, "turn", in_points(c, s->turn));
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

static Err write_ids(Job *job, const ChatText *c)
{
    int32_t *ids;
    uint8_t *mask;
    int64_t  count;

    TRY(chat_text_ids(c, job->vocab, &job->item, &job->scratch, &ids, &mask, &count));
    text_puts(&job->out, ", \"ids\": [");
    for (int64_t i = 0; i < count; i++)
        text_printf(&job->out, "%s%d", i > 0 ? "," : "", ids[i]);
    text_puts(&job->out, "], \"mask\": [");
    for (int64_t i = 0; i < count; i++)
        text_printf(&job->out, "%s%d", i > 0 ? "," : "", mask[i]);
    text_puts(&job->out, "]");
    return OK;
}

// What failed becomes a text of the output, under `key`.
static void write_failure(Text *t, const char *key)
{
    text_printf(t, "%s\": ", key);
    text_json(t, err_record()->text, (int64_t)strlen(err_record()->text));
    err_forget();
}

static Err convert_one(Job *job, const Json *one)
{
    ChatRequest q;
    ChatText    c;

    TRY(read_request(job, one, &q));
    if (chat_template_render(&job->chat, &job->item, &job->scratch, &q, &c) != OK) {
        write_failure(&job->out, "{\"error");
        text_puts(&job->out, "}");
        job->refused++;
        return OK;
    }
    job->texts++;
    text_puts(&job->out, "{\"text\": ");
    text_json(&job->out, c.text, c.length);
    if (chat_template_complete(&job->chat, q.messages, &c) != OK) {
        write_failure(&job->out, ", \"lost");
        job->lossy++;
    }
    if (chat_template_spans(&job->chat, &job->item, &job->scratch, &q, &c) != OK) {
        write_failure(&job->out, ", \"spans_error");
        job->without_spans++;
    } else {
        write_spans(&job->out, &c);
        if (job->vocab != NULL)
            TRY(write_ids(job, &c));
    }
    text_puts(&job->out, "}");
    return OK;
}

static Err convert_all(Job *job, const char *path)
{
    ArenaMark mark = arena_mark(&job->item);
    char      tag[16];

    text_puts(&job->out, "[\n");
    for (const Json *m = job->in->child; m != NULL; m = m->next) {
        TRY(convert_one(job, m));
        text_puts(&job->out, m->next != NULL ? ",\n" : "\n");
        arena_back(&job->item, mark);
    }
    text_puts(&job->out, "]\n");
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, job->out.data, job->out.length);
}

// ---- options

// "2024-07-26" or "2024-07-26T12:30:00"
static Err read_time(Job *job, const char *words)
{
    struct tm   when = {0};
    const char *rest;

    if (words == NULL)
        return OK;
    rest = strptime(words, strlen(words) > 10 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &when);
    if (rest == NULL || *rest != 0)
        FAIL(ERR_USAGE, "--now: expected 2024-07-26 or 2024-07-26T12:30:00, found \"%s\"", words);
    job->has_time = 1;
    job->time = timegm(&when);
    return OK;
}

// A file of Jinja says nothing of tokens; the command line may.
static void add_tokens(Job *job, const char *bos, const char *eos)
{
    if (bos != NULL) {
        job->chat.bos = bos;
        jinja_put(job->arena, &job->chat.tokens, "bos_token", jinja_string(bos));
    }
    if (eos != NULL) {
        job->chat.eos = eos;
        jinja_put(job->arena, &job->chat.tokens, "eos_token", jinja_string(eos));
    }
}

// The template inside of a weight file, a GGUF, a run or an adapter, with the tokenizer there.
static Err open_closed(Job *job, const char *model)
{
    Talk t;

    TRY(talk_open(job->arena, model, &t));
    TRY(talk_want_form(job->arena, &t));
    if (t.form == NULL || chatform_template(t.form) == NULL)
        FAIL(ERR_DATA, "%s: this model brings no chat template; --template FILE.jinja gives one",
             model);
    job->chat = *chatform_template(t.form);
    job->vocab = t.vocab;
    return OK;
}

// A file of Jinja with a tokenizer that says what begins and ends a text.
static Err open_with_tokenizer(Job *job, const char *file, const char *tokenizer)
{
    char     *text;
    int64_t   bytes;
    ChatForm *form;

    TRY(model_files_tokenizer(job->arena, tokenizer, &job->vocab));
    TRY(chat_template_open(job->arena, file, &job->chat)); // says best what is wrong
    TRY(file_read(job->arena, file, 64 << 20, &text, &bytes));
    TRY(chatform_make(job->arena, file, text, job->vocab, &form));
    if (chatform_template(form) != NULL)
        job->chat = *chatform_template(form);
    return OK;
}

static Err open_template(Job *job, const char *model, const char *file, const char *tokenizer)
{
    int is_closed = 0;

    if (file != NULL && tokenizer != NULL && !file_is_folder(file))
        return open_with_tokenizer(job, file, tokenizer);
    if (file != NULL)
        return chat_template_open(job->arena, file, &job->chat);
    TRY(model_files_is_closed(job->arena, model, &is_closed));
    return is_closed ? open_closed(job, model) : chat_template_open(job->arena, model, &job->chat);
}

static Err open_tokenizer(Job *job, const char *model, const char *tokenizer)
{
    const char *json = NULL;

    if (tokenizer != NULL)
        return model_files_tokenizer(job->arena, tokenizer, &job->vocab);
    if (job->vocab != NULL || model == NULL || !file_is_folder(model))
        return OK;
    TRY(vocab_source(&job->item, model, &json));
    return json == NULL ? OK : vocab_open(job->arena, model, &job->vocab);
}

// A tokenizer that puts bos in front shows it best by doing so.
static Err ask_tokenizer(Job *job, const char *model, const char *tokenizer)
{
    TRY(open_tokenizer(job, model, tokenizer));
    if (job->vocab != NULL)
        job->chat.adds_bos |= vocab_adds_bos(job->vocab);
    return OK;
}

static Err report(Job *job)
{
    Text t = text_make(job->arena);

    TRY(chat_template_check(&job->chat, &job->scratch, &t));
    if (t.length == 0)
        text_puts(&t, "nothing about this template surprises\n");
    return commands_print(&t);
}

static Err work(Job *job, const Command *c, const Args *a)
{
    const char *model = args_text(c, a, "model"), *file = args_text(c, a, "template");
    const char *in = args_text(c, a, "in"), *out = args_text(c, a, "out");
    Text        summary = text_make(job->arena);

    TRY(read_time(job, args_text(c, a, "now")));
    TRY(open_template(job, model, file, args_text(c, a, "tokenizer")));
    add_tokens(job, args_text(c, a, "bos"), args_text(c, a, "eos"));
    TRY(ask_tokenizer(job, model, args_text(c, a, "tokenizer")));
    if (args_has(c, a, "check"))
        return report(job);
    TRY(json_read(job->arena, in, JSON_NO_COMMENTS, &job->in));
    if (job->in->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected an array of conversations, found %s", in,
             json_kind_name(job->in->kind));
    TRY(convert_all(job, out));
    if (job->lossy > 0)
        text_printf(&summary,
                    "the template drops a message of the system in %" PRId64 " of the texts: "
                    "\"lost\" says which\n",
                    job->lossy);
    text_printf(&summary,
                "%" PRId64 " texts%s, %" PRId64 " of them without spans; %" PRId64
                " conversations refused by the template; written to %s\n",
                job->texts, job->vocab == NULL ? " (no tokenizer: no token ids)" : "",
                job->without_spans, job->refused, out);
    return commands_print(&summary);
}

static Err convert(Arena *arena, const Command *c, const Args *a)
{
    Job   job = {.arena = arena};
    Arena texts;
    Err   e;

    if ((args_text(c, a, "model") == NULL) == (args_text(c, a, "template") == NULL))
        FAIL(ERR_USAGE, "tandem template: one of --model and --template is needed; see --help");
    if (!args_has(c, a, "check") &&
        (args_text(c, a, "in") == NULL || args_text(c, a, "out") == NULL))
        FAIL(ERR_USAGE, "tandem template: --in and --out are needed, or --check; see --help");
    TRY(arena_make(&job.item, "conversation", (int64_t)1 << 36));
    TRY(arena_make(&job.scratch, "template", (int64_t)1 << 34));
    TRY(arena_make(&texts, "output", (int64_t)1 << 36));
    job.out = text_make(&texts);
    e = work(&job, c, a);
    arena_free(&texts);
    arena_free(&job.scratch);
    arena_free(&job.item);
    return e;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? convert(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"model", "DIR", NULL,
     "any model that has a chat template: folder, .gguf, weight file, run directory"},
    {"template", "FILE.jinja", NULL, "a template by itself"},
    {"tokenizer", "DIR|FILE", NULL,
     "the tokenizer, for token ids and special tokens [that of --model]"},
    {"bos", "TEXT", NULL, "what the template knows as bos_token [the tokenizer's]"},
    {"eos", "TEXT", NULL, "what the template knows as eos_token [the tokenizer's]"},
    {"in", "FILE.json", NULL, "an array of conversations"},
    {"out", "FILE.json", NULL, "an array of what became of them"},
    {"now", "TIME", NULL, "the time for templates that write the date: 2024-07-26[T12:30:00]"},
    {"check", NULL, NULL, "say what about the template surprises, and end"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_TEMPLATE = {
    .name = "template",
    .usage = "--model DIR|--template FILE.jinja --in FILE.json --out FILE.json\n"
             "       tandem template --model DIR|--template FILE.jinja --check",
    .about = "conversations as a model's chat template writes them, and where the assistant speaks",
    .details =
        "A conversation is {\"messages\": [{\"role\", \"content\", ...}], \"tools\": [...],\n"
        "\"documents\": [...], \"add_generation_prompt\": false, \"variables\": {...}}; all but "
        "the\n"
        "messages may be left out.  It becomes {\"text\", \"spans\", \"ids\", \"mask\"} or\n"
        "{\"error\"}.  Of each assistant message, spans hold its content and its turn (with tool\n"
        "calls and the marker at its end), in characters and in bytes.  The mask is 1 for the\n"
        "tokens of its turns.  Where the template changes what it wrote before, \"spans_error\"\n"
        "says so in place of spans, ids and mask; where it drops a message of the system, "
        "\"lost\"\n"
        "does.\n",
    .examples = "  echo '[{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}]' > "
                "talk.json\n"
                "  tandem template --model models/qwen2 --in talk.json --out texts.json\n"
                "  tandem template --model models/qwen2 --check\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
