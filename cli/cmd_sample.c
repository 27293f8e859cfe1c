#include "base/rng.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "cli/talk.h"
#include "io/file.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 32, RENDERING_BYTES = JINJA_ARENA_BYTES + (64 << 20) };

typedef struct Words { // of the command line
    const char *model, *prompt, *ids, *in, *system;
    int         is_chat;
    int64_t     threads;
} Words;

typedef struct Prompt {
    int32_t *id; // [length]
    int64_t  length;
} Prompt;

typedef struct Sampling {
    DecodeRequest request; // all but the prompt
    Prompt       *prompt;  // [prompts]
    int64_t       prompts, longest;
    const Text  **line;   // [prompts] what came out, as JSON
    Text         *people; // what came out, as text; NULL: ids were asked for
} Sampling;

static void keep_result(Arena *arena, Sampling *s, const DecodeResult *r)
{
    Text *t = arena_new(arena, Text, 1);

    *t = text_make(arena);
    text_puts(t, "{\"ids\": [");
    for (int64_t i = 0; i < r->length; i++)
        text_printf(t, "%s%d", i > 0 ? ", " : "", r->ids[i]);
    text_puts(t, "], \"logprobs\": [");
    for (int64_t i = 0; i < r->length; i++)
        text_printf(t, "%s%.9g", i > 0 ? ", " : "", (double)r->logp[i]);
    text_puts(t, "], \"text\": ");
    text_json(t, r->text, r->bytes);
    text_puts(t, "}");
    s->line[r->tag] = t;
    if (s->people != NULL) {
        text_add(s->people, r->text, r->bytes);
        text_puts(s->people, "\n");
    }
}

static Err decode(Arena *arena, Decoder *d, Sampling *s)
{
    int64_t next = 0;

    while (next < s->prompts || decoder_running(d) > 0) {
        DecodeResult result;

        while (next < s->prompts && decoder_free_slots(d) > 0) {
            DecodeRequest r = s->request;

            r.prompt = s->prompt[next].id;
            r.prompt_length = s->prompt[next].length;
            r.stream = rng_stream("sample", (uint64_t)next, 0, 0);
            r.tag = next++;
            TRY(decoder_submit(d, &r));
        }
        decoder_step(d);
        while (decoder_take(d, &result))
            keep_result(arena, s, &result);
    }
    return OK;
}

// ---- prompts

// As the beginning of a text: {bos}, or what else the tokenizer wants, is put in front.
static Err encode_text(Arena *arena, const Vocab *v, const char *text, int64_t length, int32_t **id,
                       int64_t *count)
{
    int64_t room = vocab_room(v, text, length) + VOCAB_FRAME_MAX;

    *id = arena_new(arena, int32_t, room);
    TRY(vocab_encode(v, text, length, *id, room, count));
    TRY(vocab_begin(v, *id, room, count));
    if (*count == 0)
        FAIL(ERR_USAGE, "tandem sample: the prompt is empty and the tokenizer has no bos token");
    return OK;
}

// As what a user says, in the form that the model knows.
static Err encode_chat(Arena *arena, Arena *scratch, const Talk *t, const Words *w,
                       const char *text, int64_t length, int32_t **id, int64_t *count)
{
    Text        json = text_make(arena);
    const Json *messages;
    ChatPrompt  p;

    text_puts(&json, "[");
    if (w->system != NULL) {
        text_puts(&json, "{\"role\": \"system\", \"content\": ");
        text_json(&json, w->system, (int64_t)strlen(w->system));
        text_puts(&json, "}, ");
    }
    text_puts(&json, "{\"role\": \"user\", \"content\": ");
    text_json(&json, text, length);
    text_puts(&json, "}]");
    TRY(json_parse(arena, "prompt", json.data, json.length, JSON_NO_COMMENTS, &messages));
    TRY(chatform_prompt(t->form, arena, scratch, messages, NULL, &p));
    *id = p.id;
    *count = p.length;
    return OK;
}

static Err add_prompt(Arena *arena, Arena *scratch, const Talk *t, const Words *w, const char *text,
                      int64_t length, Sampling *s)
{
    ArenaMark mark = arena_mark(scratch);
    Prompt   *p = &s->prompt[s->prompts];
    Err       e = w->is_chat ? encode_chat(arena, scratch, t, w, text, length, &p->id, &p->length)
                             : encode_text(arena, t->vocab, text, length, &p->id, &p->length);

    arena_back(scratch, mark);
    TRY(e);
    s->longest = p->length > s->longest ? p->length : s->longest;
    s->prompts++;
    return OK;
}

static Err read_texts(Arena *arena, const char *path, const Json **out)
{
    char found[JSON_WORDS], where[JSON_WORDS];

    TRY(json_read(arena, path, JSON_NO_COMMENTS, out));
    if ((*out)->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected a list of texts, found %s", path,
             json_show(*out, found, sizeof found));
    for (const Json *m = (*out)->child; m != NULL; m = m->next)
        if (m->kind != JSON_TEXT)
            FAIL(ERR_DATA, "%s: expected a text, found %s", json_where(m, where, sizeof where),
                 json_show(m, found, sizeof found));
    return OK;
}

static Err encode_texts(Arena *arena, Arena *scratch, const Talk *t, const Words *w, Sampling *s)
{
    const Json *list = NULL;

    TRY(talk_want_tokenizer(t, w->model, "a prompt given as text"));
    if (w->in != NULL)
        TRY(read_texts(arena, w->in, &list));
    s->prompt = arena_new(arena, Prompt, list != NULL ? list->length : 1);
    if (list == NULL)
        return add_prompt(arena, scratch, t, w, w->prompt, (int64_t)strlen(w->prompt), s);
    for (const Json *m = list->child; m != NULL; m = m->next)
        TRY(add_prompt(arena, scratch, t, w, m->text, m->length, s));
    return OK;
}

static Err read_ids(Arena *arena, const char *path, int64_t V, Sampling *s)
{
    IdLists ids;

    TRY(model_files_ids(arena, path, V, &ids));
    s->prompt = arena_new(arena, Prompt, ids.count);
    for (s->prompts = 0; s->prompts < ids.count; s->prompts++)
        s->prompt[s->prompts] = (Prompt){ids.id + ids.begin[s->prompts],
                                         ids.begin[s->prompts + 1] - ids.begin[s->prompts]};
    s->longest = ids.longest;
    return OK;
}

static Err read_prompts(Arena *arena, const Talk *t, const Words *w, Sampling *s)
{
    Arena scratch;
    Err   e;

    if (w->ids != NULL)
        return read_ids(arena, w->ids, t->model.dims.V, s);
    TRY(arena_make(&scratch, "chat template", RENDERING_BYTES));
    e = encode_texts(arena, &scratch, t, w, s);
    arena_free(&scratch);
    return e;
}

// ---- writing

static Err write_results(Arena *arena, const Command *c, const Args *a, const Sampling *s)
{
    const char *path = args_text(c, a, "out");
    Text        all = text_make(arena);
    char        tag[32];

    if (path == NULL && s->people != NULL)
        return commands_print(s->people);
    text_puts(&all, "[\n");
    for (int64_t i = 0; i < s->prompts; i++) {
        text_add(&all, s->line[i]->data, s->line[i]->length);
        text_puts(&all, i + 1 < s->prompts ? ",\n" : "\n");
    }
    text_puts(&all, "]\n");
    if (path == NULL)
        return commands_print(&all);
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, all.data, all.length);
}

// ---- the command

static Err read_words(const Command *c, const Args *a, Words *w)
{
    int ways;

    *w = (Words){.model = args_text(c, a, "model"),
                 .prompt = args_text(c, a, "prompt"),
                 .ids = args_text(c, a, "ids"),
                 .in = args_text(c, a, "in"),
                 .system = args_text(c, a, "system"),
                 .is_chat = args_has(c, a, "chat")};
    ways = (w->prompt != NULL) + (w->ids != NULL) + (w->in != NULL);
    if (w->model == NULL)
        FAIL(ERR_USAGE, "tandem sample: which model?  --model PATH; see --help");
    if (ways != 1)
        FAIL(ERR_USAGE,
             "tandem sample: exactly one of --prompt, --in and --ids says what to continue; %s "
             "given",
             ways == 0 ? "none is" : "several are");
    if (w->is_chat && w->ids != NULL)
        FAIL(ERR_USAGE, "tandem sample: --chat writes texts in the form of the model; ids are in a "
                        "form already: leave --chat out");
    if (w->system != NULL && !w->is_chat)
        FAIL(ERR_USAGE, "tandem sample: --system is a message in front of a conversation; it needs "
                        "--chat");
    TRY(args_i64(c, a, "threads", 0, 1024, &w->threads));
    if (w->threads == 0)
        w->threads = omp_get_max_threads();
    return OK;
}

// No more slots than prompts, no more context than they can fill.
static Err decode_with(Arena *run, Arena *arena, const Talk *t, const Words *w, Sampling *s)
{
    const Dims *d = &t->model.dims;
    int         slots = s->prompts < SLOTS ? (int)s->prompts : SLOTS, threads = (int)w->threads;
    int64_t     most = s->longest + s->request.max_tokens, context = most < d->T ? most : d->T;
    Net         net;

    TRY(arena_make(run, "run",
                   net_need(d, NET_INFER) + decoder_need(d, t->vocab, slots, context, threads) +
                       (1 << 20)));
    TRY(model_files_open(run, arena, &t->model, &net));
    return decode(arena, decoder_make(run, &net, t->vocab, slots, context, threads), s);
}

static Err sample(Arena *arena, const Command *c, const Args *a)
{
    Sampling s = {0};
    Words    w;
    Talk     t;
    Arena    run = {0};
    Text     people = text_make(arena);
    Err      e;

    TRY(read_words(c, a, &w));
    TRY(talk_read_options(c, a, &s.request));
    TRY(talk_open(arena, w.model, &t));
    if (w.is_chat)
        TRY(talk_want_form(arena, &t));
    TRY(read_prompts(arena, &t, &w, &s));
    if (w.is_chat)
        TRY(talk_add_ends(t.form, &s.request));
    if (s.prompts == 0)
        FAIL(ERR_DATA, "%s: holds no prompts", w.ids != NULL ? w.ids : w.in);
    s.people = w.ids == NULL ? &people : NULL;
    s.line = arena_new(arena, const Text *, s.prompts);
    e = decode_with(&run, arena, &t, &w, &s);
    arena_free(&run);
    TRY(e);
    return write_results(arena, c, a, &s);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? sample(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL,
     "Hugging Face folder, .gguf file, .bin file of llama2.c, weight file, or run directory"},
    {"prompt", "TEXT", NULL, "a prompt; the text that follows is printed"},
    {"in", "FILE.json", NULL, "prompts as a list of texts"},
    {"ids", "FILE.json", NULL, "prompts as an array of arrays of token ids"},
    {"chat", NULL, NULL, "prompts are what a user says: they are put in the form the model knows"},
    {"system", "TEXT", NULL, "with --chat: a system message in front"},
    {"out", "FILE.json", NULL, "new ids with their log-probabilities, per prompt; else to stdout"},
    {"max-tokens", "N", "100", "new tokens per prompt, at most"},
    {"temperature", "T", "0", "0: the most likely token"},
    {"top-k", "K", "0", "0: off"},
    {"top-p", "P", "1", "1: off"},
    {"min-p", "P", "0", "0: off"},
    {"repetition-penalty", "X", "1", "1: off"},
    {"stop", "TEXT", NULL, "end before this text"},
    {"ignore-eos", NULL, NULL, "go on after the end-of-sequence token"},
    {"seed", "N", "1", "key of the random numbers"},
    {"threads", "N", "0", "0: OMP_NUM_THREADS, or all cores; the texts do not depend on it"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_SAMPLE = {
    .name = "sample",
    .usage = "--model PATH (--prompt TEXT | --in FILE.json | --ids FILE.json) [--out FILE.json]",
    .about = "continue prompts with a model",
    .details = "",
    .examples = "  tandem sample --model runs/star-addition --prompt '624+259='\n"
                "  tandem sample model=model.gguf --chat --prompt 'What is a heap?'\n"
                "  tandem sample --model DIR --ids ids.json --max-tokens 24 --temperature 0 --out "
                "new.json\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
