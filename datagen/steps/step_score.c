// score: puts a number on a record.
#include "datagen/step.h"

#include "base/unitext.h"
#include "datagen/steps/keys.h"

typedef enum By { BY_ROUGE_L, BY_WORDS, BY_CHARACTERS } By;

typedef struct Score {
    int         by, tokens;
    const char *in, *with, *into;
} Score;

static const ConfigField fields[] = {
    {"by", CONFIG_ENUM, offsetof(Score, by), NULL, 0, 0, "rouge-l|words|characters", NULL,
     "rouge-l: F of the longest common subsequence of words with another field, 0 to 1; or how "
     "many "
     "words or characters it has."},
    {"in", CONFIG_TEXT, offsetof(Score, in), NULL, 0, 0, NULL, NULL, "Field that is measured."},
    {"with", CONFIG_TEXT, offsetof(Score, with), "", 0, 0, NULL, NULL, "rouge-l: the other field."},
    {"tokens", CONFIG_ENUM, offsetof(Score, tokens), "google", 0, 0, "google|unicode", NULL,
     "rouge-l: words of a-z and 0-9 alone, or of letters and digits of any script."},
    {"into", CONFIG_TEXT, offsetof(Score, into), NULL, 0, 0, NULL, NULL, "Name of the score."},
    {0}};

static const Key keys[] = {
    {"with", 1 << BY_ROUGE_L, 1 << BY_ROUGE_L}, {"tokens", 1 << BY_ROUGE_L, 0}, {0}};

static const char *const names[] = {"rouge-l", "words", "characters"};

static Err read_score(StepReader *reader, const Json *json, Op *op)
{
    const Score *s = op->settings;

    TRY(keys_check(json, names[s->by], s->by, keys));
    TRY(step_wants_field(reader, json_member(json, "in"), s->in));
    if (s->by == BY_ROUGE_L)
        TRY(step_wants_field(reader, json_member(json, "with"), s->with));
    return step_gives_score(reader, json_member(json, "into"), s->into);
}

static double rouge(const Score *s, const RecordField *a, const RecordField *b, Arena *scratch)
{
    ArenaMark  mark = arena_mark(scratch);
    NearWords *words = near_words(scratch, s->tokens == 0 ? NEAR_GOOGLE : NEAR_UNICODE);
    int64_t    A, B;
    uint32_t  *x = near_tokens(words, scratch, (NearText){a->text, a->length}, &A);
    uint32_t  *y = near_tokens(words, scratch, (NearText){b->text, b->length}, &B);
    double     f = near_rouge(near_lcs(scratch, x, A, y, B), A, B);

    arena_back(scratch, mark);
    return f;
}

static StepAnswer run_score(const StepRun *run, const void *settings, Record *r)
{
    const Score       *s = settings;
    const RecordField *in = record_field(r, s->in);
    Span               text = {in->text, in->length};
    double             value;

    (void)run;
    switch (s->by) {
    case BY_ROUGE_L: value = rouge(s, in, record_field(r, s->with), r->arena); break;
    case BY_WORDS: value = (double)unitext_words(text); break;
    default: value = (double)unitext_characters(text); break;
    }
    record_rate(r, s->into, value);
    return STEP_NEXT;
}

const StepKind step_score = {.name = "score",
                             .about = "Puts a number on a record: likeness or size of a text.",
                             .fields = fields,
                             .bytes = sizeof(Score),
                             .read = read_score,
                             .run = run_score};
