#include "campaign/report/tally.h"

#include "base/clock.h"
#include "base/log.h"
#include "campaign/plan.h"
#include "io/metrics.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 24 };

typedef struct Section {
    char   name[NAME_BYTES];
    double seconds;
} Section;

typedef struct Row { // one section over the ranks that had it
    char   name[NAME_BYTES];
    int    ranks;
    double least, most, sum;
} Row;

static void add_to_rows(Row *rows, int *count, const Section *s)
{
    Row *row = rows;

    while (row < rows + *count && strcmp(row->name, s->name) != 0)
        row++;
    if (row == rows + *count) {
        if (*count == CLOCK_SPANS_MAX)
            return;
        *row = (Row){.least = s->seconds, .most = s->seconds};
        memcpy(row->name, s->name, NAME_BYTES);
        (*count)++;
    }
    row->ranks++;
    row->sum += s->seconds;
    row->least = s->seconds < row->least ? s->seconds : row->least;
    row->most = s->seconds > row->most ? s->seconds : row->most;
}

// Rank 0 hears every rank's sections, in rank order.
static int gather_rows_all(const Comm *c, Row *rows)
{
    Section          mine[CLOCK_SPANS_MAX];
    int              count, total = 0;
    const ClockSpan *spans = clock_spans(&count);
    int64_t          theirs = count;

    for (int i = 0; i < count; i++) {
        mine[i] = (Section){.seconds = spans[i].total};
        snprintf(mine[i].name, NAME_BYTES, "%s", spans[i].name);
    }
    if (c->rank != 0) {
        coll_send(c, &theirs, (int64_t)sizeof theirs, 0);
        coll_send(c, mine, theirs * (int64_t)sizeof *mine, 0);
        return 0;
    }
    for (int r = 0; r < c->size; r++) {
        if (r > 0) {
            coll_receive(c, &theirs, (int64_t)sizeof theirs, r);
            coll_receive(c, mine, theirs * (int64_t)sizeof *mine, r);
        }
        for (int64_t i = 0; i < theirs; i++)
            add_to_rows(rows, &total, &mine[i]);
    }
    return total;
}

static void print_rows(const Job *job, const Row *rows, int count, double wall_s)
{
    log_once(LOG_INFO, "time in %.1f s   ranks      min     mean      max  imbalance", wall_s);
    for (int i = 0; i < count; i++) {
        const Row *r = &rows[i];
        double     mean = r->sum / r->ranks;
        char       line[384];

        log_once(LOG_INFO, "  %-14s %5d %7.2f s %6.2f s %6.2f s  %5.0f %%", r->name, r->ranks,
                 r->least, mean, r->most, mean > 0 ? 100 * (r->most / mean - 1) : 0);
        snprintf(line, sizeof line,
                 "{\"kind\": \"time\", \"attempt\": %d, \"section\": \"%.23s\", \"ranks\": %d, "
                 "\"min\": %.4f, \"mean\": %.4f, \"max\": %.4f, \"wall\": %.4f}",
                 job->run.attempt, r->name, r->ranks, r->least, mean, r->most, wall_s);
        if (metrics_add(job->run.dir, line) != OK)
            err_forget(); // the table was printed; the run's results are safe
    }
}

static double row_of(const Row *rows, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].most;
    return 0;
}

static void print_rates(const Settings *s, const Row *rows, int count, const int64_t *tokens)
{
    double flop = plan_forward_flop(&s->dims), train = row_of(rows, count, "train");
    double decode = row_of(rows, count, "generate") + row_of(rows, count, "evaluate");

    if (train > 0)
        log_once(LOG_INFO, "trained on %" PRId64 " tokens: %.0f tokens/s, %.1f GFLOP/s", tokens[0],
                 (double)tokens[0] / train, 3 * flop * (double)tokens[0] / train / 1e9);
    if (decode > 0 && tokens[1] > 0)
        log_once(LOG_INFO,
                 "generated %" PRId64 " tokens (and read %" PRId64
                 " of prompts): %.0f new tokens/s, %.1f GFLOP/s",
                 tokens[1], tokens[2], (double)tokens[1] / decode,
                 flop * (double)(tokens[1] + tokens[2]) / decode / 1e9);
}

void tally_print_all(const Comm *world, const Job *job, double wall_s, const Generators *g,
                     const Trainers *t)
{
    Row     rows[CLOCK_SPANS_MAX];
    int64_t tokens[3] = {0};
    int     count = gather_rows_all(world, rows);

    if (t != NULL && job->roles.trainers.rank == 0)
        tokens[0] = t->tokens;
    if (g != NULL) {
        DecodeStats d = decoder_stats(g->decoder);

        tokens[1] = d.new_tokens;
        tokens[2] = d.prompt_tokens;
    }
    coll_sum_i64_all(world, tokens, 3);
    if (world->rank != 0)
        return;
    print_rows(job, rows, count, wall_s);
    print_rates(job->settings, rows, count, tokens);
}
