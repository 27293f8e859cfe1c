#include "base/rng.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "io/file.h"
#include "model/decode.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 32 };

typedef struct Sampling {
    DecodeRequest request; // all but the prompt
    IdLists       prompts;
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

    while (next < s->prompts.count || decoder_running(d) > 0) {
        DecodeResult result;

        while (next < s->prompts.count && decoder_free_slots(d) > 0) {
            DecodeRequest r = s->request;

            r.prompt = s->prompts.id + s->prompts.begin[next];
            r.prompt_length = s->prompts.begin[next + 1] - s->prompts.begin[next];
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

static Err read_request(const Command *c, const Args *a, DecodeRequest *r)
{
    int64_t seed;

    *r = (DecodeRequest){.ignores_eos = args_has(c, a, "ignore-eos")};
    TRY(args_i64(c, a, "max-tokens", 1, 1 << 24, &r->max_tokens));
    TRY(args_f64(c, a, "temperature", 0, 100, &r->spec.temperature));
    TRY(args_i64(c, a, "top-k", 0, 1 << 24, &r->spec.top_k));
    TRY(args_f64(c, a, "top-p", 0, 1, &r->spec.top_p));
    TRY(args_f64(c, a, "min-p", 0, 1, &r->spec.min_p));
    TRY(args_f64(c, a, "repetition-penalty", 0.01, 100, &r->spec.repetition_penalty));
    TRY(args_i64(c, a, "seed", 0, INT64_MAX, &seed));
    r->seed = (uint64_t)seed;
    if (args_has(c, a, "stop")) {
        r->stops = 1;
        r->stop[0] = args_text(c, a, "stop");
    }
    return OK;
}

// A prompt given as text needs the tokenizer; {bos} is put in front where there is one.
static Err encode_prompt(Arena *arena, const Vocab *v, const char *text, IdLists *out)
{
    int64_t length = (int64_t)strlen(text), count = 0, room;

    if (v == NULL)
        FAIL(ERR_USAGE, "tandem sample: this model has no tokenizer that we read; use --ids");
    *out = (IdLists){.count = 1};
    out->begin = arena_new(arena, int64_t, 2);
    room = vocab_room(v, text, length) + VOCAB_FRAME_MAX;
    out->id = arena_new(arena, int32_t, room);
    TRY(vocab_encode(v, text, length, out->id, room, &count));
    TRY(vocab_begin(v, out->id, room, &count));
    out->begin[1] = out->longest = count;
    if (out->longest == 0)
        FAIL(ERR_USAGE, "tandem sample: the prompt is empty and the tokenizer has no bos token");
    return OK;
}

static Err write_results(Arena *arena, const Command *c, const Args *a, const Sampling *s)
{
    const char *path = args_text(c, a, "out");
    Text        all = text_make(arena);
    char        tag[32];

    if (path == NULL && s->people != NULL)
        return commands_print(s->people);
    text_puts(&all, "[\n");
    for (int64_t i = 0; i < s->prompts.count; i++) {
        text_add(&all, s->line[i]->data, s->line[i]->length);
        text_puts(&all, i + 1 < s->prompts.count ? ",\n" : "\n");
    }
    text_puts(&all, "]\n");
    if (path == NULL)
        return commands_print(&all);
    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, all.data, all.length);
}

static Err sample(Arena *arena, const Command *c, const Args *a)
{
    const char *model = args_text(c, a, "model"), *ids = args_text(c, a, "ids");
    const char *prompt = args_text(c, a, "prompt");
    Sampling    s = {0};
    Dims        d;
    Arena       run;
    Net         net;
    Vocab      *vocab;

    if (model == NULL || (ids == NULL) == (prompt == NULL))
        FAIL(ERR_USAGE, "tandem sample: --model and exactly one of --prompt and --ids are needed");
    TRY(read_request(c, a, &s.request));
    TRY(model_files_dims(arena, model, &d));
    TRY(model_files_vocab(arena, model, &vocab));
    TRY(arena_make(&run, "run",
                   net_need(&d, NET_INFER) + decoder_need(&d, vocab, SLOTS, d.T, 1) + (1 << 20)));
    TRY(model_files_open(&run, arena, model, &net));
    if (ids != NULL)
        TRY(model_files_ids(arena, ids, d.V, &s.prompts));
    else
        TRY(encode_prompt(arena, vocab, prompt, &s.prompts));
    Text people = text_make(arena);
    s.people = prompt != NULL ? &people : NULL;
    s.line = arena_new(arena, const Text *, s.prompts.count);
    TRY(decode(arena, decoder_make(&run, &net, vocab, SLOTS, d.T, 1), &s));
    arena_free(&run);
    return write_results(arena, c, a, &s);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? sample(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"model", "DIR", NULL, "Hugging Face folder, weight file, or run directory (newest weights)"},
    {"prompt", "TEXT", NULL, "a prompt; the text that follows is printed"},
    {"ids", "FILE.json", NULL, "prompts as an array of arrays of token ids"},
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
    {NULL, NULL, NULL, NULL}};

const Command CMD_SAMPLE = {
    .name = "sample",
    .usage = "--model DIR (--prompt TEXT | --ids FILE.json) [--out FILE.json]",
    .about = "continue prompts with a model",
    .details = "",
    .examples = "  tandem sample --model runs/star-addition --prompt '624+259='\n"
                "  tandem sample --model DIR --ids ids.json --max-tokens 24 --temperature 0 --out "
                "new.json\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
