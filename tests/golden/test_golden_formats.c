#include "io/file.h"
#include "io/json.h"
#include "model/decode.h"
#include "model/files/export_model.h"
#include "model/files/import.h"
#include "model/text/foreign_vocab.h"
#include "model/vocab.h"
#include "tests/golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One model in several files must be one model: the same bits as its Hugging Face folder where the
// file holds f32, and results within what its type can say where it does not.  What the goldens
// hold is printed with six digits.

typedef struct Model {
    Net         net;
    ImportModel found;
    Vocab      *vocab;
} Model;

static Err open_model(Arena *a, const char *path, Model *m)
{
    const Json *json;

    TRY(import_find(a, path, &m->found));
    // The tool that made the GGUF file wrote 128 into every file, and the texts are longer.
    m->found.dims.T = m->found.dims.T < 512 ? 512 : m->found.dims.T;
    m->net = net_make(a, &m->found.dims, NET_INFER);
    TRY(import_load(a, &m->found, &m->net.params, m->net.flat));
    net_pack(&m->net);
    m->vocab = NULL;
    if (m->found.tokenizer == NULL)
        return OK;
    TRY(json_parse(a, path, m->found.tokenizer, (int64_t)strlen(m->found.tokenizer),
                   JSON_NO_COMMENTS, &json));
    return vocab_make(a, json, &m->vocab);
}

static int64_t integers(Arena *a, const Json *object, const char *key, int32_t **out)
{
    const Json *array = json_member(object, key);
    int64_t     i = 0;

    CHECK(array != NULL && array->kind == JSON_ARRAY, "%s", key);
    *out = arena_new(a, int32_t, array->length);
    for (const Json *one = array->child; one != NULL; one = one->next)
        (*out)[i++] = (int32_t)one->number;
    return i;
}

// Log-probabilities [N] and, if asked, all logits [N][V].
static double score(Arena *a, const Net *net, const int32_t *ids, int64_t N, float **logits)
{
    Acts  *acts = acts_make(a, net, N, N, NET_INFER);
    Batch  b = batch_make(a, N, 1);
    float *logp = arena_new(a, float, N), *weight = arena_new(a, float, N);
    double sum = 0;

    *logits = arena_new(a, float, N * net->params.dims.V);
    batch_add(&b, ids, weight, N, 1);
    net_score(net, acts, &b, logp, *logits);
    for (int64_t n = 0; n + 1 < N; n++)
        sum -= (double)logp[n];
    return sum / (double)(N - 1);
}

static void compare_texts(Arena *a, const Model *m, const Json *golden)
{
    for (const Json *one = json_member(golden, "cases")->child; one != NULL; one = one->next) {
        const Json *prompt = json_member(one, "prompt");
        int32_t    *want, *got = arena_new(a, int32_t, 4096);
        int64_t     count, N = integers(a, one, "ids", &want);

        EXPECT_OK(vocab_encode(m->vocab, prompt->text, prompt->length, got, 4096, &count));
        EXPECT_OK(vocab_frame(m->vocab, got, 4096, &count));
        EXPECT_INT(count, N);
        EXPECT_INT(memcmp(got, want, (size_t)N * sizeof *got), 0);
        check_compared(1);
    }
}

static void compare_greedy(Arena *a, const Model *m, const Json *golden)
{
    Decoder      *d = decoder_make(a, &m->net, NULL, 2, m->net.params.dims.T, 1);
    DecodeRequest ask = {.spec = {.top_p = 1, .repetition_penalty = 1}, .ignores_eos = 1};

    for (const Json *one = json_member(golden, "cases")->child; one != NULL; one = one->next) {
        int32_t     *prompt, *want;
        DecodeResult r;

        ask.prompt_length = integers(a, one, "ids", &prompt);
        ask.max_tokens = integers(a, one, "greedy_ids", &want);
        ask.prompt = prompt;
        EXPECT_OK(decoder_submit(d, &ask));
        while (decoder_running(d) > 0)
            decoder_step(d);
        EXPECT_INT(decoder_take(d, &r), 1);
        EXPECT_INT(memcmp(r.ids, want, (size_t)ask.max_tokens * sizeof *want), 0);
        check_compared(1);
    }
}

typedef struct File {
    const char *path;  // below models/
    double      error; // of a logit against the Hugging Face folder; 0: the same bits
    double      nll_error;
    int         has_vocab;
} File;

static Err compare_file(Arena *a, const char *assets, const char *name, double published,
                        const File *f)
{
    char        path[4096];
    const Json *golden;
    Model       ours, theirs;
    int32_t    *ids;
    float      *got, *want;
    double      nll;
    int64_t     N, count;

    snprintf(path, sizeof path, "%s/models/%s-hf", assets, name);
    TRY(open_model(a, path, &ours));
    snprintf(path, sizeof path, "%s/models/%s", assets, f->path);
    TRY(open_model(a, path, &theirs));
    snprintf(path, sizeof path, "%s/models/goldens/%s.json", assets, name);
    TRY(json_read(a, path, JSON_NO_COMMENTS, &golden));
    EXPECT_INT(theirs.net.params.total, ours.net.params.total);
    N = integers(a, golden, "nll_ids", &ids);
    count = N * ours.net.params.dims.V;
    score(a, &ours.net, ids, N, &want);
    nll = score(a, &theirs.net, ids, N, &got);
    EXPECT_WITHIN(nll - published, f->nll_error);
    if (f->error > 0) {
        EXPECT_FLOATS(got, want, count, f->error);
    } else {
        EXPECT_INT(memcmp(got, want, (size_t)count * sizeof *got), 0);
        compare_greedy(a, &theirs, golden);
    }
    check_compared(N);
    EXPECT_INT(theirs.vocab != NULL, f->has_vocab);
    if (theirs.vocab != NULL)
        compare_texts(a, &theirs, golden);
    return OK;
}

static void compare(const char *name, double published, const File *files, int count)
{
    const char *assets = check_assets();

    if (assets == NULL)
        return;
    EXPECT_OK(gemm_start());
    for (int i = 0; i < count; i++) {
        Arena a;

        EXPECT_OK(arena_make(&a, "formats", 1 << 30));
        EXPECT_OK(compare_file(&a, assets, name, published, &files[i]));
        arena_free(&a);
    }
}

static void stories260k_is_the_same_in_every_format(const Comm *c)
{
    static const File files[] = {{"stories260K-hf", 0, 2e-5, 1},
                                 {"stories260K/stories260K.bin", 0, 2e-5, 1},
                                 {"stories260K/stories260K_llama2c_v1.bin", 0, 2e-5, 1},
                                 {"stories260K/stories260Ktok512.gguf", 0, 2e-5, 1},
                                 // eight bits for groups of 8
                                 {"stories260K/stories260K-q8.bin", 0.4, 0.0001, 1}};

    (void)c;
    compare("stories260K", 1.305088, files, 5);
}

static void babyllama_is_the_same_in_every_format(const Comm *c)
{
    static const File files[] = {{"babyllama-tok105-hf", 0, 2e-5, 1},
                                 {"babyllama-tok105/model5000.bin", 0, 2e-5, 1}};

    (void)c;
    compare("babyllama-tok105", 0.651187, files, 2);
}

// ---- out and in again

typedef struct Trip {
    const char *name; // of the file or folder
    ExportType  type;
    int         is_gguf;
    double      weight; // error of a weight, relative to the largest of its 32; 0: every bit
    double      nll;
} Trip;

static const Trip TRIPS[] = {{"f32-hf", EXPORT_F32, 0, 0, 0},
                             {"f16-hf", EXPORT_F16, 0, 1.0 / 2048, 0.002},
                             {"bf16-hf", EXPORT_BF16, 0, 1.0 / 256, 0.02},
                             {"f32.gguf", EXPORT_F32, 1, 0, 0},
                             {"f16.gguf", EXPORT_F16, 1, 1.0 / 2048, 0.002},
                             {"bf16.gguf", EXPORT_BF16, 1, 1.0 / 256, 0.02},
                             {"q8_0.gguf", EXPORT_Q8_0, 1, 0.5 / 127 + 1.0 / 2048, 0.02}};
enum { TRIP_COUNT = sizeof TRIPS / sizeof TRIPS[0] };

// The largest error of a weight against the largest weight of its 32 (rows are whole blocks, or
// the type is none with blocks).
static double weight_error(const Params *p, const float *want, const float *got)
{
    double worst = 0;

    for (int n = 0; n < p->count; n++) {
        const float *w = want + p->list[n].offset, *g = got + p->list[n].offset;
        int64_t      count = p->list[n].rows * p->list[n].columns;

        for (int64_t i = 0; i < count; i++) {
            int64_t first = i / 32 * 32, end = first + 32 < count ? first + 32 : count;
            float   largest = 0;

            for (int64_t j = first; j < end; j++)
                largest = fabsf(w[j]) > largest ? fabsf(w[j]) : largest;
            if (largest > 0)
                worst = fmax(worst, fabs((double)w[i] - (double)g[i]) / (double)largest);
            else
                worst = fmax(worst, fabs((double)g[i]));
        }
    }
    return worst;
}

static Err there_and_back(Arena *a, const Trip *trip, const Model *m, const char *folder,
                          const Json *golden)
{
    ExportModel out = {.params = &m->net.params,
                       .flat = m->net.flat,
                       .tokenizer = m->found.tokenizer,
                       .name = "trip"};
    char        path[FILE_PATH_MAX];
    Model       back;
    int32_t    *ids;
    float      *logits;
    int64_t     N = integers(a, golden, "nll_ids", &ids);
    double      before = score(a, &m->net, ids, N, &logits), error;

    TRY(file_join(path, folder, trip->name));
    TRY(trip->is_gguf ? export_gguf(a, &out, trip->type, path)
                      : export_hf(a, &out, trip->type, path));
    TRY(open_model(a, path, &back));
    EXPECT_INT(back.net.params.total, m->net.params.total);
    error = weight_error(&m->net.params, m->net.flat, back.net.flat);
    EXPECT(error <= trip->weight);
    EXPECT_WITHIN(score(a, &back.net, ids, N, &logits) - before, trip->nll + 1e-12);
    EXPECT(back.vocab != NULL);
    if (back.vocab != NULL) {
        compare_texts(a, &back, golden);
        EXPECT_INT(vocab_size(back.vocab), vocab_size(m->vocab));
        EXPECT_INT(vocab_bos(back.vocab), vocab_bos(m->vocab));
        EXPECT_INT(vocab_eos(back.vocab), vocab_eos(m->vocab));
    }
    check_compared(1);
    return OK;
}

static Err travel(Arena *a, const char *assets, const char *name, const char *model,
                  const char *folder)
{
    char        path[4096];
    const Json *golden;
    Model       m;

    snprintf(path, sizeof path, "%s/models/%s", assets, model);
    TRY(open_model(a, path, &m));
    snprintf(path, sizeof path, "%s/models/goldens/%s.json", assets, name);
    TRY(json_read(a, path, JSON_NO_COMMENTS, &golden));
    for (int i = 0; i < TRIP_COUNT; i++) {
        ArenaMark mark = arena_mark(a);

        TRY(there_and_back(a, &TRIPS[i], &m, folder, golden));
        arena_back(a, mark);
    }
    return OK;
}

static void exports_come_back_within_the_error_of_their_type(const Comm *c)
{
    static const char *const models[][2] = {{"stories260K", "stories260K-hf"},
                                            {"stories260K", "stories260K/stories260K.bin"},
                                            {"stories260K", "stories260K/stories260Ktok512.gguf"},
                                            {"babyllama-tok105", "babyllama-tok105-hf"}};
    const char              *assets = check_assets();

    if (assets == NULL)
        return;
    EXPECT_OK(gemm_start());
    for (int i = 0; i < 4; i++) {
        Arena a;

        EXPECT_OK(arena_make(&a, "trips", 1 << 30));
        EXPECT_OK(travel(&a, assets, models[i][0], models[i][1], check_folder(c, "trips")));
        arena_free(&a);
    }
}

// ---- vocabularies alone

// Texts with lines of their own between them; the ids of each on a line.
static void compare_vectors(Arena *a, const char *assets, const char *name, const Vocab *v)
{
    static const char between[] = "\n__ggml_vocab_test__\n";
    char              path[4096], *text, *line;
    int64_t           bytes;

    snprintf(path, sizeof path, "%s/tokenizers/vectors/ggml-vocab-%s.gguf.inp", assets, name);
    EXPECT_OK(file_read(a, path, 1 << 20, &text, &bytes));
    snprintf(path, sizeof path, "%s/tokenizers/vectors/ggml-vocab-%s.gguf.out", assets, name);
    EXPECT_OK(file_read(a, path, 1 << 20, &line, &bytes));
    while (text != NULL) {
        char    *next = strstr(text, between), *end = line;
        int64_t  length = next == NULL ? (int64_t)strlen(text) : next - text, count, i;
        int64_t  room = vocab_room(v, text, length);
        int32_t *got = arena_new(a, int32_t, room);

        EXPECT_OK(vocab_encode(v, text, length, got, room, &count));
        for (i = 0; *line != 0 && *line != '\n'; i++, line = end + strspn(end, " ")) {
            long id = strtol(line, &end, 10);

            EXPECT(end > line && i < count && got[i] == id);
            if (end == line)
                return;
        }
        EXPECT_INT(count, i);
        line += *line == '\n';
        text = next == NULL ? NULL : next + sizeof between - 1;
        check_compared(1);
    }
}

static Err vocab_of_gguf(Arena *a, const char *path, Vocab **out)
{
    const char *json;
    const Json *root;
    Gguf        g;
    Err         e = gguf_open(a, path, &g);

    if (e == OK)
        e = foreign_vocab_gguf(a, &g, &json);
    gguf_close(&g);
    TRY(e);
    TRY(json_parse(a, path, json, (int64_t)strlen(json), JSON_NO_COMMENTS, &root));
    return vocab_make(a, root, out);
}

// By way of a GGUF file without tensors.
static Err vocab_there_and_back(Arena *a, const char *tokenizer, const char *path, Vocab **out)
{
    GgufMeta    meta = gguf_meta(a);
    const char *json;
    const Json *root;
    Vocab      *v;

    TRY(vocab_source(a, tokenizer, &json));
    TRY(json_parse(a, tokenizer, json, (int64_t)strlen(json), JSON_NO_COMMENTS, &root));
    TRY(vocab_make(a, root, &v));
    TRY(foreign_vocab_put(a, root, NULL, vocab_size(v) + 7, &meta));
    TRY(gguf_write(a, path, &meta, NULL, 0, NULL, NULL));
    TRY(vocab_of_gguf(a, path, out));
    EXPECT_INT(vocab_size(*out), vocab_size(v)); // rows without a token have none again
    EXPECT_INT(vocab_bos(*out), vocab_bos(v));
    EXPECT_INT(vocab_eos(*out), vocab_eos(v));
    return OK;
}

// SentencePiece's file alone, exported: a tokenizer.json stands beside it, and is what is read.
static Err vocab_by_folder(Arena *a, const char *tokenizer, const char *folder, Vocab **out)
{
    const char *json;
    const Json *root;

    TRY(vocab_source(a, tokenizer, &json));
    TRY(json_parse(a, tokenizer, json, (int64_t)strlen(json), JSON_NO_COMMENTS, &root));
    TRY(foreign_vocab_folder(a, root, NULL, folder));
    TRY(vocab_source(a, folder, &json));
    EXPECT(strstr(json, "\"tokenizer.json\"") != NULL);
    return vocab_open(a, folder, out);
}

static void sentencepiece_models_come_as_tokenizer_json(const Comm *c)
{
    const char *assets = check_assets();
    char        path[4096];
    Vocab      *v = NULL;
    Arena       a;

    if (assets == NULL)
        return;
    EXPECT_OK(arena_make(&a, "vocabularies", (int64_t)1 << 34));
    snprintf(path, sizeof path, "%s/tokenizers/llama2/tokenizer.model", assets);
    EXPECT_OK(vocab_by_folder(&a, path, check_folder(c, "spm"), &v));
    if (v != NULL)
        compare_vectors(&a, assets, "llama-spm", v);
    arena_free(&a);
}

static void vocabularies_of_gguf_files_meet_published_ids(const Comm *c)
{
    static const char *const pairs[][2] = {{"gpt-2", "gpt2"},
                                           {"gpt-2", "gpt2/vocab.json"},
                                           {"llama-spm", "llama2"},
                                           {"llama-spm", "llama2/tokenizer.model"},
                                           {"qwen2", "qwen2"}};
    const char              *assets = check_assets();
    char                     path[4096], out[4096];
    Vocab                   *v = NULL;
    Arena                    a;

    if (assets == NULL)
        return;
    EXPECT_OK(arena_make(&a, "vocabularies", (int64_t)1 << 34));
    snprintf(path, sizeof path, "%s/tokenizers/vectors/ggml-vocab-gpt-2.gguf", assets);
    EXPECT_OK(vocab_of_gguf(&a, path, &v));
    if (v != NULL)
        compare_vectors(&a, assets, "gpt-2", v);
    snprintf(out, sizeof out, "%s/vocab.gguf", check_folder(c, "vocab"));
    for (int i = 0; i < 5; i++) {
        arena_back(&a, 0);
        v = NULL;
        snprintf(path, sizeof path, "%s/tokenizers/%s", assets, pairs[i][1]);
        EXPECT_OK(vocab_there_and_back(&a, path, out, &v));
        if (v != NULL)
            compare_vectors(&a, assets, pairs[i][0], v);
    }
    arena_free(&a);
}

TEST_MAIN(CASE(stories260k_is_the_same_in_every_format),
          CASE(babyllama_is_the_same_in_every_format),
          CASE(exports_come_back_within_the_error_of_their_type),
          CASE(vocabularies_of_gguf_files_meet_published_ids),
          CASE(sentencepiece_models_come_as_tokenizer_json))
