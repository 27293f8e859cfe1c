#include "tests/golden/golden.h"

#include "io/file.h"
#include "model/files/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 256 << 20 };

static int has(const char *goldens, const char *folder, const char *name)
{
    char path[FILE_PATH_MAX];

    snprintf(path, sizeof path, "%s/%s/%s", goldens, folder, name);
    return file_exists(path);
}

// The folder of its vectors: itself, or the longest name that its own continues after a "-".
static const char *vectors_of(const char *goldens, const char *folder, char **names, int count)
{
    const char *best = NULL;

    if (has(goldens, folder, "golden.h5"))
        return folder;
    for (int i = 0; i < count; i++) {
        size_t n = strlen(names[i]);

        if (strncmp(folder, names[i], n) == 0 && folder[n] == '-' &&
            has(goldens, names[i], "golden.h5") && (best == NULL || n > strlen(best)))
            best = names[i];
    }
    return best;
}

static Err open_case(Golden *g, const char *goldens)
{
    char        path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    const Json *config;
    Dims        dims;

    snprintf(folder, sizeof folder, "%s/%s", goldens, g->about.folder);
    snprintf(path, sizeof path, "%s/%s/%s", goldens, g->about.folder, g->about.config);
    TRY(json_read(&g->arena, path, JSON_NO_COMMENTS, &config));
    TRY(dims_read(config, &dims));
    g->net = net_make(&g->arena, &dims, NET_TRAIN);
    TRY(import_weights(&g->arena, folder, &g->net.params, g->net.flat));
    net_pack(&g->net);
    if (g->about.vectors == NULL)
        return OK;
    snprintf(path, sizeof path, "%s/%s/golden.h5", goldens, g->about.vectors);
    return h5_open_foreign(path, &g->file);
}

static int64_t run_case(const GoldenCase *about, const char *goldens, int64_t (*run)(Golden *g))
{
    Golden  g = {.about = *about};
    int64_t compared = 0;
    Err     e;

    EXPECT_OK(arena_make(&g.arena, "golden", ROOM));
    e = open_case(&g, goldens);
    if (e == OK)
        compared = g.file == NULL ? GOLDEN_NONE : run(&g);
    EXPECT_OK(e);
    if (g.file != NULL)
        h5_close(g.file);
    arena_free(&g.arena);
    EXPECT(compared != 0);
    return compared > 0 ? compared : 0;
}

void golden_each(int64_t (*run)(Golden *g))
{
    static const char *const configs[] = {"config.json", "config.v4.json"};
    const char              *goldens = check_goldens();
    int64_t                  total = 0;
    char                   **names;
    int                      count;
    Arena                    a;

    if (goldens == NULL)
        return;
    EXPECT_OK(gemm_start());
    EXPECT_OK(arena_make(&a, "names", 1 << 20));
    EXPECT_OK(file_list(&a, goldens, &names, &count));
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) {
            GoldenCase about = {names[i], vectors_of(goldens, names[i], names, count), configs[k]};

            if (has(goldens, names[i], configs[k]) &&
                (has(goldens, names[i], "model.safetensors") ||
                 has(goldens, names[i], "model.safetensors.index.json")))
                total += run_case(&about, goldens, run);
        }
    arena_free(&a);
    check_compared(total);
    EXPECT(total > 0);
}

H5Array golden_array(Golden *g, const char *name, H5Kind kind, int rank)
{
    H5Array a = {0};
    Err     e = h5_load(g->file, &g->arena, name, kind, rank, &a);

    CHECK(e == OK, "%s: %s", g->about.vectors, err_record()->text);
    return a;
}

double golden_number(Golden *g, const char *name)
{
    H5Array a = golden_array(g, name, H5_F64, 0);

    return *(double *)a.data;
}

int64_t golden_compare_tensor(Golden *g, const char *prefix, int tensor, float *flat,
                              double relative, double absolute)
{
    const Param *one = &g->net.params.list[tensor];
    int64_t      count = one->rows * one->columns;
    ParamsFile   from = {.params = &g->net.params, .flat = {flat}};
    float       *got = arena_new(&g->arena, float, count), *want;
    double       largest = 0;
    char         name[256];

    snprintf(name, sizeof name, "%s/%s", prefix, one->name);
    if (!h5_has(g->file, name))
        return 0;
    EXPECT_OK(params_bring(&from, tensor, 0, got));
    want = golden_array(g, name, H5_F32, one->rank).data;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)want[i]));
    check_floats(got, want, count, fmax(absolute, relative * largest), g->about.folder, tensor,
                 name);
    return 1;
}
