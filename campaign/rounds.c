#define _GNU_SOURCE // realpath
#include "campaign/rounds.h"

#include "base/clock.h"
#include "base/log.h"
#include "campaign/evaluate.h"
#include "campaign/plan.h"
#include "campaign/report/report.h"
#include "campaign/report/tally.h"
#include "campaign/trainers.h"
#include "io/file.h"
#include "io/metrics.h"
#include "model/kernels/gemm.h"
#include "model/kernels/ops.h"
#include "mpi/coll.h"
#include "mpi/stop.h"
#include "mpi/wait.h"
#include "mpi/watchdog.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Rooms { // the memory of a rank
    Arena run, step, train_step, data;
} Rooms;

typedef struct Campaign {
    Job        job;
    Settings   settings;
    Rooms      rooms;
    Generators generators;
    Trainers   trainers;
} Campaign;

// ---- each side's loop

static int is_good_enough(const Settings *s, double accuracy)
{
    return s->evaluate.stop_accuracy > 0 && accuracy >= s->evaluate.stop_accuracy;
}

// Where the accuracy decides whether to go on, everybody waits for it; else trainers work
// meanwhile.
static Err evaluate_all(Campaign *m, int64_t version, double *accuracy)
{
    const Comm *c = &m->job.roles.generators;

    *accuracy = 0;
    if (m->settings.evaluate_recipe == NULL)
        return OK;
    TRY(job_wait_all(&m->job, c, job_has_weights, version, "weights"));
    return evaluate_version_all(&m->generators, version, accuracy);
}

static Err generate_all(Campaign *m, int64_t iteration)
{
    const Comm *c = &m->job.roles.generators;
    int64_t     policy = settings_policy(&m->settings, iteration);

    if (iteration > 0 && m->settings.loop_recipe != NULL && policy >= 0) {
        TRY(job_wait_all(&m->job, c, job_has_weights, policy, "weights"));
        if (!job_has_examples(&m->job, iteration))
            TRY(generators_load_all(&m->generators, policy));
    }
    return generators_iterate_all(&m->generators, iteration);
}

static Err generators_loop_all(Campaign *m)
{
    const Settings *s = &m->settings;
    int             decides = s->evaluate.stop_accuracy > 0;
    double          accuracy = 0;

    TRY(generate_all(m, 0));
    for (int64_t i = 1; i <= s->iterations; i++) {
        if (decides) {
            TRY(evaluate_all(m, i - 1, &accuracy));
            if (is_good_enough(s, accuracy))
                return OK;
        }
        TRY(generate_all(m, i));
        if (!decides)
            TRY(evaluate_all(m, i - 1, &accuracy));
    }
    return evaluate_all(m, s->iterations, &accuracy);
}

// The trainer side learns that the campaign ends early from the line of the evaluation itself.
static int has_ended(const Job *job, int64_t version)
{
    Arena       scratch;
    const Json *line;
    int         ended = 0;

    if (job->settings->evaluate.stop_accuracy <= 0 ||
        arena_make(&scratch, "metrics", (int64_t)1 << 32) != OK) {
        err_forget(); // asked again at the next look
        return 0;
    }
    if (metrics_read(&scratch, job->run.dir, &line) != OK) {
        err_forget();
        line = NULL;
    }
    for (; line != NULL && !ended; line = line->next) {
        const Json *i = json_member(line, "iteration"), *x = json_member(line, "accuracy");

        ended = i != NULL && x != NULL && i->number == (double)version &&
                is_good_enough(job->settings, x->number);
    }
    arena_free(&scratch);
    return ended;
}

static int has_examples_or_ended(const Job *job, int64_t iteration)
{
    return job_has_examples(job, iteration) || (iteration > 0 && has_ended(job, iteration - 1));
}

static Err trainers_loop_all(Campaign *m)
{
    const Comm *c = &m->job.roles.trainers;

    for (int64_t i = 0; i <= m->settings.iterations; i++) {
        int64_t go_on;

        if (m->job.side == RUN_TRAIN && !m->job.follows) {
            go_on = c->rank == 0 && job_has_examples(&m->job, i);
        } else {
            TRY(job_wait_all(&m->job, c, has_examples_or_ended, i, "examples"));
            go_on = c->rank == 0 && job_has_examples(&m->job, i);
        }
        coll_bcast_all(c, &go_on, (int64_t)sizeof go_on, 0);
        if (!go_on)
            return OK;
        TRY(trainers_iterate_all(&m->trainers, i));
    }
    return OK;
}

static Err alternate_loop_all(Campaign *m)
{
    double accuracy = 0;

    for (int64_t i = 0; i <= m->settings.iterations; i++) {
        TRY(generate_all(m, i));
        TRY(trainers_iterate_all(&m->trainers, i));
        TRY(evaluate_all(m, i, &accuracy));
        if (is_good_enough(&m->settings, accuracy))
            return OK;
    }
    return OK;
}

// ---- start and finish

static Err roles_loop_all(Campaign *m)
{
    if (m->job.roles.mode == ROLES_ALTERNATE && m->job.side == RUN_BOTH)
        return alternate_loop_all(m);
    return m->job.roles.generates ? generators_loop_all(m) : trainers_loop_all(m);
}

static Err make_roles_all(const Comm *world, Campaign *m)
{
    const Settings *s = &m->settings;
    int             g = (int)s->ranks.generators, t = (int)s->ranks.trainers;

    if (m->job.side == RUN_BOTH)
        return roles_make_all(world, (RolesMode)s->ranks.mode, g, t, &m->job.roles);
    TRY(roles_make_all(world, ROLES_ALTERNATE, 0, 0, &m->job.roles));
    m->job.roles.generates = m->job.side == RUN_GENERATE;
    m->job.roles.trains = m->job.side == RUN_TRAIN;
    return OK;
}

static Err make_rooms(Campaign *m, int node_ranks)
{
    const Roles *r = &m->job.roles;
    int64_t      run = plan_run_bytes(&m->settings, m->job.threads, r);

    TRY(plan_check_machine(&m->settings, &m->job, node_ranks));
    TRY(arena_make(&m->rooms.run, "run", run));
    arena_commit(&m->rooms.run);
    TRY(arena_make(&m->rooms.step, "step", PLAN_STEP_ADDRESSES));
    TRY(arena_make(&m->rooms.train_step, "training step", PLAN_STEP_ADDRESSES));
    return arena_make(&m->rooms.data, "examples", PLAN_STEP_ADDRESSES);
}

static Err write_run_json(const Campaign *m, Arena *scratch)
{
    char           path[FILE_PATH_MAX], full[PATH_MAX];
    const char    *file = realpath(m->settings.file, full); // replays may start anywhere
    Text           t = text_make(scratch), defaults = text_make(scratch);
    SettingsRecipe recipe[SETTINGS_RECIPES];

    config_defaults(&defaults, m->settings.json, SETTINGS_TABLE);
    text_printf(&t, "{\"format\": \"tandem run\", \"version\": 1, \"config_file\": ");
    if (file == NULL)
        file = m->settings.file;
    text_json(&t, file, (int64_t)strlen(file));
    settings_recipe_sums(&m->settings, recipe);
    text_printf(&t, ", \"attempt\": %d, \"recipes\": {", m->job.run.attempt);
    for (int i = 0; i < SETTINGS_RECIPES; i++)
        text_printf(&t, "%s\"%s\": \"%s\"", i > 0 ? ", " : "", recipe[i].phase, recipe[i].sum);
    text_printf(&t, "}, \"records\": \"%016" PRIx64 "\", \"provenance\": %s, ",
                source_sum(m->settings.source), m->job.provenance);
    text_puts(&t, "\"chat_template\": "); // the text, where recipes use it
    text_json(&t, m->settings.chat_text, (int64_t)strlen(m->settings.chat_text));
    text_puts(&t, ", \"data\": "); // what was found in data files, a line each
    text_json(&t, source_report(m->settings.source),
              (int64_t)strlen(source_report(m->settings.source)));
    text_puts(&t, ", \"defaults\": ");
    text_json(&t, defaults.data, defaults.length);
    text_puts(&t, ", \"config\": ");
    settings_write(&t, &m->settings);
    text_puts(&t, "}\n");
    TRY(run_path(&m->job.run, path, "run.json"));
    return file_publish(path, m->job.run.tag, t.data, t.length);
}

// A run that exists may only be continued with what it was made with.
static Err check_same(const Campaign *m, Arena *scratch)
{
    char    path[FILE_PATH_MAX];
    char   *text;
    int64_t length;

    TRY(file_join(path, m->settings.out, "run.json"));
    if (!file_exists(path))
        return OK;
    TRY(file_read(scratch, path, 64 << 20, &text, &length));
    return settings_same(scratch, &m->settings, text);
}

static const char *words_of(RunSide side, RolesMode mode)
{
    if (side != RUN_BOTH)
        return side == RUN_GENERATE ? "all generate" : "all train";
    return mode == ROLES_SPLIT ? "split: generators and trainers"
                               : "alternate: every rank does both";
}

// Other numbers of trainers than powers of two are right to rounding only: said once, up front.
static void warn_of_rounding(const Campaign *m)
{
    int64_t trainers = coll_max_i64_all(m->job.world, m->job.roles.trainers.size);
    int64_t M = m->settings.train.micro_batches;

    if (trainers > 0 && ((trainers & (trainers - 1)) != 0 || M % trainers != 0))
        log_once(
            LOG_WARN,
            "note: %" PRId64 " trainer ranks and %" PRId64
            " micro-batches: weights agree with other numbers of ranks to rounding only; powers "
            "of two up to train.micro_batches give the same bits",
            trainers, M);
    if (m->settings.products != GEMM_EXACT)
        log_once(LOG_WARN, "note: with these products rows may depend on their batch: bits are not "
                           "the same for other numbers of ranks, slots or threads");
}

static void greet(const Campaign *m, const Comm *world)
{
    const Settings *s = &m->settings;
    const Roles    *r = &m->job.roles;

    log_once(LOG_INFO, "tandem 0.1.0 (%s): %s", TD_COMMIT, s->about);
    log_once(LOG_INFO, "  config %s, run directory %s, attempt %d, seed %" PRId64, s->file,
             m->job.run.dir, m->job.run.attempt, s->seed);
    log_once(LOG_INFO, "  %d rank%s x %d thread%s (%s), kernels %s, %s", world->size,
             world->size > 1 ? "s" : "", m->job.threads, m->job.threads > 1 ? "s" : "",
             words_of(m->job.side, r->mode), op_level(), gemm_describe());
    log_once(LOG_INFO, "  model: %" PRId64 " parameters, width %" PRId64 ", %d layers",
             params_count(&s->dims), s->dims.D, s->dims.L);
    if (params_tuned(&s->dims) != PARAMS_BASE)
        log_once(LOG_INFO, "  trained: an adapter of rank %" PRId64 ", %" PRId64 " parameters",
                 s->lora.rank, params_plan_of(&s->dims, params_tuned(&s->dims)).total);
}

// A STOP file was for those who ran when it was made; the same command goes on.
static Err remove_stop(const char *path)
{
    if (!file_exists(path))
        return OK;
    log_here(LOG_INFO, "%s: removed, it was for an earlier attempt", path);
    return file_remove(path);
}

static Err start_all(const Comm *world, Campaign *m, const RoundsOptions *options, Arena *scratch)
{
    char path[FILE_PATH_MAX];
    int  node_ranks;

    TRY(make_roles_all(world, m));
    m->job.threads = job_threads(&m->settings, &m->job.roles, world);
    TRY_ALL(world, world->rank == 0 ? check_same(m, scratch) : OK);
    node_ranks = comm_node_ranks_all(world);
    TRY_ALL(world, make_rooms(m, node_ranks));
    TRY(run_open_all(world, m->settings.out, options->side, &m->job.run));
    m->job.provenance = job_provenance(scratch, &m->settings, world, m->job.threads);
    TRY_ALL(world, world->rank == 0 ? write_run_json(m, scratch) : OK);
    TRY(run_path(&m->job.run, path, "log/rank%d%s.log", world->rank,
                 options->side == RUN_TRAIN      ? "-train"
                 : options->side == RUN_GENERATE ? "-generate"
                                                 : ""));
    TRY_ALL(world, log_file(path));
    m->job.board = board_open_all(world);
    TRY(run_path(&m->job.run, path, "STOP"));
    TRY_ALL(world, world->rank == 0 ? remove_stop(path) : OK);
    stop_start(options->max_time_s, arena_text(scratch, path), world->rank == 0);
    watchdog_start(m->settings.watchdog_scale);
    greet(m, world);
    warn_of_rounding(m);
    return OK;
}

static Err make_sides(Campaign *m)
{
    if (m->job.roles.generates)
        TRY(generators_make(&m->rooms.run, &m->rooms.step, &m->job, &m->generators));
    if (m->job.roles.trains)
        trainers_make(&m->rooms.run, &m->rooms.train_step, &m->rooms.data, &m->job, &m->trainers);
    return OK;
}

// A newer attempt removes what older ones left half-written.  Where that hits an attempt that still
// runs, the missing file is not the news; that the run was taken over is.
static Err explain(const Campaign *m, Err e)
{
    ErrRecord first = *err_record();

    if (e != ERR_IO)
        return e;
    err_forget();
    if (run_fence(&m->job.run, 1) == OK)
        *err_record() = first;
    return e;
}

// What a person wants to know last: whether anything was left to do, and where to look.
static void tell_end(const Campaign *m)
{
    const Generators *g = &m->generators;
    int               evaluated = clock_total("evaluate") > 0, trained = clock_total("train") > 0;
    int64_t           worked =
        coll_max_i64_all(m->job.world, evaluated || trained || (g->job != NULL && g->policy >= 0));

    if (!worked && m->job.side == RUN_TRAIN && !m->job.follows)
        log_once(LOG_WARN,
                 "nothing was left to train: %s has no examples beyond its weights; start "
                 "tandem generate, or add --follow",
                 m->job.run.dir);
    else if (!worked)
        log_once(LOG_INFO, "nothing was left to do: all %" PRId64 " iterations are there already",
                 m->settings.iterations);
    log_once(LOG_INFO, "report: %s/report.html", m->job.run.dir);
}

static Err work_all(const Comm *world, Campaign *m)
{
    double began = clock_now();
    Err    e;

    TRY_ALL(world, make_sides(m));
    e = explain(m, roles_loop_all(m));
    if (e != OK && e != ERR_STOPPED)
        board_add(m->job.board, BOARD_FAILED, 1);
    clock_begin("idle");
    wait_meet_all(world, watchdog_alive);
    clock_end("idle");
    e = comm_agree(world, e);
    tally_print_all(world, &m->job, clock_now() - began,
                    m->job.roles.generates ? &m->generators : NULL,
                    m->job.roles.trains ? &m->trainers : NULL);
    generators_close(&m->generators);
    if (e == OK && world->rank == 0)
        e = report_write(&m->job.run);
    if (e == OK)
        tell_end(m);
    return comm_agree(world, e);
}

// What the files of records are, one line each.
static void tell_files(const Source *source)
{
    const char *report = source_report(source);

    while (*report != 0) {
        size_t line = strcspn(report, "\n");

        log_once(LOG_INFO, "%.*s", (int)line, report);
        report += line + (report[line] == '\n');
    }
}

Err rounds_run_all(const Comm *world, const char *config, const char *const *overrides, int count,
                   const RoundsOptions *options)
{
    static Campaign m; // large, and one per process
    Arena           scratch;
    Err             e;

    m = (Campaign){.job = {.world = world,
                           .settings = &m.settings,
                           .side = options->side,
                           .follows = options->follows}};
    TRY_ALL(world, arena_make(&scratch, "settings", PLAN_STEP_ADDRESSES));
    TRY(settings_read_all(world, &scratch, config, overrides, count, &m.settings));
    TRY_ALL(world, gemm_choose((GemmKind)m.settings.products));
    e = start_all(world, &m, options, &scratch);
    if (e == OK)
        tell_files(m.settings.source);
    if (e == OK)
        e = work_all(world, &m);
    if (m.job.board != NULL)
        board_close_all(m.job.board);
    roles_free(&m.job.roles);
    return e;
}
