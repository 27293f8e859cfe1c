#include "campaign/inspect.h"

#include "campaign/report/yields.h"
#include "io/ckpt.h"
#include "io/file.h"
#include "io/h5.h"
#include "io/set.h"
#include "model/files/export_model.h"
#include "model/files/import.h"

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

// What a path names: a run, its folder of example sets, or one file of it.
typedef enum PlaceKind { PLACE_RUN, PLACE_SETS, PLACE_SET, PLACE_WEIGHTS, PLACE_OTHER } PlaceKind;

typedef struct Place {
    PlaceKind kind;
    Run       run;
    int64_t   number; // of the file
} Place;

static int is_file(const char *path)
{
    size_t length = strlen(path);

    return length > 3 && strcmp(path + length - 3, ".h5") == 0;
}

// DIR/examples, with or without slashes at the end -> DIR.
static int split_sets(const char *path, char dir[FILE_PATH_MAX])
{
    static const char name[] = "examples";
    size_t            length = strlen(path), tail = sizeof name - 1;

    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= FILE_PATH_MAX || length < tail || strncmp(path + length - tail, name, tail) != 0)
        return 0;
    length -= tail;
    if (length > 0 && path[length - 1] != '/')
        return 0;
    if (length == 0)
        snprintf(dir, FILE_PATH_MAX, ".");
    else
        snprintf(dir, FILE_PATH_MAX, "%.*s", (int)length, path);
    return 1;
}

static Err find_place(const char *path, Place *out)
{
    char dir[FILE_PATH_MAX], kind[32];

    *out = (Place){.kind = PLACE_RUN};
    if (is_file(path) && split_path(path, dir, kind, &out->number)) {
        out->kind = strcmp(kind, "examples") == 0  ? PLACE_SET
                    : strcmp(kind, "weights") == 0 ? PLACE_WEIGHTS
                                                   : PLACE_OTHER;
        return run_look(dir, &out->run);
    }
    if (split_sets(path, dir) && run_look(dir, &out->run) == OK) {
        out->kind = PLACE_SETS;
        return OK;
    }
    err_forget(); // a run may be called examples
    return run_look(path, &out->run);
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

Err inspect_digests(Text *t, Arena *scratch, const char *path)
{
    Place place;

    TRY(find_place(path, &place));
    switch (place.kind) {
    case PLACE_SET: return digest_examples(t, scratch, &place.run, place.number);
    case PLACE_WEIGHTS: return digest_weights(t, scratch, &place.run, place.number);
    case PLACE_RUN: return digests_of_run(t, scratch, &place.run);
    case PLACE_SETS:
    case PLACE_OTHER: break;
    }
    FAIL(ERR_USAGE, "%s is not a run, DIR/examples/iNNNN.h5 or DIR/weights/vNNNN.h5", path);
}

// One line, and what is in it added to the sum.
static Err describe_set(Text *t, Arena *scratch, const Run *run, int64_t i, Yields *sum)
{
    SetRows   rows;
    YieldStep all = {0};
    Yields    y;

    TRY(set_read(run, scratch, i, &rows));
    yields_count(t->arena, &rows, &y);
    yields_add(t->arena, sum, &y);
    all.because = arena_new(scratch, int64_t, y.reasons);
    for (int s = 0; s < y.steps; s++)
        for (int k = 0; k < y.reasons; k++)
            all.because[k] += y.step[s].because[k];
    text_printf(t, "examples %" PRId64 ": %" PRId64 " records, %" PRId64 " kept", i, y.records,
                y.kept);
    if (y.passed > 0)
        text_printf(t, ", %" PRId64 " passed", y.passed);
    for (int k = 0; k < y.reasons; k++)
        if (all.because[k] > 0)
            text_printf(t, ", %" PRId64 " %s", all.because[k], y.reason[k]);
    text_puts(t, "\n");
    return OK;
}

static Err describe_sets(Text *t, Arena *scratch, const Run *run, const Numbers *sets, Yields *sum)
{
    ArenaMark mark = arena_mark(scratch);

    for (int64_t i = 0; i < sets->count; i++) {
        TRY(describe_set(t, scratch, run, sets->number[i], sum));
        arena_back(scratch, mark);
    }
    return OK;
}

static Err describe_weights(Text *t, Arena *scratch, const Run *run, int64_t v)
{
    char path[FILE_PATH_MAX];

    TRY(run_path(run, path, "weights/v%04" PRId64 ".h5", v));
    return describe_model(t, scratch, path);
}

static Err list_weights(Text *t, const Run *run, int64_t v)
{
    char path[FILE_PATH_MAX];

    TRY(run_path(run, path, "weights/v%04" PRId64 ".h5", v));
    text_printf(t, "weights %" PRId64 ": %" PRId64 " bytes\n", v, file_bytes(path));
    return OK;
}

static Err describe_run(Text *t, Arena *scratch, const Run *run, const char *path)
{
    Numbers sets, weights, states;
    Yields  sum = {0};

    TRY(list_kind(scratch, run, "examples", 'i', &sets));
    TRY(list_kind(scratch, run, "weights", 'v', &weights));
    TRY(list_kind(scratch, run, "checkpoints", 's', &states));
    text_printf(
        t, "run %s: %" PRId64 " example sets, %" PRId64 " weights, %" PRId64 " training states\n",
        path, sets.count, weights.count, states.count);
    TRY(describe_sets(t, scratch, run, &sets, &sum));
    for (int64_t i = 0; i < weights.count; i++)
        TRY(list_weights(t, run, weights.number[i]));
    return weights.count == 0
               ? OK
               : describe_weights(t, scratch, run, weights.number[weights.count - 1]);
}

// The sets, and where their records went, all together.
static Err describe_folder(Text *t, Arena *scratch, const Run *run)
{
    Numbers sets;
    Yields  sum = {0};

    TRY(list_kind(scratch, run, "examples", 'i', &sets));
    TRY(describe_sets(t, scratch, run, &sets, &sum));
    yields_table(t, &sum);
    return OK;
}

Err inspect_describe(Text *t, Arena *scratch, const char *path)
{
    Place  place;
    Yields sum = {0};

    TRY(find_place(path, &place));
    switch (place.kind) {
    case PLACE_SET: return describe_set(t, scratch, &place.run, place.number, &sum);
    case PLACE_SETS: return describe_folder(t, scratch, &place.run);
    case PLACE_WEIGHTS: return describe_weights(t, scratch, &place.run, place.number);
    case PLACE_RUN: return describe_run(t, scratch, &place.run, path);
    case PLACE_OTHER: break;
    }
    return import_find(scratch, path, &(ImportModel){0}); // says what it would have to be
}

static void write_yields(Text *t, const Yields *y, int64_t iteration)
{
    if (iteration < 0)
        text_puts(t, "all iterations");
    else
        text_printf(t, "iteration %" PRId64, iteration);
    text_printf(t, ": %" PRId64 " records\n", y->records);
    yields_table(t, y);
}

static Err yields_of_sets(Text *t, Arena *scratch, const Run *run, const Numbers *sets,
                          InspectForm form)
{
    ArenaMark mark = arena_mark(scratch);
    Yields    sum = {0}, y;

    for (int64_t i = 0; i < sets->count; i++) {
        SetRows rows;

        TRY(set_read(run, scratch, sets->number[i], &rows));
        yields_count(t->arena, &rows, &y);
        yields_add(t->arena, &sum, &y);
        arena_back(scratch, mark);
        if (form == INSPECT_JSON) {
            text_printf(t, "%s{\"iteration\": %" PRId64 ", ", i > 0 ? ",\n " : "", sets->number[i]);
            yields_json(t, &y);
            text_puts(t, "}");
        } else {
            write_yields(t, &y, sets->number[i]);
        }
    }
    if (form == INSPECT_JSON) {
        text_puts(t, "],\n\"total\": {");
        yields_json(t, &sum);
        text_puts(t, "}");
    } else if (sets->count > 1) {
        write_yields(t, &sum, -1);
    }
    return OK;
}

Err inspect_yields(Text *t, Arena *scratch, const char *path, InspectForm form)
{
    Place   place;
    Numbers sets;

    TRY(find_place(path, &place));
    if (place.kind == PLACE_SET)
        sets = (Numbers){1, &place.number};
    else if (place.kind == PLACE_SETS || place.kind == PLACE_RUN)
        TRY(list_kind(scratch, &place.run, "examples", 'i', &sets));
    else
        FAIL(ERR_USAGE, "%s is not a run, DIR/examples or DIR/examples/iNNNN.h5", path);
    if (form == INSPECT_JSON)
        text_puts(t, "{\"sets\": [");
    TRY(yields_of_sets(t, scratch, &place.run, &sets, form));
    if (form == INSPECT_JSON)
        text_puts(t, "}\n");
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
