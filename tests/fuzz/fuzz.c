#include "tests/fuzz/fuzz.h"

#include "model/files/foreign.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Far more than any input of ours needs (libFuzzer's have a few KiB), and little enough that the
// sanitizer can keep notes on all of it.
enum { ROOM_BYTES = 512 << 20, PATH_BYTES = 4096 };

static FuzzTally tally;

// Ends so that libFuzzer and replay.c notice, and keep the input.
static void die(int exit_code)
{
    (void)exit_code;
    abort();
}

FuzzRoom *fuzz_begin(void)
{
    static FuzzRoom room;

    if (room.run.base == NULL) {
        err_in_job(0, die);
        CHECK(arena_make(&room.run, "run", ROOM_BYTES) == OK, "%s", err_record()->text);
        CHECK(arena_make(&room.scratch, "scratch", ROOM_BYTES) == OK, "%s", err_record()->text);
    }
    arena_back(&room.run, 0);
    arena_back(&room.scratch, 0);
    return &room;
}

int fuzz_worked(Err e)
{
    const ErrRecord *r = err_record();

    CHECK(r->code == (int)e, "the outcome is %s, the record says %s: %s", err_meaning(e),
          err_meaning((Err)r->code), r->text);
    CHECK(e == OK || r->text[0] != 0, "a failure without words");
    err_forget();
    return e == OK;
}

int fuzz_end(Err e)
{
    if (getenv("FUZZ_SAYS") != NULL && e != OK)
        fprintf(stderr, "refused: %s\n", err_record()->text);
    if (fuzz_worked(e))
        tally.read++;
    else
        tally.refused++;
    return 0;
}

const FuzzTally *fuzz_tally(void)
{
    return &tally;
}

// ---- files

static char folder[PATH_BYTES / 2];

static void remove_folder(void)
{
    DIR           *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        unlinkat(dirfd(dir), entry->d_name, 0); // "." and ".." stay
    if (dir != NULL)
        closedir(dir);
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    const char *base = getenv("FUZZ_ROOM");

    if (folder[0] != 0)
        return folder;
    if (base == NULL)
        base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/tandem-fuzz.XXXXXX", base);
    CHECK(mkdtemp(folder) != NULL, "%s", folder);
    atexit(remove_folder);
    return folder;
}

static const char *path_of(const char *name)
{
    static char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    return path;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    const char *path = path_of(name);
    int         fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0, "%s", path);
    return path;
}

void fuzz_remove(const char *name)
{
    unlink(path_of(name));
}

// ---- vocabularies

// Blanks and runs of them, digits, other scripts, marks that combine, what becomes many characters
// under NFKC, joiners, markers of templates, control characters.
static const char *const TEXTS[] = {
    "",
    " ",
    "Hello, world! 123 4567\n\n  it's  a\ttest",
    "na\xC3\xAFve \xCE\xB1\xCE\xB2 \xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80 e\xCC\x81 "
    "\xEF\xB7\xBA",
    "<s>a</s> <|im_start|>user<|im_end|> <0x41> \xE2\x96\x81\xE2\x96\x81",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "\x01\x7F\xC2\x85\xE2\x80\x8B.\r\n"};

typedef Err (*Encode)(const Vocab *v, const char *text, int64_t length, int32_t *ids, int64_t room,
                      int64_t *count);

static Err use_text(FuzzRoom *room, const Vocab *v, const char *text, Encode encode)
{
    int64_t   length = (int64_t)strlen(text), count = 0;
    int64_t   most = vocab_room(v, text, length) + VOCAB_FRAME_MAX;
    ArenaMark mark = arena_mark(&room->scratch);
    int32_t  *ids = arena_new(&room->scratch, int32_t, most);
    Text      out = text_make(&room->scratch);
    Err       e = encode(v, text, length, ids, most - VOCAB_FRAME_MAX, &count);

    // Room for as many as vocab_room says is enough, unless that is the most that it ever says.
    FUZZ_HOLDS(e == OK || most >= VOCAB_GROWTH_MAX * length ||
               strstr(err_record()->text, "there is room for") == NULL);
    if (e == OK)
        e = vocab_frame(v, ids, most, &count);
    for (int64_t i = 0; e == OK && i < count; i++) {
        FUZZ_HOLDS(ids[i] >= 0 && ids[i] < vocab_size(v));
        vocab_decode(v, ids[i], &out);
    }
    if (e == OK)
        e = vocab_decode_all(v, ids, count, VOCAB_SKIP_SPECIAL, &out);
    if (e == OK)
        e = vocab_decode_all(v, ids, count, VOCAB_KEEP_SPECIAL, &out);
    arena_back(&room->scratch, mark);
    return e;
}

Err fuzz_use_vocab(FuzzRoom *room, const Vocab *v)
{
    Text t = text_make(&room->scratch);

    vocab_write(&t, v);
    FUZZ_HOLDS(vocab_bos(v) < vocab_size(v) && vocab_eos(v) < vocab_size(v) &&
               vocab_pad(v) < vocab_size(v));
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        // A vocabulary need not have tokens for all of them: what it refuses is no failure of it.
        fuzz_worked(use_text(room, v, TEXTS[i], vocab_encode));
        fuzz_worked(use_text(room, v, TEXTS[i], vocab_encode_special));
    }
    return OK;
}

Err fuzz_use_tokenizer(FuzzRoom *room, const char *path)
{
    Vocab *vocab;

    TRY(vocab_open(&room->run, path, &vocab));
    return fuzz_use_vocab(room, vocab);
}

Err fuzz_use_foreign(FuzzRoom *room, const char *path, const ImportModel *model)
{
    enum { VALUES_MAX = 1 << 20 };
    const Json *json;
    Vocab      *vocab;
    Params      params;

    if (model->tokenizer != NULL) {
        TRY(json_parse(&room->run, path, model->tokenizer, (int64_t)strlen(model->tokenizer),
                       JSON_NO_COMMENTS, &json));
        TRY(vocab_make(&room->run, json, &vocab));
        TRY(fuzz_use_vocab(room, vocab));
    }
    if (params_plan(&model->dims).padded > VALUES_MAX)
        return OK;
    params = params_make(&room->run, &model->dims);
    return foreign_load(&room->scratch, path, &params, arena_new(&room->run, float, params.padded));
}
