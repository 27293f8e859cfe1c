#include "campaign/replay.h"

#include "base/rng.h"
#include "campaign/generators.h"
#include "campaign/plan.h"
#include "campaign/pools.h"
#include "datagen/produce.h"
#include "io/file.h"
#include "io/set.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Replay {
    Job        job;
    Settings   settings;
    Arena      run, keep, step;
    Generators generators;
    SetRows   *set; // [iterations+1], read when first asked for
    int64_t    compared, different;
    char       first[256]; // words about the first difference
} Replay;

Err replay_parse(const char *text, ReplayId *out)
{
    char *end;

    *out = (ReplayId){.sample = -1};
    out->iteration = strtoll(text, &end, 10);
    if (end != text && *end == '/') {
        const char *at = end + 1;

        out->request = strtoll(at, &end, 10);
        if (end != at && *end == '/') {
            at = end + 1;
            out->sample = strtoll(at, &end, 10);
        }
        if (end != at && *end == 0 && out->iteration >= 0 && out->request >= 0)
            return OK;
    }
    FAIL(ERR_USAGE,
         "\"%s\" is not an example: expected iteration/request or "
         "iteration/request/sample, such as 2/123 or 2/123/0",
         text);
}

static Err open_settings(Replay *r, const char *dir)
{
    char        path[FILE_PATH_MAX];
    char       *text;
    int64_t     length;
    const Json *json, *config;
    const char *file;
    Text        t;

    TRY(run_look(dir, &r->job.run));
    TRY(run_path(&r->job.run, path, "run.json"));
    TRY(file_read(&r->keep, path, 64 << 20, &text, &length));
    TRY(json_parse(&r->keep, arena_text(&r->keep, path), text, length, JSON_NO_COMMENTS, &json));
    TRY(json_want_object(json, "config", &config));
    TRY(json_want_text(json, "config_file", &file));
    t = text_make(&r->keep);
    json_write(&t, config);
    TRY(settings_read(&r->keep, file, t.data, t.length, NULL, 0, &r->settings));
    return settings_same(&r->keep, &r->settings, text);
}

static Err open_replay(Replay *r, const Comm *world, const char *dir)
{
    TRY(arena_make(&r->keep, "settings", PLAN_STEP_ADDRESSES));
    TRY(arena_make(&r->step, "step", PLAN_STEP_ADDRESSES));
    TRY(open_settings(r, dir));
    TRY(gemm_choose((GemmKind)r->settings.products));
    r->job.settings = &r->settings;
    r->job.world = world;
    r->job.threads = 1;
    // Each rank replays alone: its generator side is itself.
    r->job.roles = (Roles){.mode = ROLES_ALTERNATE,
                           .generates = 1,
                           .generators = {.mpi = MPI_COMM_SELF, .rank = 0, .size = 1}};
    TRY(arena_make(&r->run, "run", plan_run_bytes(&r->settings, 1, &r->job.roles)));
    TRY(generators_make(&r->run, &r->step, &r->job, &r->generators));
    r->set = arena_new(&r->keep, SetRows, r->settings.iterations + 1);
    return OK;
}

static Err need_set(Replay *r, int64_t iteration)
{
    if (iteration > r->settings.iterations || !set_is_committed(&r->job.run, iteration))
        FAIL(ERR_USAGE, "%s has no published examples of iteration %" PRId64, r->job.run.dir,
             iteration);
    if (r->set[iteration].id == NULL)
        TRY(set_read(&r->job.run, &r->keep, iteration, &r->set[iteration]));
    return OK;
}

// A commit rejects what is near to other records, which a request that stands alone cannot know.
static void reject_late(const Recipe *recipe, const SetRows *set, int64_t row, SetRows *again)
{
    const char *reason = set->reason_names[set->reason[row]];
    int         is_late = 0;

    for (int k = 0; k < recipe_stages(recipe) && set->status[row] == SET_REJECTED; k++)
        is_late |= recipe_commit(recipe, k) != NULL &&
                   strcmp(recipe_commit(recipe, k)->reason, reason) == 0;
    for (int64_t i = 0; i < again->R && is_late; i++) {
        if (again->id[2 * i + 1] != set->id[2 * row + 1] || again->status[i] == SET_REJECTED)
            continue;
        again->status[i] = SET_REJECTED;
        for (int k = 0; k < again->reasons; k++)
            if (strcmp(again->reason_names[k], reason) == 0)
                again->reason[i] = (uint16_t)k;
    }
    set_sum_rows(again);
}

static void compare_row(Replay *r, const SetRows *set, int64_t row, const SetRows *again)
{
    int64_t sample = (int64_t)set->id[2 * row + 1];
    int     same = 0;

    for (int64_t i = 0; i < again->R; i++)
        same |= again->id[2 * i] == set->id[2 * row] &&
                again->id[2 * i + 1] == set->id[2 * row + 1] &&
                again->content[i] == set->content[row];
    r->compared++;
    printf("%" PRIu64 "/%" PRIu64 "/%" PRId64 " %s\n", set->id[2 * row] >> 40,
           set->id[2 * row] & (((uint64_t)1 << 40) - 1), sample, same ? "identical" : "DIFFERENT");
    if (!same && r->different++ == 0)
        snprintf(r->first, sizeof r->first, "%" PRIu64 "/%" PRIu64 "/%" PRId64,
                 set->id[2 * row] >> 40, set->id[2 * row] & (((uint64_t)1 << 40) - 1), sample);
}

// Which round of which stage a request belongs to.
static Err find_segment(Replay *r, const ReplayId *id, Segment **all, int64_t *count, Segment *out)
{
    const Segment *found;
    const char    *text;

    TRY(set_read_segments(&r->job.run, &r->step, id->iteration, &text));
    *count = 0;
    if (*text != 0)
        TRY(segments_read(&r->step, "segments", text, all, count));
    found = segments_find(*all, *count, id->request);
    if (found != NULL)
        *out = *found;
    if (*count > 0)
        out->blocks = out->requests; // one request per block
    if (id->request >= out->first_request + out->requests)
        FAIL(ERR_USAGE,
             "%s has no example %" PRId64 "/%" PRId64 ": the requests of that iteration are 0 to "
             "%" PRId64,
             r->job.run.dir, id->iteration, id->request,
             *count > 0 ? (*all)[*count - 1].first_request + (*all)[*count - 1].requests - 1
                        : out->requests - 1);
    return OK;
}

// What a commit measured came to the record from outside of its request.
static void take_similarity(const Recipe *recipe, const SetRows *set, const Segment *s,
                            Pools *pools, int64_t request)
{
    const Commit     *c = s->stage == 0 ? NULL : recipe_commit(recipe, (int)s->stage - 1);
    const PoolViews  *v;
    const PoolRecord *own;

    if (c == NULL || c->max == NULL)
        return;
    v = pools_views(pools, s);
    own = v->input.record[request - s->first_request];
    for (int64_t row = 0; row < set->R; row++)
        if ((set->id[2 * row] & (((uint64_t)1 << 40) - 1)) == (uint64_t)request) {
            pools_replace(pools, (int)s->stage - 1, own, set, row);
            return;
        }
}

static Err replay_one(Replay *r, const ReplayId *id)
{
    const Settings *s = &r->settings;
    const Recipe   *recipe = id->iteration == 0 ? s->base_recipe : s->loop_recipe;
    int64_t         before = r->compared, count;
    Segment        *all = NULL;
    SetRows         again, *set;
    ProduceJob      job;
    Pools           pools;
    Err             e;

    TRY(need_set(r, id->iteration));
    if (recipe == NULL)
        FAIL(ERR_USAGE, "%s has no recipe for iteration %" PRId64, r->job.run.dir, id->iteration);
    if (id->iteration > 0 && settings_policy(s, id->iteration) >= 0)
        TRY(generators_load_all(&r->generators, settings_policy(s, id->iteration)));
    job = generators_loop_job(&r->generators, recipe, id->iteration);
    TRY(find_segment(r, id, &all, &count, &job.segment));
    set = &r->set[id->iteration];
    TRY(pools_rewind(&r->job, recipe, &r->step, id->iteration, set, all, count, &job.segment,
                     &pools));
    take_similarity(recipe, set, &job.segment, &pools, id->request);
    job.views = pools_views(&pools, &job.segment);
    e = produce_request(&job, &r->step, id->request, &again);
    for (int64_t row = 0; e == OK && row < set->R; row++)
        if (set->id[2 * row] == ((uint64_t)id->iteration << 40 | (uint64_t)id->request) &&
            (id->sample < 0 || set->id[2 * row + 1] == (uint64_t)id->sample)) {
            reject_late(recipe, set, row, &again);
            compare_row(r, set, row, &again);
        }
    pools_close(&pools);
    arena_back(&r->step, 0);
    if (e == OK && r->compared == before)
        FAIL(ERR_USAGE, "%s has no example %" PRId64 "/%" PRId64 " with that sample",
             r->job.run.dir, id->iteration, id->request);
    return e;
}

static Err draw_id(Replay *r, Rng *rng, ReplayId *out)
{
    int64_t iterations = 0;
    int64_t row;

    while (iterations < r->settings.iterations && set_is_committed(&r->job.run, iterations + 1))
        iterations++;
    out->iteration = iterations == 0 ? 0 : 1 + (int64_t)rng_below(rng, (uint64_t)iterations);
    TRY(need_set(r, out->iteration));
    if (r->set[out->iteration].R == 0)
        FAIL(ERR_DATA, "%s: the examples of iteration %" PRId64 " are empty", r->job.run.dir,
             out->iteration);
    row = (int64_t)rng_below(rng, (uint64_t)r->set[out->iteration].R);
    out->request = (int64_t)(r->set[out->iteration].id[2 * row] & (((uint64_t)1 << 40) - 1));
    out->sample = (int64_t)r->set[out->iteration].id[2 * row + 1];
    return OK;
}

// Sorted by iteration, so that weights are read once each.
static int by_iteration(const void *a, const void *b)
{
    const ReplayId *x = a, *y = b;

    return (x->iteration > y->iteration) - (x->iteration < y->iteration);
}

static Err work(Replay *r, const Comm *world, const ReplayId *ids, int64_t count, int64_t random,
                uint64_t seed)
{
    int64_t   n = count > 0 ? count : random;
    ReplayId *all = arena_new(&r->keep, ReplayId, n);
    Rng       rng = rng_make(seed, rng_stream("replay", 0, 0, 0), 0);

    for (int64_t i = 0; i < n; i++)
        if (count > 0)
            all[i] = ids[i];
        else
            TRY(draw_id(r, &rng, &all[i]));
    qsort(all, (size_t)n, sizeof *all, by_iteration);
    for (int64_t i = world->rank; i < n; i += world->size)
        TRY(replay_one(r, &all[i]));
    return OK;
}

Err replay_run_all(const Comm *world, const char *dir, const ReplayId *ids, int count,
                   int64_t random, uint64_t seed)
{
    static Replay r; // holds a decoder's tables: large, and one per process
    int64_t       totals[2];
    Err           e;

    r = (Replay){0};
    e = open_replay(&r, world, dir);
    if (e == OK)
        e = work(&r, world, ids, count, random, seed);
    if (e == OK && r.different > 0)
        e = err_raise(ERR_DATA, __func__, __FILE__, __LINE__,
                      "%s: example %s did not come out the same again: was it made by another "
                      "version or instruction set? (run.json says)",
                      dir, r.first);
    TRY(comm_agree(world, e));
    totals[0] = r.compared;
    totals[1] = r.different;
    coll_sum_i64_all(world, totals, 2);
    if (world->rank == 0)
        printf("%" PRId64 " replayed, %" PRId64 " identical\n", totals[0], totals[0] - totals[1]);
    return OK;
}
