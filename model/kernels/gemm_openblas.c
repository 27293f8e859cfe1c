#include "base/log.h"
#include "model/kernels/gemm_private.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Products by OpenBLAS, from plain copies of the weights.

static char described[80]; // set by openblas_start alone

// "0.3.21", the second word of "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...".
static void describe(void)
{
    const char *version = strchr(openblas_get_config(), ' ');
    int         length = version == NULL ? 0 : (int)strcspn(version + 1, " ");

    snprintf(described, sizeof described, "products OpenBLAS %.*s %.20s, rows not exact",
             length > 20 ? 20 : length, version == NULL ? "" : version + 1,
             openblas_get_corename());
}

// OpenBLAS knows processors by name, and takes kernels of half the width for those it does not
// know.  It decides when it is loaded, so only who starts the program can change it.
static void hint_at_core(void)
{
#if defined(__x86_64__)
    static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids"};
    const char              *core = openblas_get_corename();

    if (getenv("OPENBLAS_CORETYPE") != NULL || !__builtin_cpu_supports("avx512f"))
        return;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (strcmp(core, wide[i]) == 0)
            return;
    log_once(LOG_INFO,
             "OpenBLAS chose its %s kernels, this processor has AVX-512: "
             "OPENBLAS_CORETYPE=SkylakeX in the environment is probably faster",
             core);
#endif
}

static Err openblas_start(void)
{
    if (openblas_get_parallel() == OPENBLAS_THREAD)
        FAIL(ERR_CONFIG,
             "products by OpenBLAS: the library found at run time (%s) has threads of its own, "
             "expected its OpenMP flavour: install libopenblas0-openmp, or choose exact products",
             openblas_get_config());
    describe();
    hint_at_core();
    return OK;
}

static const char *openblas_describe(void)
{
    return described;
}

static int64_t openblas_floats(int64_t E, int64_t D)
{
    return E * D;
}

static void openblas_pack(GemmPacked *p, const float *w, int is_turned)
{
    memcpy(p->data, w, (size_t)(p->E * p->D) * sizeof(float));
    p->is_turned = is_turned;
}

static void openblas_rows(const GemmRows *r)
{
    const GemmPacked *p = r->p;
    const float      *w = p->data + r->first * (p->is_turned ? 1 : p->D);
    blasint           M = (blasint)r->M, E = (blasint)p->E, D = (blasint)p->D;
    int               threads = gemm_alone_begin();

    cblas_sgemm(CblasRowMajor, CblasNoTrans, p->is_turned ? CblasNoTrans : CblasTrans, M,
                (blasint)(r->last - r->first), D, 1, r->x, D, w, p->is_turned ? E : D, 0,
                r->y + r->first, E);
    gemm_alone_end(threads);
}

static void openblas_weight_grad(const GemmGrad *g)
{
    blasint M = (blasint)g->M, E = (blasint)g->E, D = (blasint)g->D;
    int     threads = gemm_alone_begin();

    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)(g->last - g->first), D, M, 1,
                g->dy + g->first, E, g->x, D, 1, g->dw + g->first * g->D, D);
    gemm_alone_end(threads);
}

const GemmBackend gemm_openblas = {
    .rows_unit = 16,
    .outputs_unit = 16,
    .start = openblas_start,
    .describe = openblas_describe,
    .floats = openblas_floats,
    .pack = openblas_pack,
    .rows = openblas_rows,
    .weight_grad = openblas_weight_grad,
};
