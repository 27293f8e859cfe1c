#define _GNU_SOURCE
#include "campaign/plan.h"

#include "campaign/generators.h"
#include "campaign/trainers.h"
#include "io/file.h"
#include "model/adapters/adapter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Measured with the star configs: a record in flight or read back, and a document with its table
// entry; what HDF5 and MPI take after the start of the program.
enum { RECORD_BYTES = 2048, DOCUMENT_BYTES = 1024, LATER_BYTES = 5 << 20 };

int64_t plan_run_bytes(const Settings *s, int threads, const Roles *roles)
{
    int64_t bytes = 1 << 20; // paths, names, tables

    if (roles->generates)
        bytes += generators_need(s, threads);
    if (roles->trains)
        bytes += trainers_need(s, threads, roles->trainers.size > 0 ? roles->trainers.size : 1);
    return bytes;
}

double plan_forward_flop(const Dims *d)
{
    double D = (double)d->D, heads = (double)(d->H + 2 * d->G) * d->K;
    double mlp = (dims_inner(d) + 1.0) * D * (double)d->F;
    double layer = D * heads + (double)d->H * d->K * D + mlp;

    return 2 * (d->L * layer + D * (double)d->V);
}

// What this program takes before any of its own memory: the libraries, MPI's buffers.
static int64_t process_bytes(void)
{
    long  pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL)
        return 64 << 20;
    if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(f);
    return (int64_t)resident * sysconf(_SC_PAGESIZE) + LATER_BYTES;
}

static int64_t records_per_iteration(const Settings *s)
{
    int64_t loop = s->loop_recipe == NULL ? 0 : recipe_requests(s->loop_recipe);
    int64_t base = s->base_recipe == NULL ? 0 : recipe_requests(s->base_recipe);

    return loop > base ? loop : base;
}

// Records in flight and read back, with those of all iterations where duplicates are looked for;
// the documents of all iterations; one of the moments of a training state.
static int64_t step_bytes(const Settings *s, const Roles *roles)
{
    int64_t records = records_per_iteration(s), bytes = 0;
    int     looks_back = s->loop_recipe != NULL && recipe_stages(s->loop_recipe) > 0 &&
                     recipe_commit(s->loop_recipe, 0) != NULL;

    if (roles->generates)
        bytes += records * (looks_back ? 1 + s->iterations : 1) * RECORD_BYTES;
    if (roles->trains)
        bytes += records * RECORD_BYTES + records * s->iterations * DOCUMENT_BYTES +
                 params_plan_of(&s->dims, params_tuned(&s->dims)).total * 4;
    return bytes;
}

static int64_t available_bytes(void)
{
    char    line[256];
    int64_t kib = -1;
    FILE   *f = fopen("/proc/meminfo", "r");

    if (f == NULL)
        return -1;
    while (kib < 0 && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "MemAvailable: %" SCNd64, &kib) != 1)
            kib = -1;
    fclose(f);
    return kib < 0 ? -1 : kib * 1024;
}

static Err check_fits(int64_t need, int64_t have, int ranks)
{
    if (have >= 0 && need > have)
        FAIL(ERR_CONFIG,
             "the %d rank%s on this node need%s %.2f GiB, but %.2f GiB are free: use fewer ranks "
             "per "
             "node, fewer generate.slots, smaller train.micro_tokens, or a smaller model",
             ranks, ranks > 1 ? "s" : "", ranks > 1 ? "" : "s", (double)need / 0x1p30,
             (double)have / 0x1p30);
    return OK;
}

Err plan_check_machine(const Settings *s, const Job *job, int ranks)
{
    int64_t mine = plan_run_bytes(s, job->threads, &job->roles) + step_bytes(s, &job->roles);

    return check_fits(mine * ranks, available_bytes(), ranks);
}

typedef struct RolePlan {
    const char *name;
    Roles       roles;
    int         ranks;
} RolePlan;

static int plan_roles(const Settings *s, int size, RolePlan out[2])
{
    int mode =
        s->ranks.mode == ROLES_AUTO ? (size > 1 ? ROLES_SPLIT : ROLES_ALTERNATE) : s->ranks.mode;
    int  g = (int)s->ranks.generators, t = (int)s->ranks.trainers;
    Comm of = {.size = size};

    if (mode == ROLES_ALTERNATE) {
        out[0] = (RolePlan){"rank with both roles", {ROLES_ALTERNATE, 1, 1, of, of}, size};
        return 1;
    }
    if (g == 0)
        g = t > 0 ? size - t : (size + 1) / 2;
    t = size - g;
    of.size = t;
    out[0] = (RolePlan){"generator", {ROLES_SPLIT, 1, 0, {.size = g}, {.size = 0}}, g};
    out[1] = (RolePlan){"trainer", {ROLES_SPLIT, 0, 1, {.size = 0}, of}, t};
    return 2;
}

// Where epochs are given, how long they are is known when the examples are there; until then as if
// every request made one.
static int64_t planned_documents(const Settings *s, int64_t iteration)
{
    const MixturePart *part = &settings_mixture(s, iteration)->part[0];
    const Recipe      *recipe = part->from_seeds ? s->base_recipe : s->loop_recipe;

    if (settings_phase(s, iteration)->epochs <= 0 || recipe == NULL)
        return 0;
    return recipe_requests(recipe) * (part->from_seeds || part->sets == SETS_LAST ? 1 : iteration);
}

static void write_epochs(Text *t, const Settings *s, int64_t iteration, const char *name)
{
    if (settings_phase(s, iteration)->epochs > 0)
        text_printf(t,
                    "      %s.epochs: %g passes over about %" PRId64
                    " examples, one of each request: the steps are known when they are made\n",
                    name, settings_phase(s, iteration)->epochs, planned_documents(s, iteration));
}

static void write_tokens(Text *t, const Settings *s)
{
    int64_t base = settings_steps(s, 0, planned_documents(s, 0)), loop = 0, records = 0;
    double  flop = plan_forward_flop(&s->dims), tokens;

    for (int64_t i = 1; i <= s->iterations; i++)
        loop += settings_steps(s, i, planned_documents(s, i));
    if (s->loop_recipe != NULL)
        records = recipe_requests(s->loop_recipe) * s->iterations;
    tokens = ((double)base * (double)s->base.batch + (double)loop * (double)s->loop.batch) *
             (double)s->dims.T;
    text_printf(t, "work: %" PRId64 " optimizer steps of %" PRId64 " examples", base,
                s->base.batch);
    if (s->iterations > 0)
        text_printf(t, " in the base, %" PRId64 " of %" PRId64 " in the loop", loop, s->loop.batch);
    text_printf(t, ", at most %.3g tokens and %.3g FLOP\n", tokens, 3 * flop * tokens);
    write_epochs(t, s, 0, "base");
    if (s->iterations > 0)
        write_epochs(t, s, s->iterations, "loop");
    if (records > 0)
        text_printf(t,
                    "      %" PRId64 " requests, each up to %" PRId64
                    " new tokens per sample: at most %.3g FLOP\n",
                    records, recipe_max_tokens(s->loop_recipe),
                    flop * (double)records * (double)recipe_max_tokens(s->loop_recipe));
    text_printf(t,
                "      at 40 GFLOP/s per core and all examples at their longest: at most %.0f s on "
                "one core\n",
                3 * flop * tokens / 40e9);
}

static int64_t disk_bytes(const Settings *s)
{
    int64_t weights = params_plan_of(&s->dims, params_tuned(&s->dims)).total * 4;

    return (s->iterations + 1) * weights + s->checkpoint.keep * 3 * weights +
           s->iterations * records_per_iteration(s) * RECORD_BYTES;
}

static void write_adapters(Text *t, const Dims *d)
{
    for (int n = 0; n < d->adapters; n++) {
        text_printf(t, "adapter: %" PRId64 " parameters%s, ", params_plan_of(d, n).total,
                    d->adapter[n].is_frozen ? ", frozen" : ", which are trained");
        adapter_words(t, d, &d->adapter[n]);
        text_puts(t, "\n");
    }
}

Err plan_write(Text *t, const Settings *s, int size, int threads)
{
    RolePlan roles[2];
    int      kinds = plan_roles(s, size, roles);
    int64_t  process = process_bytes(), node = 0, have = available_bytes();

    text_printf(t, "plan of %s: %s\n", s->file, s->about);
    text_printf(t, "ranks: %d with %d thread%s each\n", size, threads, threads > 1 ? "s" : "");
    text_printf(t, "model: %" PRId64 " parameters, %.3g FLOP per token forward\n",
                params_count(&s->dims), plan_forward_flop(&s->dims));
    write_adapters(t, &s->dims);
    for (int k = 0; k < kinds; k++) {
        int64_t run = plan_run_bytes(s, threads, &roles[k].roles);
        int64_t step = step_bytes(s, &roles[k].roles);

        if (roles[k].ranks < 1)
            FAIL(ERR_CONFIG,
                 "%d ranks leave none for the role \"%s\": change ranks.generators or "
                 "ranks.trainers",
                 size, roles[k].name);
        text_printf(t,
                    "memory of a %s (%d rank%s): %.1f MiB = %.1f weights, buffers, activations + "
                    "%.1f records, training state + %.1f program and libraries\n",
                    roles[k].name, roles[k].ranks, roles[k].ranks > 1 ? "s" : "",
                    (double)(run + step + process) / 0x1p20, (double)run / 0x1p20,
                    (double)step / 0x1p20, (double)process / 0x1p20);
        node += (run + step + process) * roles[k].ranks;
    }
    write_tokens(t, s);
    text_printf(t, "disk: about %.1f MiB in %s\n", (double)disk_bytes(s) / 0x1p20, s->out);
    text_printf(t,
                "assumed: all ranks on one node with %.1f GiB free, %d bytes per record, every "
                "buffer filled\n",
                (double)have / 0x1p30, RECORD_BYTES);
    return check_fits(node, have, size);
}
