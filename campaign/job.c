#define _GNU_SOURCE // sched_getaffinity
#include "campaign/job.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "io/ckpt.h"
#include "io/h5.h"
#include "io/set.h"
#include "model/kernels/gemm.h"
#include "model/kernels/ops.h"
#include "mpi/coll.h"
#include "mpi/stop.h"
#include "mpi/wait.h"
#include "mpi/watchdog.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>

Err job_poll(const Job *job)
{
    static double last; // the board is remote memory: look at it 50 times a second at most
    double        now = clock_now();
    const char   *why = stop_wanted();

    if (why != NULL) {
        board_add(job->board, BOARD_STOP, 1);
        FAIL(ERR_STOPPED, "asked to stop by %s; run the same command again to go on", why);
    }
    if (now - last < 0.02)
        return OK;
    last = now;
    board_progress(job->board);
    if (board_read(job->board, BOARD_FAILED) > 0)
        FAIL(ERR_STOPPED, "another rank failed");
    if (board_read(job->board, BOARD_BUDGET_SPENT) > 0)
        FAIL(ERR_STOPPED, "the budget of the endpoint is spent: set endpoint.max_requests or "
                          "endpoint.max_tokens higher, and run the same command again to go on");
    if (board_read(job->board, BOARD_STOP) > 0)
        FAIL(ERR_STOPPED, "asked to stop; run the same command again to go on");
    return job->run.attempt > 0 ? run_fence(&job->run, 0) : OK; // an evaluation has no run
}

typedef struct Waiting {
    const Job *job;
    int (*ready)(const Job *job, int64_t number);
    int64_t number;
    double  until;
    Err     outcome;
} Waiting;

enum { WAIT_READY = 1, WAIT_LEAVE = 2, WAIT_LATE = 3 };

static int look(void *self)
{
    Waiting *w = self;

    watchdog_alive();
    w->outcome = job_poll(w->job);
    if (w->outcome != OK)
        return WAIT_LEAVE;
    if (w->ready(w->job, w->number))
        return WAIT_READY;
    return clock_now() > w->until ? WAIT_LATE : 0;
}

Err job_wait_all(const Job *job, const Comm *c, int (*ready)(const Job *job, int64_t number),
                 int64_t number, const char *what)
{
    Waiting w = {job, ready, number, clock_now() + job->settings->checkpoint.wait_s, OK};
    int     answer;

    clock_begin("wait");
    watchdog_begin("waiting for a file", job->settings->checkpoint.wait_s + 60);
    answer = wait_all(c, look, &w);
    watchdog_end();
    clock_end("wait");
    if (answer == WAIT_LEAVE)
        return comm_agree(c, w.outcome);
    if (answer == WAIT_LATE)
        FAIL(ERR_IO,
             "%s: waited %.0f s for %s %04" PRId64 " (checkpoint.wait_s): is the job that makes it "
             "still running?",
             job->run.dir, job->settings->checkpoint.wait_s, what, number);
    return OK;
}

Err job_read_base(const Job *job, Arena *scratch, Net *net, ImportOrigin *origin)
{
    ArenaMark mark = arena_mark(scratch);
    Err       e;

    if (params_tuned(&net->params.dims) == PARAMS_BASE)
        return OK;
    e = import_load_net(scratch, &job->settings->import, net, origin);
    arena_back(scratch, mark);
    return e;
}

Err job_check_base(Arena *scratch, const char *path, const Net *net, const ImportOrigin *origin)
{
    CkptTexts texts;

    if (params_tuned(&net->params.dims) == PARAMS_BASE)
        return OK;
    TRY(ckpt_read_texts(scratch, path, &texts));
    return import_same_origin(scratch, path, texts.adapter, origin);
}

Err job_read_weights(const Job *job, Arena *scratch, const Net *net, const ImportOrigin *origin,
                     int64_t version)
{
    char       path[FILE_PATH_MAX];
    ArenaMark  mark = arena_mark(scratch);
    NetPart    to = net_tuned(net);
    ParamsFile file = {.params = to.params, .flat = {to.flat}};
    Err        e;

    TRY(run_path(&job->run, path, "weights/v%04" PRId64 ".h5", version));
    TRY(job_check_base(scratch, path, net, origin));
    e = ckpt_read_tensors(scratch, path, params_tensors(scratch, to.params), to.params->count, 1,
                          params_take, &file);
    arena_back(scratch, mark);
    return e;
}

int job_has_weights(const Job *job, int64_t version)
{
    return ckpt_has_weights(&job->run, version);
}

int job_has_examples(const Job *job, int64_t iteration)
{
    return set_is_committed(&job->run, iteration);
}

// Roles of split mode mostly work in turn (overlap 0), so each may use the cores of the node.
int job_threads(const Settings *s, const Roles *roles, const Comm *world)
{
    const char *said = getenv("OMP_NUM_THREADS");
    cpu_set_t   cores;
    int         sharing = world->size, count;

    if (s->ranks.threads > 0)
        return (int)s->ranks.threads;
    if (said != NULL && atoi(said) > 0)
        return atoi(said);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    count = CPU_COUNT(&cores);
    if (roles->mode == ROLES_SPLIT && s->overlap == 0)
        sharing = (world->size + 1) / 2;
    return count / sharing > 1 ? count / sharing : 1;
}

const char *job_provenance(Arena *run, const Settings *s, const Comm *world, int threads)
{
    Text t = text_make(run);
    char mpi[128], hdf5[64];

    comm_library(mpi, sizeof mpi);
    h5_library(hdf5, sizeof hdf5);
    text_printf(
        &t,
        "{\"program\": \"tandem 0.1.0\", \"commit\": \"%s\", \"ranks\": %d, \"threads\": %d, "
        "\"kernels\": \"%s\", \"products\": \"%s\", \"mpi\": \"%s\", \"hdf5\": \"%s\", "
        "\"seed\": %" PRId64 ", \"config\": ",
        TD_COMMIT, world->size, threads, op_level(), gemm_describe(), mpi, hdf5, s->seed);
    settings_write(&t, s);
    if (s->chat != NULL)
        text_printf(&t, ", \"chat_template_sum\": \"%016" PRIx64 "\"", hash_text(0, s->chat_text));
    text_puts(&t, "}");
    return t.data;
}
