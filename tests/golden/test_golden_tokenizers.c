// Tokenizers of others, id by id and text by text: the goldens were made with the library
// `tokenizers`, the assets bring published files and published ids.
#include "io/file.h"
#include "io/json.h"
#include "model/text/bpe_train.h"
#include "model/text/zeros.h"
#include "model/vocab.h"
#include "tests/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static Arena arena;

static void open_arena(void)
{
    arena_free(&arena);
    EXPECT_OK(arena_make(&arena, "test", (int64_t)1 << 34));
}

// ---- what was expected

typedef struct Vectors {
    const Json *root;
    char        zero[ZEROS_STAND_IN];
} Vectors;

static int read_vectors(const char *folder, const char *name, Vectors *out)
{
    char    path[FILE_PATH_MAX], *text;
    int64_t bytes;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    EXPECT_OK(file_read(&arena, path, 1 << 26, &text, &bytes));
    EXPECT_OK(zeros_hide(path, text, bytes, out->zero));
    EXPECT_OK(json_parse(&arena, path, text, bytes, JSON_NO_COMMENTS, &out->root));
    return out->root != NULL;
}

static Text text_of(const Vectors *x, const Json *one, const char *key)
{
    const Json *node = json_member(one, key);
    Text        t = {.arena = &arena};

    CHECK(node != NULL && node->kind == JSON_TEXT, "%s", key);
    t.data = arena_new(&arena, char, node->length + 1);
    t.length = zeros_show(t.data, node->text, node->length, x->zero);
    return t;
}

typedef struct Ids {
    int32_t *at;
    int64_t  count;
} Ids;

static Ids ids_of(const Json *one, const char *key)
{
    const Json *node = json_member(one, key);
    Ids         ids = {0};

    CHECK(node != NULL && node->kind == JSON_ARRAY, "%s", key);
    ids.at = arena_new(&arena, int32_t, node->length);
    for (const Json *m = node->child; m != NULL; m = m->next)
        ids.at[ids.count++] = (int32_t)m->number;
    return ids;
}

static void show(Text *t, const Ids *ids)
{
    for (int64_t i = 0; i < ids->count; i++)
        text_printf(t, " %d", ids->at[i]);
}

static void expect_ids(const Text *text, const Ids *got, const Ids *want)
{
    Text a = text_make(&arena), b = text_make(&arena);

    show(&a, got);
    show(&b, want);
    if (strcmp(a.data, b.data) != 0)
        printf("# of the text \"%.*s\"\n", (int)text->length, text->data);
    EXPECT_TEXT(a.data, b.data);
    check_compared(1);
}

static void expect_text(const Text *got, const Text *want)
{
    EXPECT_INT(got->length, want->length);
    if (got->length == want->length && memcmp(got->data, want->data, (size_t)got->length) != 0)
        EXPECT_TEXT(got->data, want->data);
    check_compared(1);
}

// ---- what we make of it

static Ids encode(const Vocab *v, const Text *text, int recognises, int frames)
{
    int64_t room = vocab_room(v, text->data, text->length) + VOCAB_FRAME_MAX;
    Ids     ids = {.at = arena_new(&arena, int32_t, room)};
    Err e = (recognises ? vocab_encode_special : vocab_encode)(v, text->data, text->length, ids.at,
                                                               room - VOCAB_FRAME_MAX, &ids.count);

    EXPECT_OK(e);
    if (frames)
        EXPECT_OK(vocab_frame(v, ids.at, room, &ids.count));
    return ids;
}

static Text decode(const Vocab *v, const Ids *ids, VocabSpecial special)
{
    Text t = text_make(&arena);

    EXPECT_OK(vocab_decode_all(v, ids->at, ids->count, special, &t));
    return t;
}

static Vocab *open_vocab(const char *folder, const char *name)
{
    char   path[FILE_PATH_MAX];
    Vocab *v = NULL;

    EXPECT_OK(file_join(path, folder, name));
    EXPECT_OK(vocab_open(&arena, path, &v));
    return v;
}

// What a weight file would bring back.
static Vocab *written(const Vocab *v)
{
    Text        t = text_make(&arena), again = text_make(&arena);
    const Json *json = NULL;
    Vocab      *back = NULL;

    vocab_write(&t, v);
    EXPECT_OK(json_parse(&arena, "written", t.data, t.length, JSON_NO_COMMENTS, &json));
    if (json == NULL)
        return NULL;
    EXPECT_OK(vocab_make(&arena, json, &back));
    if (back != NULL)
        vocab_write(&again, back);
    EXPECT(again.length == t.length && memcmp(again.data, t.data, (size_t)t.length) == 0);
    return back;
}

// ---- small tokenizers with every kind of text

static void compare_case(const Vocab *v, const Vectors *x, const Json *one)
{
    Text text = text_of(x, one, "text"), decoded = text_of(x, one, "decoded");
    Text skipped = text_of(x, one, "decoded_skip_special"), got;
    Ids  ids = ids_of(one, "ids"), framed = ids_of(one, "ids_with_special"), mine;

    mine = encode(v, &text, 1, 0);
    expect_ids(&text, &mine, &ids);
    mine = encode(v, &text, 1, 1);
    expect_ids(&text, &mine, &framed);
    got = decode(v, &ids, VOCAB_KEEP_SPECIAL);
    expect_text(&got, &decoded);
    got = decode(v, &framed, VOCAB_SKIP_SPECIAL);
    expect_text(&got, &skipped);
}

static void compare_decoding(const Vocab *v, const Vectors *x, const Json *one)
{
    Ids  ids = ids_of(one, "ids");
    Text decoded = text_of(x, one, "decoded"), skipped = text_of(x, one, "decoded_skip_special");
    Text got = decode(v, &ids, VOCAB_KEEP_SPECIAL);

    expect_text(&got, &decoded);
    got = decode(v, &ids, VOCAB_SKIP_SPECIAL);
    expect_text(&got, &skipped);
}

static void compare_folder(const char *goldens, const char *name)
{
    char    path[FILE_PATH_MAX];
    Vectors x = {0};
    Vocab  *v, *back;

    open_arena();
    snprintf(path, sizeof path, "tokenizer/%s/vectors.json", name);
    if (!read_vectors(goldens, path, &x))
        return;
    v = open_vocab(goldens, json_member(x.root, "tokenizer")->text);
    back = v == NULL ? NULL : written(v);
    if (back == NULL)
        return;
    for (const Json *one = json_member(x.root, "cases")->child; one != NULL; one = one->next) {
        compare_case(v, &x, one);
        compare_case(back, &x, one);
    }
    for (const Json *one = json_member(x.root, "decode_only")->child; one != NULL; one = one->next)
        compare_decoding(v, &x, one);
}

// Byte-level, with blanks as marks, with blanks that are normalized: whatever the set has.
static void tokenizers_of_the_goldens_meet_every_id_and_text(const Comm *c)
{
    const char *goldens = check_goldens(), *folder = check_golden("tokenizer");
    char      **names, path[FILE_PATH_MAX];
    int         count, compared = 0;
    Arena       a;

    (void)c;
    if (folder == NULL)
        return;
    EXPECT_OK(arena_make(&a, "names", 1 << 20));
    EXPECT_OK(file_list(&a, folder, &names, &count));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/tokenizer/%s/vectors.json", goldens, names[i]);
        if (file_exists(path)) {
            compare_folder(goldens, names[i]);
            compared++;
        }
    }
    EXPECT(compared > 0);
    arena_free(&a);
}

// ---- published ones

static void compare_texts(const Vocab *v, const Vectors *x, const Json *list)
{
    for (const Json *one = list->child; one != NULL; one = one->next) {
        Text text = text_of(x, one, "text");
        Ids  want = ids_of(one, "ids"), got = encode(v, &text, 1, 0);

        expect_ids(&text, &got, &want);
    }
}

// The keys of real.json are folders beside the folder of assets' own name.
static void published_tokenizers_meet_the_ids_of_the_goldens(const Comm *c)
{
    const char       *goldens = check_goldens(), *assets = check_assets();
    static const char before[] = "assets/";
    Vectors           x = {0};

    (void)c;
    if (goldens == NULL || assets == NULL || check_golden("tokenizer/real.json") == NULL)
        return;
    open_arena();
    if (!read_vectors(goldens, "tokenizer/real.json", &x))
        return;
    for (const Json *one = x.root->child; one != NULL; one = one->next) {
        Vocab *v;

        CHECK(strncmp(one->key, before, sizeof before - 1) == 0, "%s", one->key);
        v = open_vocab(assets, one->key + sizeof before - 1);
        if (v != NULL)
            compare_texts(v, &x, one);
    }
}

// Texts stand between lines of their own; ids are one line each.
static void compare_published(const char *assets, const char *name, const Vocab *v)
{
    static const char between[] = "\n__ggml_vocab_test__\n";
    char              path[FILE_PATH_MAX], *texts, *lines, *end;
    int64_t           bytes;

    snprintf(path, sizeof path, "%s/tokenizers/vectors/ggml-vocab-%s.gguf.inp", assets, name);
    EXPECT_OK(file_read(&arena, path, 1 << 20, &texts, &bytes));
    snprintf(path, sizeof path, "%s/tokenizers/vectors/ggml-vocab-%s.gguf.out", assets, name);
    EXPECT_OK(file_read(&arena, path, 1 << 20, &lines, &bytes));
    while (texts != NULL) {
        char *next = strstr(texts, between);
        Text text = {.data = texts, .length = next == NULL ? (int64_t)strlen(texts) : next - texts};
        Ids  want = {.at = arena_new(&arena, int32_t, bytes)}, got;

        for (end = lines; *end != 0 && *end != '\n';) {
            int read = 0;

            if (sscanf(end, "%d%n", &want.at[want.count], &read) == 1 && *end != '\n') {
                want.count++;
                end += read;
            }
            while (*end == ' ')
                end++;
        }
        lines = *end != 0 ? end + 1 : end;
        got = encode(v, &text, 0, 0);
        expect_ids(&text, &got, &want);
        texts = next == NULL ? NULL : next + sizeof between - 1;
    }
}

static void published_tokenizers_meet_published_ids(const Comm *c)
{
    static const char *const pairs[][2] = {{"gpt-2", "tokenizers/gpt2"},
                                           {"gpt-2", "tokenizers/gpt2/vocab.json"},
                                           {"llama-spm", "tokenizers/llama2/tokenizer.model"},
                                           {"llama-spm", "tokenizers/llama2"},
                                           {"llama-bpe", "tokenizers/llama3"},
                                           {"qwen2", "tokenizers/qwen2"}};
    const char              *assets = check_assets();

    (void)c;
    for (int i = 0; assets != NULL && i < 6; i++) {
        Vocab *v;

        open_arena();
        v = open_vocab(assets, pairs[i][1]);
        if (v == NULL)
            continue;
        compare_published(assets, pairs[i][0], v);
        v = written(v);
        if (v != NULL)
            compare_published(assets, pairs[i][0], v);
    }
}

// ---- two forms of one tokenizer

// On texts without blanks side by side: the model of stories260K makes one of them, its JSON does
// not.

static void compare_forms(const char *assets, const char *folder, const char *sample)
{
    char   path[FILE_PATH_MAX];
    Vocab *json, *model;
    Text   text = {.arena = &arena};
    Ids    a, b;

    open_arena();
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    json = open_vocab(assets, path);
    snprintf(path, sizeof path, "%s/tokenizer.model", folder);
    model = open_vocab(assets, path);
    snprintf(path, sizeof path, "%s/%s", assets, sample);
    EXPECT_OK(file_read(&arena, path, 1 << 24, &text.data, &text.length));
    if (json == NULL || model == NULL)
        return;
    EXPECT_INT(vocab_size(json), vocab_size(model));
    EXPECT_INT(vocab_bos(json), vocab_bos(model));
    EXPECT_INT(vocab_eos(json), vocab_eos(model));
    a = encode(json, &text, 1, 1);
    b = encode(model, &text, 1, 1);
    EXPECT_INT(a.count, b.count);
    EXPECT(a.count == b.count && memcmp(a.at, b.at, (size_t)a.count * sizeof *a.at) == 0);
    check_compared(1);
}

static void a_model_file_and_its_json_agree(const Comm *c)
{
    const char *assets = check_assets();

    (void)c;
    if (assets == NULL)
        return;
    compare_forms(assets, "models/stories260K-hf", "models/goldens/nll_text.txt");
    compare_forms(assets, "tokenizers/llama2", "text/tinyshakespeare/input.txt");
}

// ---- a tokenizer learned from a text, and what a reference learned from it

static int64_t lines_of(const char *text)
{
    int64_t lines = 0;

    for (; *text != 0; text++)
        lines += *text == '\n';
    return lines;
}

static void expect_merges(const char *folder, const char *want)
{
    char    path[FILE_PATH_MAX], *text = NULL, *behind;
    int64_t bytes;

    EXPECT_OK(file_join(path, folder, "merges.txt"));
    EXPECT_OK(file_read(&arena, path, 1 << 20, &text, &bytes));
    behind = text == NULL ? NULL : strchr(text, '\n'); // of the line with the version
    EXPECT_TEXT(behind == NULL ? "" : behind + 1, want);
    check_compared(lines_of(want));
}

static void expect_vocabulary(const char *folder, const char *path)
{
    char        own[FILE_PATH_MAX];
    const Json *got = NULL, *want = NULL;

    EXPECT_OK(file_join(own, folder, "vocab.json"));
    EXPECT_OK(json_read(&arena, own, JSON_NO_COMMENTS, &got));
    EXPECT_OK(json_read(&arena, path, JSON_NO_COMMENTS, &want));
    if (got == NULL || want == NULL)
        return;
    EXPECT_INT(got->length, want->length);
    for (const Json *m = want->child; m != NULL; m = m->next) {
        const Json *mine = json_member(got, m->key);

        EXPECT(mine != NULL && (int64_t)mine->number == (int64_t)m->number);
        check_compared(1);
    }
}

static void training_learns_what_the_reference_learned(const Comm *c)
{
    const char *assets = check_assets(), *folder = check_folder(c, "learned");
    char        corpus[FILE_PATH_MAX], path[FILE_PATH_MAX], *merges = NULL;
    const char *file[] = {corpus}, *special[] = {"<|endoftext|>"};
    BpeTraining what = {file, 1, special, 1, 500};
    BpeTrained  trained;
    int64_t     bytes;

    if (assets == NULL)
        return;
    open_arena();
    EXPECT_OK(file_join(corpus, assets, "tokenizers/cs336-bpe/corpus.en"));
    EXPECT_OK(bpe_train(&arena, &what, &trained));
    EXPECT_OK(bpe_train_write(&arena, &trained, folder));
    EXPECT_OK(file_join(path, assets, "tokenizers/cs336-bpe/train-bpe-reference-merges.txt"));
    EXPECT_OK(file_read(&arena, path, 1 << 20, &merges, &bytes));
    if (merges != NULL)
        expect_merges(folder, merges);
    EXPECT_OK(file_join(path, assets, "tokenizers/cs336-bpe/train-bpe-reference-vocab.json"));
    expect_vocabulary(folder, path);
}

TEST_MAIN(CASE(tokenizers_of_the_goldens_meet_every_id_and_text),
          CASE(published_tokenizers_meet_the_ids_of_the_goldens),
          CASE(published_tokenizers_meet_published_ids), CASE(a_model_file_and_its_json_agree),
          CASE(training_learns_what_the_reference_learned))
