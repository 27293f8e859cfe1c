#include "base/hash.h"
#include "cli/commands.h"
#include "cli/model_files.h"
#include "io/file.h"
#include "io/h5.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Scores {
    float *logp;   // [tokens]
    float *logits; // [tokens][V] or NULL
} Scores;

// One document at a time: the same bits as in any batch, and activations for the longest suffice.
static void score_list(const Net *net, Acts *acts, Arena *scratch, const IdLists *ids, int64_t i,
                       Scores *out)
{
    ArenaMark      mark = arena_mark(scratch);
    int64_t        first = ids->begin[i], n = ids->begin[i + 1] - first, V = net->params.dims.V;
    Batch          b = batch_make(scratch, n, 1);
    float         *weight = arena_new(scratch, float, n), *logp = arena_new(scratch, float, n);
    const int32_t *token = ids->id + first;

    batch_add(&b, token, weight, n, 1.0f);
    net_score(net, acts, &b, logp, out->logits == NULL ? NULL : out->logits + first * V);
    for (int64_t t = 1; t < n; t++) // net_score gives them at the token before
        out->logp[first + t] = logp[t - 1];
    arena_back(scratch, mark);
}

static Err put_scores(H5File *f, const IdLists *ids, const Scores *s, int64_t V)
{
    int64_t total = ids->begin[ids->count];
    H5Array offsets = {"/offsets",       "where each array of ids begins; the last is the total",
                       "array",          NULL,
                       H5_I64,           1,
                       {ids->count + 1}, ids->begin};
    H5Array logprobs = {"/logprobs",
                        "log-probability of each id given the ids before it in its array; 0 for "
                        "the first",
                        "token",
                        "nat",
                        H5_F32,
                        1,
                        {total},
                        s->logp};
    H5Array logits = {"/logits",
                      "scores over the vocabulary for the id that follows each id",
                      "token,vocabulary",
                      NULL,
                      H5_F32,
                      2,
                      {total, V},
                      s->logits};

    TRY(h5_put(f, &offsets));
    TRY(h5_put(f, &logprobs));
    return s->logits == NULL ? OK : h5_put(f, &logits);
}

static Err write_scores(const char *path, const IdLists *ids, const Scores *s, int64_t V)
{
    char     part[FILE_PATH_MAX];
    H5File  *f;
    uint64_t sum;
    int64_t  bytes;
    Err      e;

    if (snprintf(part, sizeof part, "%s.part-%d", path, (int)getpid()) >= (int)sizeof part)
        FAIL(ERR_USAGE, "the path %.60s... is too long", path);
    TRY(h5_create(part, "tandem scores", 1, &f));
    e = put_scores(f, ids, s, V);
    if (e != OK) {
        h5_abandon(f);
        return e;
    }
    TRY(h5_seal(f, &sum, &bytes));
    return file_move(part, path);
}

static Err check_lengths(const IdLists *ids, const Dims *d, const char *file)
{
    if (ids->count == 0)
        FAIL(ERR_DATA, "%s: holds no array of token ids", file);
    if (ids->longest > d->T)
        FAIL(ERR_DATA, "%s: an array holds %lld ids, more than the model's context of %lld", file,
             (long long)ids->longest, (long long)d->T);
    return OK;
}

static Err score(Arena *arena, const Command *c, const Args *a)
{
    const char *model = args_text(c, a, "model"), *file = args_text(c, a, "ids");
    const char *path = args_text(c, a, "out");
    ImportModel found;
    const Dims *d = &found.dims;
    IdLists     ids;
    Arena       run;
    Net         net;
    Scores      s = {0};

    if (model == NULL || file == NULL || path == NULL)
        FAIL(
            ERR_USAGE,
            "tandem score: --model PATH, --ids FILE.json and --out FILE.h5 are needed; see --help");
    TRY(import_find(arena, model, &found));
    TRY(model_files_ids(arena, file, d->V, &ids));
    TRY(check_lengths(&ids, d, file));
    TRY(arena_make(&run, "run",
                   net_need(d, NET_INFER) + acts_need(d, ids.longest, ids.longest, NET_INFER) +
                       (1 << 20)));
    TRY(model_files_open(&run, arena, &found, &net));
    s.logp = arena_new(arena, float, ids.begin[ids.count]);
    if (args_has(c, a, "logits"))
        s.logits = arena_new(arena, float, ids.begin[ids.count] * d->V);
    Acts *acts = acts_make(&run, &net, ids.longest, ids.longest, NET_INFER);
    for (int64_t i = 0; i < ids.count; i++)
        score_list(&net, acts, arena, &ids, i, &s);
    TRY(write_scores(path, &ids, &s, d->V));
    arena_free(&run);
    return OK;
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? score(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"model", "PATH", NULL,
     "Hugging Face folder, .gguf file, .bin file of llama2.c, weight file, or run directory"},
    {"ids", "FILE.json", NULL, "an array of arrays of token ids"},
    {"out", "FILE.h5", NULL, "holds /offsets, /logprobs and, if asked, /logits"},
    {"logits", NULL, NULL, "also write the scores over the whole vocabulary"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_SCORE = {
    .name = "score",
    .usage = "--model PATH --ids FILE.json --out FILE.h5 [--logits]",
    .about = "log-probabilities of given token ids, with the bits that the sampler stores",
    .details = "",
    .examples = "  echo '[[16, 7, 10, 5, 11]]' > ids.json\n"
                "  tandem score --model runs/star-tiny --ids ids.json --out scores.h5 --logits\n",
    .words_min = 0,
    .words_max = 0,
    .options = OPTIONS,
    .run = run};
