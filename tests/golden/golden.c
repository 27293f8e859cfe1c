#include "tests/golden/golden.h"

#include "io/file.h"
#include "model/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const GoldenCase GOLDEN_CASES[] = {
    {"gpt2", "gpt2", "config.json"},
    {"gpt2", "gpt2", "config.v4.json"},
    {"gpt2-oldnames", "gpt2", "config.json"},
    {"llama-mha-tied", "llama-mha-tied", "config.json"},
    {"llama-mha-tied", "llama-mha-tied", "config.v4.json"},
    {"llama-gqa-untied", "llama-gqa-untied", "config.json"},
    {"llama-gqa-untied", "llama-gqa-untied", "config.v4.json"},
    {"llama-gqa-untied-sharded", "llama-gqa-untied", "config.json"},
    {"llama-mha-tied-bf16", "llama-mha-tied-bf16", "config.json"},
};
const int GOLDEN_CASES_COUNT = sizeof GOLDEN_CASES / sizeof GOLDEN_CASES[0];

static Err open_case(Golden *g, const char *goldens)
{
    char        path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    const Json *config;
    Dims        dims;

    snprintf(path, sizeof path, "%s/%s/golden.h5", goldens, g->about->vectors);
    TRY(h5_open_foreign(path, &g->file));
    snprintf(folder, sizeof folder, "%s/%s", goldens, g->about->folder);
    snprintf(path, sizeof path, "%s/%s/%s", goldens, g->about->folder, g->about->config);
    TRY(json_read(&g->arena, path, JSON_NO_COMMENTS, &config));
    TRY(dims_read(config, &dims));
    g->net = net_make(&g->arena, &dims, NET_TRAIN);
    TRY(import_weights(&g->arena, folder, &g->net.params, g->net.flat));
    net_pack(&g->net);
    return OK;
}

void golden_each(int64_t (*run)(Golden *g))
{
    const char *goldens = check_goldens();
    int64_t     total = 0;

    if (goldens == NULL)
        return;
    EXPECT_OK(gemm_start());
    for (int i = 0; i < GOLDEN_CASES_COUNT; i++) {
        Golden  g = {.about = &GOLDEN_CASES[i]};
        int64_t compared = 0;
        Err     e;

        EXPECT_OK(arena_make(&g.arena, "golden", 64 << 20));
        e = open_case(&g, goldens);
        if (e == OK)
            compared = run(&g);
        EXPECT_OK(e);
        if (g.file != NULL)
            h5_close(g.file);
        arena_free(&g.arena);
        EXPECT(compared != 0);
        total += compared > 0 ? compared : 0;
    }
    check_compared(total);
    EXPECT(total > 0);
}

H5Array golden_array(Golden *g, const char *name, H5Kind kind, int rank)
{
    H5Array a = {0};
    Err     e = h5_load(g->file, &g->arena, name, kind, rank, &a);

    CHECK(e == OK, "%s: %s", g->about->vectors, err_record()->text);
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
    check_floats(got, want, count, fmax(absolute, relative * largest), g->about->folder, tensor,
                 name);
    return 1;
}
