// tandem chat: a conversation with any model on the terminal, or line by line through a pipe.
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/model_files.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { TURN_BYTES = 1 << 30, HISTORY_BYTES = 1 << 30 };
enum { RENDERING_BYTES = JINJA_ARENA_BYTES + (64 << 20) };

static const SampleSpec STANDARD = {.temperature = 0.7, .top_p = 1, .repetition_penalty = 1};

typedef struct Options {
    const char *model, *system;
    int64_t     context, threads;
} Options;

// ---- what it is

static void say_parameters(Text *t, int64_t count)
{
    if (count >= 1000000000)
        text_printf(t, "%.2f billion", (double)count / 1e9);
    else if (count >= 1000000)
        text_printf(t, "%.1f million", (double)count / 1e6);
    else
        text_printf(t, "%" PRId64, count);
}

static Err model_type(Arena *arena, const Dims *d, const char **out)
{
    Text        t = text_make(arena);
    const Json *config;

    dims_write(&t, d);
    TRY(json_parse(arena, "shape", t.data, t.length, JSON_NO_COMMENTS, &config));
    return json_want_text(config, "model_type", out);
}

static void say_sampling(Text *t, const DecodeRequest *r, int is_of_model)
{
    const SampleSpec *s = &r->spec;

    text_printf(t, "sampling: temperature %g", s->temperature);
    if (s->top_p < 1)
        text_printf(t, ", top-p %g", s->top_p);
    if (s->top_k > 0)
        text_printf(t, ", top-k %" PRId64, s->top_k);
    if (s->min_p > 0)
        text_printf(t, ", min-p %g", s->min_p);
    if (s->repetition_penalty < 1 || s->repetition_penalty > 1)
        text_printf(t, ", repetition penalty %g", s->repetition_penalty);
    text_printf(t, ", seed %" PRIu64 "%s\n", r->seed,
                is_of_model ? " (what is not given: generation_config.json)" : "");
}

static void say_token(Text *t, const Vocab *v, int32_t id)
{
    const char *name = vocab_name(v, t->arena, id);

    if (id < 0 || id >= vocab_size(v))
        return;
    text_puts(t, " ");
    text_json(t, name == NULL ? "" : name, name == NULL ? 0 : (int64_t)strlen(name));
}

// What ends an answer, as it is spelled.
static void say_ends(Text *out, Chat *c)
{
    const Vocab   *v = c->talk.vocab;
    int            count;
    const int32_t *more = vocab_more_ends(v, &count);
    Text           t = text_make(c->turn);

    say_token(&t, v, vocab_eos(v));
    for (int i = 0; i < count; i++)
        say_token(&t, v, more[i]);
    for (int i = 0; i < c->ask.ends; i++)
        if (!vocab_ends(v, c->ask.end[i]))
            say_token(&t, v, c->ask.end[i]);
    for (int i = 0; i < c->ask.stops; i++) {
        text_puts(&t, " ");
        text_json(&t, c->ask.stop[i], (int64_t)strlen(c->ask.stop[i]));
    }
    text_printf(out, "an answer ends at%s\n",
                t.length > 0 ? t.data : " nothing that is known: --stop TEXT helps");
}

// What about the template may surprise, one line each.
static Err say_warnings(Text *t, Chat *c)
{
    const ChatTemplate *chat = chatform_template(c->talk.form);
    ArenaMark           mark = arena_mark(c->scratch);
    Text                report = text_make(c->turn);

    if (chat == NULL)
        return OK;
    TRY(chat_template_check(chat, c->scratch, &report));
    arena_back(c->scratch, mark);
    for (const char *line = report.data; report.length > 0 && *line != 0;) {
        int length = (int)strcspn(line, "\n");

        text_printf(t, "note: %.*s\n", length, line);
        line += length + (line[length] == '\n');
    }
    return OK;
}

static Err introduce(Chat *c, const Options *o, int is_of_model)
{
    ArenaMark   mark = arena_mark(c->turn);
    Text        t = text_make(c->turn);
    const Dims *d = &c->talk.model.dims;
    const char *type;

    TRY(model_type(c->turn, d, &type));
    text_printf(&t, "%s: %s, ", o->model, type);
    say_parameters(&t, params_count(d));
    text_printf(&t, " parameters, context of %" PRId64 " tokens", c->context);
    if (c->context < d->T)
        text_printf(&t, " (the model has %" PRId64 ")", d->T);
    text_printf(&t, "\nform: %s%s\n", talk_form_name(chatform_kind(c->talk.form)),
                chatform_kind(c->talk.form) == CHATFORM_FORMAT ? "; every line is asked by itself"
                                                               : "");
    say_sampling(&t, &c->ask, is_of_model);
    say_ends(&t, c);
    TRY(say_warnings(&t, c));
    if (c->lines.is_terminal)
        text_puts(&t, "/help lists the commands; Ctrl-C stops an answer, Ctrl-D ends\n");
    fputs(t.data, stderr);
    fflush(stderr);
    arena_back(c->turn, mark);
    return OK;
}

// ---- talking

// A message, or a command.  Two slashes: a message that begins with one.
static Err take_line(Chat *c, const Text *line)
{
    const char *text = line->data;
    int64_t     bytes = line->length;
    int         turns;
    Err         e;

    if (text[0] == '/' && text[1] != '/')
        return chat_command(c, text);
    if (text[0] == '/') {
        text++;
        bytes--;
    }
    if (chatform_kind(c->talk.form) == CHATFORM_FORMAT) // it has room for one question
        chat_take_back(c, chat_has_system(c));
    turns = c->turns;
    TRY(chat_say(c, "user", text, bytes));
    e = chat_answer(c);
    if (e != OK)
        chat_take_back(c, turns);
    return e;
}

static int is_empty(const Text *t)
{
    return t->length == 0 || t->data[strspn(t->data, " \t\n")] == 0;
}

// Somebody at a terminal is told what went wrong and goes on; for a program it is the end.
static Err take_or_tell(Chat *c, const Text *line)
{
    Err e = take_line(c, line);

    if (e == OK || !c->lines.is_terminal || ferror(stdout))
        return e;
    chat_note("%s", err_record()->text);
    err_forget();
    return OK;
}

static Err talk(Chat *c, Arena *arena)
{
    Text line = text_make(arena);
    int  breaks = 0;

    while (!c->wants_end) {
        ChatLine kind;

        TRY(chat_lines_next(&c->lines, &line, &kind));
        if (kind == CHAT_LINE_END) {
            if (c->lines.is_terminal)
                chat_note(" ");
            return OK;
        }
        if (kind == CHAT_LINE_BREAK) {
            chat_note("%s", breaks == 0 ? "[/quit or Ctrl-D ends; so does Ctrl-C once more]" : "");
            c->wants_end = breaks++ > 0;
            continue;
        }
        breaks = 0;
        if (!is_empty(&line))
            TRY(take_or_tell(c, &line));
    }
    return OK;
}

// ---- opening

static Err open_model(Chat *c, Arena *run, Arena *arena, const Options *o)
{
    const Dims *d = &c->talk.model.dims;

    TRY(arena_make(run, "run",
                   net_need(d, NET_INFER) +
                       decoder_need(d, c->talk.vocab, 1, c->context, (int)o->threads) + (1 << 20)));
    TRY(model_files_open(run, arena, &c->talk.model, &c->net));
    c->decoder = decoder_make(run, &c->net, c->talk.vocab, 1, c->context, (int)o->threads);
    return OK;
}

static Err open_talk(Chat *c, Arena *arena, const Command *command, const Args *a, const Options *o)
{
    int is_of_model;

    TRY(talk_open(arena, o->model, &c->talk));
    TRY(talk_want_tokenizer(&c->talk, o->model, "a conversation"));
    TRY(talk_want_form(arena, &c->talk));
    c->context =
        o->context > 0 && o->context < c->talk.model.dims.T ? o->context : c->talk.model.dims.T;
    c->ask = (DecodeRequest){.spec = STANDARD, .max_tokens = INT32_MAX};
    is_of_model = talk_sampling(c->talk.tokenizer, &c->ask.spec);
    TRY(talk_read_options(command, a, &c->ask));
    TRY(talk_add_ends(c->talk.form, &c->ask));
    if (o->system != NULL)
        TRY(chat_say(c, "system", o->system, (int64_t)strlen(o->system)));
    return introduce(c, o, is_of_model);
}

static Err work(Chat *c, Arena *arena, const Command *command, const Args *a, const Options *o)
{
    Arena run = {0};
    Err   e;

    chat_lines_start(&c->lines);
    TRY(open_talk(c, arena, command, a, o));
    e = open_model(c, &run, arena, o);
    if (e == OK)
        e = talk(c, arena);
    arena_free(&run);
    return e;
}

static Err chat(Arena *arena, const Command *command, const Args *a, const Options *o)
{
    static Chat c; // with its messages
    Arena       history, turn = {0}, scratch = {0};
    Err         e;

    c = (Chat){.history = &history, .turn = &turn, .scratch = &scratch};
    TRY(arena_make(&history, "history", HISTORY_BYTES));
    e = arena_make(&turn, "turn", TURN_BYTES);
    if (e == OK)
        e = arena_make(&scratch, "chat template", RENDERING_BYTES);
    if (e == OK)
        e = work(&c, arena, command, a, o);
    arena_free(&scratch);
    arena_free(&turn);
    arena_free(&history);
    return e;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    Options o = {.model = args_text(c, a, "model"), .system = args_text(c, a, "system")};

    if (o.model == NULL)
        FAIL(ERR_USAGE, "tandem chat: which model?  tandem chat --model PATH; see --help");
    TRY(args_i64(c, a, "context", 0, 1 << 24, &o.context));
    TRY(args_i64(c, a, "threads", 0, 1024, &o.threads));
    if (o.threads == 0)
        o.threads = omp_get_max_threads();
    if (world->size > 1)
        FAIL(ERR_USAGE, "tandem chat is one process: start it without mpirun -n %d", world->size);
    return chat(arena, c, a, &o);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL,
     "Hugging Face folder, .gguf file, .bin file of llama2.c, weight file, or run directory"},
    {"system", "TEXT", NULL, "a system message, in front of the conversation"},
    {"temperature", "T", NULL, "0: the most likely token [generation_config.json, else 0.7]"},
    {"top-k", "K", NULL, "0: off [generation_config.json, else 0]"},
    {"top-p", "P", NULL, "1: off [generation_config.json, else 1]"},
    {"min-p", "P", NULL, "0: off [generation_config.json, else 0]"},
    {"repetition-penalty", "X", NULL, "1: off [generation_config.json, else 1]"},
    {"max-tokens", "N", NULL, "of an answer, at most [what the context leaves]"},
    {"stop", "TEXT", NULL, "end an answer before this text"},
    {"seed", "N", "1", "key of the random numbers: the same lines get the same answers"},
    {"context", "N", "0", "tokens of the conversation; 0: as many as the model has positions"},
    {"threads", "N", "0", "0: OMP_NUM_THREADS, or all cores"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_CHAT = {
    .name = "chat",
    .usage = "--model PATH [--system TEXT] [--temperature T] [--seed N]",
    .about = "talk to a model on the terminal",
    .details =
        "Lines go to the model in the form it knows: its chat template, the prompt format of the\n"
        "recipe that it was trained by, or, without either, lines \"role: text\".  The answer is\n"
        "printed as it comes, and the conversation goes on until /quit or the end of the input.\n"
        "/help lists what else can be typed.  Answers go to standard output, all else to standard\n"
        "error; through a pipe, every line gets an answer, and the first that can have none ends\n"
        "the program.\n",
    .examples = "  tandem chat --model models/qwen2.5-0.5b-instruct\n"
                "  tandem chat model=model.gguf temperature=0\n"
                "  echo 'What is a heap?' | tandem chat --model runs/assistant\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
