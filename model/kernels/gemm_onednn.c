#include "model/kernels/gemm_private.h"

#include <dnnl.h>
#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

// Products by oneDNN, from weights in the order its kernels like.  A kernel is made for a number of
// rows, so rows are cut into blocks of powers of two.  Kernels are made for one thread and without
// room of their own, so that several threads may run one at once.

enum {
    SHAPES_MAX = 256,
    BLOCKS = 10, // of 512, 256, ... 1 rows
    SLOTS = 64,  // calls at once; more wait
};
static const int64_t SLOT_BYTES = 128 << 20; // reserved; oneDNN touches a small part

typedef struct Shape { // of a matrix [E][D]
    int64_t            E, D, weight_bytes;
    dnnl_memory_desc_t weights; // as packed
    dnnl_primitive_t   block[BLOCKS];
    dnnl_memory_desc_t scratch[BLOCKS];
} Shape;

typedef struct Slot { // what a running call needs for itself
    atomic_flag   is_taken;
    dnnl_stream_t stream;
    void         *scratch;
} Slot;

// Of the process: kernels belong to shapes, not to matrices, and shapes come back all the time.
static Shape         shapes[SHAPES_MAX];
static int           shape_count;
static Slot          slots[SLOTS];
static Arena         scratch;
static dnnl_engine_t engine;
static char          described[120];

static void must(dnnl_status_t status, const char *what, int64_t E, int64_t D)
{
    CHECK(status == dnnl_success, "oneDNN: %s, matrix %" PRId64 " x %" PRId64 ": status %d", what,
          E, D, (int)status);
}

// ---- kernels

static dnnl_memory_desc_t matrix(int64_t rows, int64_t columns, int64_t stride, int64_t step)
{
    const dnnl_dims_t  dims = {rows, columns}, strides = {stride, step};
    dnnl_memory_desc_t m;

    must(dnnl_memory_desc_init_by_strides(&m, 2, dims, dnnl_f32, strides), "layout", rows, columns);
    return m;
}

// What a product of `rows` rows will be; the first of a shape chooses the order of the weights.
static dnnl_primitive_desc_t plan(Shape *s, int64_t rows, int is_first)
{
    const dnnl_dims_t     dims = {s->D, s->E};
    dnnl_memory_desc_t    x = matrix(rows, s->D, s->D, 1), y = matrix(rows, s->E, s->E, 1);
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t made;
    dnnl_matmul_desc_t    product;

    if (is_first)
        must(dnnl_memory_desc_init_by_tag(&s->weights, 2, dims, dnnl_f32, dnnl_format_tag_any),
             "layout of weights", s->E, s->D);
    must(dnnl_primitive_attr_create(&attr), "attributes", s->E, s->D);
    must(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), "attributes",
         s->E, s->D);
    must(dnnl_matmul_desc_init(&product, &x, &s->weights, NULL, &y), "product", s->E, s->D);
    must(dnnl_primitive_desc_create(&made, &product, attr, engine, NULL), "plan", s->E, s->D);
    must(dnnl_primitive_attr_destroy(attr), "attributes", s->E, s->D);
    if (is_first)
        s->weights = *dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0);
    return made;
}

static void shape_make(Shape *s, int64_t E, int64_t D)
{
    int threads = gemm_alone_begin();

    *s = (Shape){.E = E, .D = D};
    for (int b = 0; b < BLOCKS; b++) {
        dnnl_primitive_desc_t made = plan(s, 1 << (BLOCKS - 1 - b), b == 0);

        s->scratch[b] = *dnnl_primitive_desc_query_md(made, dnnl_query_scratchpad_md, 0);
        CHECK((int64_t)dnnl_memory_desc_get_size(&s->scratch[b]) <= SLOT_BYTES,
              "oneDNN wants %zu bytes for a matrix %" PRId64 " x %" PRId64,
              dnnl_memory_desc_get_size(&s->scratch[b]), E, D);
        must(dnnl_primitive_create(&s->block[b], made), "kernel", E, D);
        must(dnnl_primitive_desc_destroy(made), "plan", E, D);
    }
    s->weight_bytes = (int64_t)dnnl_memory_desc_get_size(&s->weights);
    gemm_alone_end(threads);
}

static int shape_find(int64_t E, int64_t D)
{
    for (int i = 0; i < shape_count; i++)
        if (shapes[i].E == E && shapes[i].D == D)
            return i;
    return -1;
}

static int64_t onednn_floats(int64_t E, int64_t D)
{
    int i = shape_find(E, D);

    if (i < 0) {
        CHECK(shape_count < SHAPES_MAX, "matrices of more than %d shapes", SHAPES_MAX);
        i = shape_count++;
        shape_make(&shapes[i], E, D);
    }
    return (shapes[i].weight_bytes + 3) / 4;
}

// ---- running

static Slot *slot_take(void)
{
    int i = omp_get_thread_num();

    for (;; i++)
        if (!atomic_flag_test_and_set(&slots[i % SLOTS].is_taken))
            return &slots[i % SLOTS];
}

static void slot_give(Slot *slot)
{
    atomic_flag_clear(&slot->is_taken);
}

static dnnl_exec_arg_t argument(int which, const dnnl_memory_desc_t *desc, const void *data)
{
    dnnl_exec_arg_t a = {.arg = which};

    must(dnnl_memory_create(&a.memory, desc, engine, (void *)(uintptr_t)data), "argument",
         desc->dims[0], desc->dims[1]);
    return a;
}

static void execute(dnnl_primitive_t kernel, const Slot *slot, dnnl_exec_arg_t *a, int count)
{
    must(dnnl_primitive_execute(kernel, slot->stream, count, a), "running", count, 0);
    must(dnnl_stream_wait(slot->stream), "running", count, 0);
    for (int i = 0; i < count; i++)
        must(dnnl_memory_destroy(a[i].memory), "argument", count, 0);
}

// With library room: made, run and gone on one thread.
static void onednn_pack(GemmPacked *p, const float *w, int is_turned)
{
    int                   threads = gemm_alone_begin();
    dnnl_memory_desc_t    given = matrix(p->D, p->E, is_turned ? p->E : 1, is_turned ? 1 : p->D);
    Slot                 *slot = slot_take();
    const Shape          *s;
    dnnl_primitive_desc_t made;
    dnnl_primitive_t      kernel;
    dnnl_exec_arg_t       a[2];

    p->shape = shape_find(p->E, p->D);
    s = &shapes[p->shape];
    must(dnnl_reorder_primitive_desc_create(&made, &given, engine, &s->weights, engine, NULL),
         "packing", p->E, p->D);
    must(dnnl_primitive_create(&kernel, made), "packing", p->E, p->D);
    a[0] = argument(DNNL_ARG_FROM, &given, w);
    a[1] = argument(DNNL_ARG_TO, &s->weights, p->data);
    execute(kernel, slot, a, 2);
    must(dnnl_primitive_destroy(kernel), "packing", p->E, p->D);
    must(dnnl_primitive_desc_destroy(made), "packing", p->E, p->D);
    slot_give(slot);
    gemm_alone_end(threads);
}

static void onednn_rows(const GemmRows *r)
{
    int          threads = gemm_alone_begin();
    const Shape *s = &shapes[r->p->shape];
    Slot        *slot = slot_take();
    int64_t      m = 0;

    for (int b = 0; b < BLOCKS; b++) {
        int64_t            rows = 1 << (BLOCKS - 1 - b);
        dnnl_memory_desc_t x = matrix(rows, s->D, s->D, 1), y = matrix(rows, s->E, s->E, 1);

        for (; r->M - m >= rows; m += rows) {
            dnnl_exec_arg_t a[] = {argument(DNNL_ARG_SRC, &x, r->x + m * s->D),
                                   argument(DNNL_ARG_WEIGHTS, &s->weights, r->p->data),
                                   argument(DNNL_ARG_DST, &y, r->y + m * s->E),
                                   argument(DNNL_ARG_SCRATCHPAD, &s->scratch[b], slot->scratch)};
            execute(s->block[b], slot, a, 4);
        }
    }
    slot_give(slot);
    gemm_alone_end(threads);
}

// ---- starting

static Err slots_make(void)
{
    TRY(arena_make(&scratch, "room for oneDNN", SLOTS * (SLOT_BYTES + ARENA_ALIGN)));
    for (int i = 0; i < SLOTS; i++) {
        if (dnnl_stream_create(&slots[i].stream, engine, dnnl_stream_default_flags) != dnnl_success)
            FAIL(ERR_CONFIG, "products by oneDNN: a stream was refused; choose exact products");
        slots[i].scratch = arena_push(&scratch, SLOT_BYTES, 1);
        atomic_flag_clear(&slots[i].is_taken);
    }
    return OK;
}

static const char *instructions(void)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();

    if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
        return "avx512";
    return (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2 ? "avx2" : "portable";
}

// Nothing is given back: the library cannot be left while matrices packed by it live.
static Err onednn_start(void)
{
    const dnnl_version_t *v = dnnl_version();

    TRY(gemm_openblas.start()); // for weight gradients
    if (engine != NULL)
        return OK;
    if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
        FAIL(ERR_CONFIG, "products by oneDNN: it refuses this processor; choose exact products");
    TRY(slots_make());
    snprintf(described, sizeof described, "products oneDNN %d.%d.%d %s, rows not exact", v->major,
             v->minor, v->patch, instructions());
    return OK;
}

static const char *onednn_describe(void)
{
    return described;
}

static void onednn_weight_grad(const GemmGrad *g)
{
    gemm_openblas.weight_grad(g);
}

const GemmBackend gemm_onednn = {
    .rows_unit = 16,
    .outputs_unit = 0,
    .start = onednn_start,
    .describe = onednn_describe,
    .floats = onednn_floats,
    .pack = onednn_pack,
    .rows = onednn_rows,
    .weight_grad = onednn_weight_grad,
};
