#include "cli/commands.h"
#include "cli/model_files.h"
#include "io/file.h"
#include "model/text/bpe_train.h"
#include "model/text/zeros.h"
#include "model/vocab.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 30, SPECIAL_MAX = 1024 };

typedef struct Job {
    Arena      *arena; // what lives as long as the command
    Arena       item;  // what one text or list of ids needs
    Vocab      *vocab;
    const Json *in; // an array
    char        zero[ZEROS_STAND_IN];
    Text        out;
    int         is_special, frames;
} Job;

// ---- in and out

static Err read_array(Job *job, const char *path)
{
    char   *text;
    int64_t bytes;

    TRY(file_read(job->arena, path, FILE_BYTES_MAX, &text, &bytes));
    TRY(zeros_hide(path, text, bytes, job->zero));
    TRY(json_parse(job->arena, path, text, bytes, JSON_NO_COMMENTS, &job->in));
    if (job->in->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected an array, found %s", path, json_kind_name(job->in->kind));
    return OK;
}

static Err publish(const char *path, const Text *t)
{
    char tag[16];

    snprintf(tag, sizeof tag, "%d", (int)getpid());
    return file_publish(path, tag, t->data, t->length);
}

// ---- encode

static void write_ids(Text *t, const int32_t *ids, int64_t count)
{
    text_puts(t, "[");
    for (int64_t i = 0; i < count; i++)
        text_printf(t, "%s%d", i > 0 ? "," : "", ids[i]);
    text_puts(t, "]");
}

static Err encode_one(Job *job, const Json *one)
{
    const Vocab *v = job->vocab;
    char        *text;
    int64_t      length, room, count;
    int32_t     *ids;

    if (one->kind != JSON_TEXT)
        FAIL(ERR_DATA, "%s: expected a text to encode, found %s",
             json_where(one, (char[JSON_WORDS]){0}, JSON_WORDS), json_kind_name(one->kind));
    text = arena_new(&job->item, char, one->length + 1);
    length = zeros_show(text, one->text, one->length, job->zero);
    room = vocab_room(v, text, length) + VOCAB_FRAME_MAX;
    ids = arena_new(&job->item, int32_t, room);
    TRY(job->is_special ? vocab_encode_special(v, text, length, ids, room, &count)
                        : vocab_encode(v, text, length, ids, room, &count));
    if (job->frames)
        TRY(vocab_frame(v, ids, room, &count));
    write_ids(&job->out, ids, count);
    return OK;
}

// ---- decode

static Err decode_one(Job *job, const Json *one)
{
    Text     text = text_make(&job->item);
    int32_t *ids;
    int64_t  count = 0, id;

    if (one->kind != JSON_ARRAY)
        FAIL(ERR_DATA, "%s: expected an array of token ids, found %s",
             json_where(one, (char[JSON_WORDS]){0}, JSON_WORDS), json_kind_name(one->kind));
    ids = arena_new(&job->item, int32_t, one->length);
    for (const Json *m = one->child; m != NULL; m = m->next) {
        TRY(json_i64(m, 0, vocab_size(job->vocab) - 1, &id));
        ids[count++] = (int32_t)id;
    }
    TRY(vocab_decode_all(job->vocab, ids, count,
                         job->is_special ? VOCAB_KEEP_SPECIAL : VOCAB_SKIP_SPECIAL, &text));
    text_json(&job->out, text.data, text.length);
    return OK;
}

typedef Err (*Convert)(Job *job, const Json *one);

static Err convert_all(Job *job, Convert one)
{
    ArenaMark mark = arena_mark(&job->item);

    text_puts(&job->out, "[\n");
    for (const Json *m = job->in->child; m != NULL; m = m->next) {
        TRY(one(job, m));
        text_puts(&job->out, m->next != NULL ? ",\n" : "\n");
        arena_back(&job->item, mark);
    }
    text_puts(&job->out, "]\n");
    return OK;
}

static Err convert(Arena *arena, const Command *c, const Args *a, Convert one)
{
    const char *tokenizer = args_text(c, a, "tokenizer"), *in = args_text(c, a, "in");
    const char *out = args_text(c, a, "out");
    Job         job = {.arena = arena, .is_special = args_has(c, a, "special")};
    Arena       texts;
    Err         e;

    if (tokenizer == NULL || in == NULL || out == NULL)
        FAIL(ERR_USAGE, "tandem tokenizer: --tokenizer, --in and --out are needed; see --help");
    job.frames = args_has(c, a, "frame");
    TRY(model_files_tokenizer(arena, tokenizer, &job.vocab));
    TRY(read_array(&job, in));
    TRY(arena_make(&job.item, "text", (int64_t)1 << 36));
    TRY(arena_make(&texts, "output", (int64_t)1 << 36));
    job.out = text_make(&texts);
    e = convert_all(&job, one);
    if (e == OK)
        e = publish(out, &job.out);
    arena_free(&texts);
    arena_free(&job.item);
    return e;
}

// ---- train

// Names with blanks between them.
static int split_names(Arena *arena, const char *text, const char *name[SPECIAL_MAX])
{
    int count = 0;

    while (text != NULL && *text != 0 && count < SPECIAL_MAX) {
        size_t n = strcspn(text, " ");

        if (n > 0)
            name[count++] = arena_text_n(arena, text, (int64_t)n);
        text += n + (text[n] == ' ');
    }
    return count;
}

static Err train(Arena *arena, const Command *c, const Args *a)
{
    const char  *in = args_text(c, a, "in"), *out = args_text(c, a, "out");
    const char **file = arena_new(arena, const char *, a->words + 1);
    const char **special = arena_new(arena, const char *, SPECIAL_MAX);
    BpeTraining  what = {.file = file, .special = special};
    BpeTrained   trained;
    Text         says = text_make(arena);

    if (in != NULL)
        file[what.files++] = in;
    for (int i = 1; i < a->words; i++)
        file[what.files++] = a->word[i];
    if (what.files == 0 || out == NULL || !args_has(c, a, "size"))
        FAIL(ERR_USAGE, "tandem tokenizer train: --in FILE..., --size and --out are needed");
    TRY(args_i64(c, a, "size", 1, 1 << 21, &what.size));
    what.specials = split_names(arena, args_text(c, a, "names"), special);
    TRY(bpe_train(arena, &what, &trained));
    TRY(bpe_train_write(arena, &trained, out));
    text_printf(&says, "%" PRId64 " tokens written to %s%s\n", trained.size, out,
                trained.size < what.size ? ": the texts have no more pairs to merge" : "");
    return commands_print(&says);
}

static Err tokenizer(Arena *arena, const Command *c, const Args *a)
{
    if (strcmp(a->word[0], "train") == 0)
        return train(arena, c, a);
    if (a->words > 1)
        FAIL(ERR_USAGE, "tandem tokenizer: \"%s\" is one word too many; see --help", a->word[1]);
    if (strcmp(a->word[0], "encode") == 0)
        return convert(arena, c, a, encode_one);
    if (strcmp(a->word[0], "decode") == 0)
        return convert(arena, c, a, decode_one);
    FAIL(ERR_USAGE, "tandem tokenizer: expected encode, decode or train, found \"%s\"", a->word[0]);
}

static Err run(const Comm *world, Arena *arena, const Command *c, const Args *a)
{
    return comm_agree(world, world->rank == 0 ? tokenizer(arena, c, a) : OK);
}

static const ArgsOption OPTIONS[] = {
    {"tokenizer", "PATH", NULL,
     "a folder or file: tokenizer.json, tokenizer.model, vocab.json + merges.txt, *.tiktoken; or a "
     "model that holds one: .gguf, weight file, run directory"},
    {"in", "FILE", NULL,
     "JSON: an array of texts, or of arrays of ids; for train texts as they are"},
    {"out", "PATH", NULL, "the JSON file to write; for train a folder"},
    {"special", NULL, NULL, "encode: find special tokens in the texts; decode: show them"},
    {"frame", NULL, NULL, "encode: with the tokens that begin and end a text"},
    {"size", "N", NULL, "train: tokens of the vocabulary"},
    {"names", "NAMES", NULL, "train: special tokens, with blanks between them"},
    {NULL, NULL, NULL, NULL}};

const Command CMD_TOKENIZER = {
    .name = "tokenizer",
    .usage = "encode|decode --tokenizer PATH --in FILE --out FILE, or train --in FILE... --size N "
             "--out DIR",
    .about = "texts to token ids and back; learn a tokenizer",
    .details = "train learns a byte-level BPE and writes it as tokenizer.json, vocab.json and "
               "merges.txt;\nthe first of --names begins and ends texts.\n",
    .examples = "  echo '[\"Hello there\"]' > texts.json\n"
                "  tandem tokenizer encode --tokenizer model/ --in texts.json --out ids.json\n"
                "  tandem tokenizer decode --tokenizer model.gguf --in ids.json --out again.json\n"
                "  tandem tokenizer train --in corpus.txt --size 4096 --out tok "
                "--names \"<|endoftext|>\"\n",
    .words_min = 1,
    .words_max = ARGS_WORDS_MAX,
    .options = OPTIONS,
    .run = run};
