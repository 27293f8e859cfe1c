#include "campaign/inspect.h"

#include "io/ckpt.h"
#include "io/file.h"
#include "io/h5.h"
#include "io/set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Numbers { // iterations or versions that are published
    int64_t  count;
    int64_t *number; // rising
} Numbers;

// Names such as i0003.h5, v0003.h5, s000400.h5 of a folder.
static Err list_numbers(Arena *scratch, const char *folder, char letter, Numbers *out)
{
    char **names;
    int    count;

    *out = (Numbers){0};
    TRY(file_list(scratch, folder, &names, &count));
    out->number = arena_new(scratch, int64_t, count + 1);
    for (int i = 0; i < count; i++) {
        char   *end;
        int64_t n;

        if (names[i][0] != letter)
            continue;
        n = strtoll(names[i] + 1, &end, 10);
        if (end != names[i] + 1 && strcmp(end, ".h5") == 0)
            out->number[out->count++] = n;
    }
    return OK;
}

static Err list_kind(Arena *scratch, const Run *run, const char *folder, char letter, Numbers *out)
{
    char path[FILE_PATH_MAX];

    TRY(file_join(path, run->dir, folder));
    return list_numbers(scratch, path, letter, out);
}

// "examples", "weights" or "checkpoints" and the run directory of a published file's path.
static int split_path(const char *path, char dir[FILE_PATH_MAX], char kind[32], int64_t *number)
{
    static const char *const kinds[] = {"examples", "weights", "checkpoints"};
    const char              *file = strrchr(path, '/');
    char                    *slash;

    if (file == NULL || strlen(path) >= FILE_PATH_MAX || strlen(file) < 3)
        return 0;
    *number = strtoll(file + 2, NULL, 10);
    snprintf(dir, FILE_PATH_MAX, "%.*s", (int)(file - path), path);
    slash = strrchr(dir, '/');
    snprintf(kind, 32, "%.31s", slash == NULL ? dir : slash + 1);
    if (slash == NULL)
        snprintf(dir, FILE_PATH_MAX, ".");
    else
        *slash = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return 1;
    return 0;
}

static Err digest_examples(Text *t, Arena *scratch, const Run *run, int64_t i)
{
    uint64_t digest;

    TRY(set_digest(run, scratch, i, &digest));
    text_printf(t, "examples %" PRId64 " %016" PRIx64 "\n", i, digest);
    return OK;
}

static Err digest_weights(Text *t, Arena *scratch, const Run *run, int64_t v)
{
    char     path[FILE_PATH_MAX];
    uint64_t digest;

    TRY(run_path(run, path, "weights/v%04" PRId64 ".h5", v));
    TRY(ckpt_digest(scratch, path, &digest));
    text_printf(t, "weights %" PRId64 " %016" PRIx64 "\n", v, digest);
    return OK;
}

static Err digests_of_run(Text *t, Arena *scratch, const Run *run)
{
    Numbers   sets, weights;
    ArenaMark mark;

    TRY(list_kind(scratch, run, "examples", 'i', &sets));
    TRY(list_kind(scratch, run, "weights", 'v', &weights));
    mark = arena_mark(scratch);
    for (int64_t i = 0; i < sets.count; i++) {
        TRY(digest_examples(t, scratch, run, sets.number[i]));
        arena_back(scratch, mark);
    }
    for (int64_t i = 0; i < weights.count; i++) {
        TRY(digest_weights(t, scratch, run, weights.number[i]));
        arena_back(scratch, mark);
    }
    return OK;
}

static int is_file(const char *path)
{
    size_t length = strlen(path);

    return length > 3 && strcmp(path + length - 3, ".h5") == 0;
}

Err inspect_digests(Text *t, Arena *scratch, const char *path)
{
    Run     run;
    char    dir[FILE_PATH_MAX], kind[32];
    int64_t number;

    if (!is_file(path)) {
        TRY(run_look(path, &run));
        return digests_of_run(t, scratch, &run);
    }
    if (!split_path(path, dir, kind, &number) || strcmp(kind, "checkpoints") == 0)
        FAIL(ERR_USAGE, "%s is not DIR/examples/iNNNN.h5 or DIR/weights/vNNNN.h5", path);
    TRY(run_look(dir, &run));
    return strcmp(kind, "examples") == 0 ? digest_examples(t, scratch, &run, number)
                                         : digest_weights(t, scratch, &run, number);
}

static Err describe_set(Text *t, Arena *scratch, const Run *run, int64_t i)
{
    SetRows rows;
    int64_t kept = 0, reasons[256] = {0};

    TRY(set_read(run, scratch, i, &rows));
    for (int64_t r = 0; r < rows.R; r++) {
        kept += rows.status[r] == SET_KEPT;
        if (rows.status[r] != SET_KEPT && rows.reason[r] < 256)
            reasons[rows.reason[r]]++;
    }
    text_printf(t, "examples %" PRId64 ": %" PRId64 " records, %" PRId64 " kept", i, rows.R, kept);
    for (int k = 0; k < rows.reasons && k < 256; k++)
        if (reasons[k] > 0)
            text_printf(t, ", %" PRId64 " %s", reasons[k], rows.reason_names[k]);
    text_puts(t, "\n");
    return OK;
}

static Err describe_weights(Text *t, Arena *scratch, const Run *run, int64_t v)
{
    char      path[FILE_PATH_MAX];
    CkptTexts texts;

    TRY(run_path(run, path, "weights/v%04" PRId64 ".h5", v));
    TRY(ckpt_read_texts(scratch, path, &texts));
    text_printf(t, "weights %" PRId64 ": %" PRId64 " bytes, model %s\n", v, file_bytes(path),
                texts.model);
    return OK;
}

Err inspect_describe(Text *t, Arena *scratch, const char *path)
{
    Run     run;
    char    dir[FILE_PATH_MAX], kind[32];
    int64_t number;
    Numbers sets, weights, states;

    if (is_file(path) && split_path(path, dir, kind, &number)) {
        TRY(run_look(dir, &run));
        if (strcmp(kind, "examples") == 0)
            return describe_set(t, scratch, &run, number);
        if (strcmp(kind, "weights") == 0)
            return describe_weights(t, scratch, &run, number);
    }
    TRY(run_look(path, &run));
    TRY(list_kind(scratch, &run, "examples", 'i', &sets));
    TRY(list_kind(scratch, &run, "weights", 'v', &weights));
    TRY(list_kind(scratch, &run, "checkpoints", 's', &states));
    text_printf(
        t, "run %s: %" PRId64 " example sets, %" PRId64 " weights, %" PRId64 " training states\n",
        path, sets.count, weights.count, states.count);
    for (int64_t i = 0; i < sets.count; i++)
        TRY(describe_set(t, scratch, &run, sets.number[i]));
    for (int64_t i = 0; i < weights.count; i++)
        TRY(describe_weights(t, scratch, &run, weights.number[i]));
    return OK;
}

static Err verify_files(Arena *scratch, const Run *run, const char *folder, char letter,
                        int64_t *files)
{
    Numbers  found;
    char     path[FILE_PATH_MAX];
    uint64_t sum;
    int64_t  bytes;

    TRY(list_kind(scratch, run, folder, letter, &found));
    for (int64_t i = 0; i < found.count; i++) {
        TRY(run_path(run, path, letter == 's' ? "%s/%c%06" PRId64 ".h5" : "%s/%c%04" PRId64 ".h5",
                     folder, letter, found.number[i]));
        TRY(h5_check(path, &sum, &bytes));
        (*files)++;
    }
    return OK;
}

static Err verify_sets(Arena *scratch, const Run *run, int64_t *files)
{
    Numbers   sets;
    ArenaMark mark;

    TRY(list_kind(scratch, run, "examples", 'i', &sets));
    mark = arena_mark(scratch);
    for (int64_t i = 0; i < sets.count; i++) {
        SetRows rows;

        TRY(set_verify(run, scratch, sets.number[i]));
        TRY(set_read(run, scratch, sets.number[i],
                     &rows)); // also what is inside must hold together
        arena_back(scratch, mark);
        (*files)++;
    }
    return OK;
}

Err inspect_verify(Arena *scratch, const char *path, int64_t *files)
{
    Run      run;
    char     dir[FILE_PATH_MAX], kind[32];
    int64_t  number, bytes;
    uint64_t sum;

    *files = 0;
    if (is_file(path)) {
        TRY(h5_check(path, &sum, &bytes));
        *files = 1;
        if (!split_path(path, dir, kind, &number) || strcmp(kind, "examples") != 0)
            return OK;
        TRY(run_look(dir, &run));
        return set_verify(&run, scratch, number);
    }
    TRY(run_look(path, &run));
    TRY(verify_sets(scratch, &run, files));
    TRY(verify_files(scratch, &run, "weights", 'v', files));
    return verify_files(scratch, &run, "checkpoints", 's', files);
}
