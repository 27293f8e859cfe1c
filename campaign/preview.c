#include "campaign/preview.h"

#include "campaign/generators.h"
#include "campaign/mixture.h"
#include "campaign/plan.h"
#include "datagen/produce.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    REASONS_MAX = 128,
    LINES_SHOWN = 60, // of the first example
    IDS_SHOWN = 12,   // at either end of it
    WORDS_SHOWN = 8   // tokens in front of one that is unknown
};

typedef struct Reason {
    const char *name, *step;
    int64_t     count;
} Reason;

typedef struct Preview {
    const Settings *settings;
    Arena           keep, step; // documents; records in flight
    MixtureData     data;
    int64_t         iteration;    // whose examples are made: 0, or 1 where there is no base
    int64_t         blocks, next; // of the recipe
    int64_t         records, kept, rejected;
    int             reasons;
    Reason          reason[REASONS_MAX];
} Preview;

// ---- the examples

static int64_t take_block(void *self)
{
    Preview *p = self;

    return p->next < p->blocks ? p->next++ : -1;
}

static void count_reason(Preview *p, const SetRows *rows, int64_t row)
{
    const char *name = rows->reason_names[rows->reason[row]];
    const char *step = rows->step_names[rows->step[row]];
    int         k = 0;

    while (k < p->reasons &&
           (strcmp(p->reason[k].name, name) != 0 || strcmp(p->reason[k].step, step) != 0))
        k++;
    if (k == p->reasons) {
        CHECK(k < REASONS_MAX, "more than %d reasons", REASONS_MAX);
        p->reason[p->reasons++] =
            (Reason){arena_text(&p->keep, name), arena_text(&p->keep, step), 0};
    }
    p->reason[k].count++;
}

static Err take_rows(void *self, int64_t block, const SetRows *rows)
{
    Preview *p = self;

    (void)block;
    for (int64_t r = 0; r < rows->R; r++) {
        p->records++;
        p->kept += rows->status[r] == SET_KEPT;
        if (rows->status[r] == SET_REJECTED) {
            p->rejected++;
            count_reason(p, rows, r);
        }
    }
    return mixture_add(&p->data, &p->step, p->settings, rows, p->iteration);
}

static Err make_examples(Preview *p, const Recipe *recipe)
{
    Job          of = {.settings = p->settings};
    Generators   g = {.job = &of, .policy = -1};
    ProduceJob   job = generators_job(&g, recipe, 0);
    ProduceStats stats;

    p->data = mixture_make(&p->keep);
    p->blocks = job.segment.blocks;
    job.self = p;
    job.take = take_block;
    job.done = take_rows;
    return produce_run(&job, &p->step, &stats);
}

// ---- counting

typedef struct Counts {
    int64_t tokens, learned, supervised; // supervised: examples with a learned token
    int64_t shortest, median, longest;
    int64_t bos_twice, no_end, unknown;
} Counts;

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

// Whether the last token that is learned tells the model to stop.
static int ends(const Vocab *v, const TrainExample *e)
{
    int64_t last = e->length - 1;

    while (last >= 0 && e->weight[last] <= 0)
        last--;
    return last >= 0 && (e->token[last] == vocab_eos(v) || vocab_is_special(v, e->token[last]));
}

// The place of the first unknown token, -1: there is none.
static int64_t unknown_at(const Vocab *v, const TrainExample *e)
{
    for (int64_t i = 0; i < e->length && vocab_unknown(v) >= 0; i++)
        if (e->token[i] == vocab_unknown(v))
            return i;
    return -1;
}

static Counts count(Preview *p)
{
    const Vocab *v = p->settings->vocab;
    int64_t      n = p->data.count, *length = arena_new(&p->keep, int64_t, n);
    Counts       c = {0};

    for (int64_t i = 0; i < n; i++) {
        const TrainExample *e = &p->data.document[i].example;
        int64_t             learned = 0;

        length[i] = e->length;
        c.tokens += e->length;
        for (int64_t k = 0; k < e->length; k++)
            learned += e->weight[k] > 0;
        c.learned += learned;
        c.supervised += learned > 0;
        c.bos_twice += vocab_bos(v) >= 0 && e->length > 1 && e->token[0] == vocab_bos(v) &&
                       e->token[1] == vocab_bos(v);
        c.no_end += learned > 0 && !ends(v, e);
        c.unknown += unknown_at(v, e) >= 0;
    }
    if (n > 0) {
        qsort(length, (size_t)n, sizeof *length, by_number);
        c.shortest = length[0];
        c.median = length[n / 2];
        c.longest = length[n - 1];
    }
    return c;
}

// ---- the first example

typedef struct Show { // text that is written line by line, with a mark in front of each
    Text         *t;
    PreviewColour colour;
    int           is_learned, is_open, lines;
} Show;

static void close_line(Show *s)
{
    if (s->is_open && s->lines <= LINES_SHOWN)
        text_puts(s->t, s->colour == PREVIEW_COLOUR && s->is_learned ? "\033[0m\n" : "\n");
    s->is_open = 0;
}

static void show_bytes(Show *s, const char *bytes, int64_t length)
{
    for (int64_t i = 0; i < length; i++) {
        if (!s->is_open) {
            s->is_open = 1;
            s->lines++;
            if (s->lines <= LINES_SHOWN)
                text_printf(s->t, "  %s%s ", s->is_learned ? ">>" : "  ",
                            s->colour == PREVIEW_COLOUR && s->is_learned ? "\033[32m" : "");
        }
        if (s->lines > LINES_SHOWN)
            ;
        else if (bytes[i] == '\n')
            text_puts(s->t, "\\n");
        else // what strangers wrote must not steer the terminal it is shown on
            text_add(s->t, (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F ? "?" : bytes + i, 1);
        if (bytes[i] == '\n')
            close_line(s);
    }
}

// Special tokens by their names, others as their bytes.
static Err token_text(const Vocab *v, int32_t id, Text *out)
{
    int64_t before = out->length;

    if (vocab_is_special(v, id))
        TRY(vocab_decode_all(v, &id, 1, VOCAB_KEEP_SPECIAL, out));
    else
        vocab_decode(v, id, out);
    if (out->length == before && vocab_is_special(v, id))
        text_printf(out, "<%s>",
                    id == vocab_bos(v)   ? "bos"
                    : id == vocab_eos(v) ? "eos"
                                         : "special");
    return OK;
}

static Err show_run(Preview *p, Show *s, const TrainExample *e, int64_t begin, int64_t end)
{
    ArenaMark mark = arena_mark(&p->step);
    Text      text = text_make(&p->step);

    for (int64_t i = begin; i < end; i++)
        TRY(token_text(p->settings->vocab, e->token[i], &text));
    s->is_learned = e->weight[begin] > 0;
    show_bytes(s, text.data, text.length);
    close_line(s);
    arena_back(&p->step, mark);
    return OK;
}

static void show_ids(Text *t, const TrainExample *e)
{
    text_puts(t, "  ids:");
    for (int64_t i = 0; i < e->length; i++) {
        if (i == IDS_SHOWN && e->length > 2 * IDS_SHOWN) {
            text_puts(t, " ...");
            i = e->length - IDS_SHOWN;
        }
        text_printf(t, " %" PRId32, e->token[i]);
    }
    text_puts(t, "\n");
}

static Err show_first(Preview *p, Text *t, PreviewColour colour)
{
    const TrainExample *e = &p->data.document[0].example;
    Show                s = {.t = t, .colour = colour};
    int64_t             learned = 0;

    for (int64_t i = 0; i < e->length; i++)
        learned += e->weight[i] > 0;
    text_printf(t,
                "first example: %" PRId64 " tokens, %" PRId64
                " of them learned (>> marks what is learned, \\n a line end):\n",
                e->length, learned);
    for (int64_t i = 0, end; i < e->length; i = end) {
        for (end = i + 1; end < e->length && (e->weight[end] > 0) == (e->weight[i] > 0);)
            end++;
        TRY(show_run(p, &s, e, i, end));
    }
    if (s.lines > LINES_SHOWN)
        text_printf(t, "  ... %d more lines\n", s.lines - LINES_SHOWN);
    show_ids(t, e);
    return OK;
}

// ---- what is said

// How long is trained on them.
static Err say_passes(Preview *p, Text *t, int64_t iteration)
{
    const Settings      *s = p->settings;
    const PhaseSettings *phase = settings_phase(s, iteration);
    const Mixture       *m = settings_mixture(s, iteration);
    MixturePools        *pools;
    int64_t              steps;
    double               passes;

    if (p->data.count == 0 || (phase->epochs <= 0 && settings_steps(s, iteration, 0) == 0))
        return OK; // a phase without steps draws nothing
    TRY(mixture_pools(&p->keep, &p->data, s->source, m, iteration, &pools));
    steps = settings_steps(s, iteration, mixture_total(pools));
    passes = (double)steps * (double)phase->batch / (double)mixture_total(pools);
    if (m->part[0].draw == DRAW_RANDOM)
        text_printf(t,
                    "training: %" PRId64 " steps of %" PRId64
                    " examples, drawn at random: each is seen %.2f times on average\n",
                    steps, phase->batch, passes);
    else
        text_printf(t,
                    "training: %" PRId64 " steps of %" PRId64 " examples, %.2f passes over %" PRId64
                    ", each in an order of its own\n",
                    steps, phase->batch, passes, mixture_total(pools));
    return OK;
}

static void say_counts(Text *t, const Preview *p, const Counts *c)
{
    const MixtureData *d = &p->data;

    text_printf(t, "examples: %" PRId64 " of %" PRId64 " records\n", p->kept, p->records);
    for (int k = 0; k < p->reasons; k++)
        text_printf(t, "rejected: %" PRId64 " %s (step %s)\n", p->reason[k].count,
                    p->reason[k].name, p->reason[k].step);
    if (d->too_long > 0)
        text_printf(t,
                    "left out: %" PRId64 " longer than the context of %" PRId64
                    " tokens, as a whole: nothing is cut\n",
                    d->too_long, p->settings->dims.T);
    if (d->empty > 0)
        text_printf(t, "left out: %" PRId64 " with nothing to learn\n", d->empty);
    text_printf(t,
                "learned from: %" PRId64 " examples, %" PRId64 " tokens, %" PRId64
                " supervised (%.1f %%); lengths %" PRId64 " shortest, %" PRId64 " median, %" PRId64
                " longest\n",
                d->count, c->tokens, c->learned,
                c->tokens > 0 ? 100.0 * (double)c->learned / (double)c->tokens : 0.0, c->shortest,
                c->median, c->longest);
}

// Contents with such characters are rejected: what is left, the template wrote.
static Err warn_unknown(Text *t, Preview *p, const Counts *c)
{
    Text    before = text_make(&p->step);
    int64_t at = -1;
    int     i = 0;

    if (c->unknown == 0)
        return OK;
    while (at < 0)
        at = unknown_at(p->settings->vocab, &p->data.document[i++].example);
    for (int64_t k = at < WORDS_SHOWN ? 0 : at - WORDS_SHOWN; k < at; k++)
        TRY(token_text(p->settings->vocab, p->data.document[i - 1].example.token[k], &before));
    text_printf(t,
                "WARNING: in %" PRId64 " of %" PRId64
                " examples the chat template itself writes characters that the tokenizer has no "
                "token for; they become its unknown token, the first behind ",
                c->unknown, p->data.count);
    text_json(t, before.length > 0 ? before.data : "", before.length);
    text_puts(t, ": change the template\n");
    return OK;
}

static void warn(Text *t, const Preview *p, const Counts *c)
{
    const MixtureData *d = &p->data;

    if (c->bos_twice > 0)
        text_printf(t,
                    "WARNING: %" PRId64 " examples begin with the begin-of-text token twice: the "
                    "template and the recipe both write it; leave it out of one of them\n",
                    c->bos_twice);
    if (c->no_end > 0)
        text_printf(t,
                    "WARNING: in %" PRId64 " of %" PRId64 " examples what is learned does not end "
                    "in an end token: the model will not learn to stop; let the template (or "
                    "{eos}) end the assistant's turn\n",
                    c->no_end, c->supervised);
    if (d->too_long > 0)
        text_printf(t,
                    "WARNING: %.1f %% of the examples do not fit the context of %" PRId64
                    " tokens and are not learned from: shorten them, or take a model with a "
                    "longer context\n",
                    100.0 * (double)d->too_long / (double)(d->too_long + d->count + d->empty),
                    p->settings->dims.T);
    if (p->rejected > 0)
        text_printf(t, "WARNING: %.1f %% of the records were rejected, for the reasons above\n",
                    100.0 * (double)p->rejected / (double)p->records);
}

static Err write(Text *t, Preview *p, const Recipe *recipe, PreviewColour colour)
{
    Counts c;

    text_printf(t, "preview of %s: nothing is started, nothing is written\n", p->settings->file);
    text_printf(t, "%s%s", source_report(p->settings->source),
                *source_report(p->settings->source) == 0 ? "" : "\n");
    TRY(make_examples(p, recipe));
    c = count(p);
    say_counts(t, p, &c);
    TRY(say_passes(p, t, p->iteration));
    if (p->data.count > 0)
        TRY(show_first(p, t, colour));
    TRY(warn_unknown(t, p, &c));
    warn(t, p, &c);
    if (c.learned == 0)
        FAIL(ERR_DATA,
             "no token of any example would be learned: of %" PRId64 " records %" PRId64
             " were rejected%s%s%s, %" PRId64 " are longer than the context of %" PRId64
             " tokens, %" PRId64 " have nothing to learn",
             p->records, p->rejected, p->reasons > 0 ? " (" : "",
             p->reasons > 0 ? p->reason[0].name : "", p->reasons > 0 ? ")" : "", p->data.too_long,
             p->settings->dims.T, p->data.empty);
    return OK;
}

Err preview_write(Text *t, const Settings *s, PreviewColour colour)
{
    const Recipe *recipe = s->base_recipe != NULL ? s->base_recipe : s->loop_recipe;
    Preview      *p;
    Err           e;

    if (recipe == NULL)
        FAIL(ERR_CONFIG, "%s: base.recipe is empty: nothing makes examples of the records",
             s->file);
    if (recipe_asks(recipe) || recipe_stages(recipe) > 1)
        FAIL(ERR_CONFIG,
             "%s: a preview shows what comes of files alone, but the recipe %s generates or "
             "commits; run it, then tandem inspect shows its examples",
             s->file, s->base_recipe != NULL ? s->base.recipe : s->loop.recipe);
    p = arena_new(t->arena, Preview, 1);
    p->settings = s;
    p->iteration = s->base_recipe != NULL ? 0 : 1;
    TRY(arena_make(&p->keep, "documents", PLAN_STEP_ADDRESSES));
    e = arena_make(&p->step, "step", PLAN_STEP_ADDRESSES);
    if (e == OK)
        e = write(t, p, recipe, colour);
    arena_free(&p->step);
    arena_free(&p->keep);
    return e;
}
