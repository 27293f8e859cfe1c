#include "campaign/evaluate.h"

#include "base/clock.h"
#include "base/log.h"
#include "io/metrics.h"
#include "mpi/coll.h"

#include <inttypes.h>
#include <string.h>

// A job of its own, numbered apart from the examples of any iteration.
static const int64_t EVALUATION_ITERATION = (int64_t)1 << 20;

static Err count_block(void *self, int64_t block, const SetRows *rows)
{
    Production *p = self;
    Evaluation *e = p->self;

    (void)block;
    for (int64_t r = 0; r < rows->R; r++) {
        int group = source_group_of(p->g->job->settings->source, rows->group[r]);

        if (group < 0)
            continue;
        e->asked[group]++;
        e->right[group] += rows->status[r] == SET_KEPT;
    }
    return OK;
}

static double share(const Evaluation *e, int group)
{
    return e->asked[group] > 0 ? (double)e->right[group] / (double)e->asked[group] : 0.0;
}

static double accuracy_of(const Evaluation *e, const Source *source)
{
    double  sum = 0;
    int     groups = 0;
    int64_t right = 0, asked = 0;

    for (int i = 0; i < e->groups; i++) {
        sum += share(e, i);
        groups += e->asked[i] > 0;
        right += e->right[i];
        asked += e->asked[i];
    }
    if (asked == 0)
        return 0;
    return source->averages_groups ? sum / groups : (double)right / (double)asked;
}

Err evaluate_measure_all(Generators *g, Evaluation *out)
{
    const Settings *s = g->job->settings;
    const Comm     *c = &g->job->roles.generators;
    Production      p = {.g = g, .iteration = g->policy, .counter = 2 * g->policy + 1, .self = out};
    ProduceJob      job = generators_job(g, s->evaluate_recipe, EVALUATION_ITERATION);
    int             groups = source_groups(s->source);

    CHECK(groups <= EVALUATE_GROUPS_MAX, "%d groups", groups);
    *out = (Evaluation){.groups = groups};
    job.done = count_block;
    TRY(generators_produce_all(g, &job, &p, "evaluate"));
    coll_sum_i64_all(c, out->right, groups);
    coll_sum_i64_all(c, out->asked, groups);
    out->accuracy = accuracy_of(out, s->source);
    out->seconds = clock_now() - p.began;
    return OK;
}

void evaluate_words(Text *t, const Settings *s, const Evaluation *e)
{
    text_printf(t, "%5.1f %%   by %s:", 100 * e->accuracy, source_group_label(s->source));
    for (int i = 0; i < e->groups; i++) {
        const char *group = source_group_name(s->source, i);

        if (strspn(group, "0123456789") < strlen(group))
            text_printf(t, "%s %s %.1f", i > 0 ? "," : "", group, 100 * share(e, i));
        else
            text_printf(t, " %5.1f", 100 * share(e, i));
    }
}

// The accuracy of a version that was evaluated before, by this attempt or an earlier one.
static Err find_line(Generators *g, int64_t version, int *found, double *accuracy)
{
    ArenaMark   mark = arena_mark(g->step);
    const Json *line;

    *found = 0;
    TRY(metrics_read(g->step, g->job->run.dir, &line));
    for (; line != NULL; line = line->next) {
        const Json *kind = json_member(line, "kind"), *i = json_member(line, "iteration");
        const Json *x = json_member(line, "accuracy");

        if (kind == NULL || kind->kind != JSON_TEXT || strcmp(kind->text, "eval") != 0 ||
            i == NULL || x == NULL || i->number != (double)version)
            continue;
        *found = 1;
        *accuracy = x->number;
    }
    arena_back(g->step, mark);
    return OK;
}

// Groups are reported under the singular of their label: "digits" gives "by_digit".
static Err add_line(Generators *g, const Evaluation *e)
{
    Text        t = text_make(g->step), words = text_make(g->step);
    const char *label = source_group_label(g->job->settings->source);
    int         letters = (int)strlen(label);

    letters -= letters > 1 && label[letters - 1] == 's';
    text_printf(
        &t, "{\"kind\": \"eval\", \"iteration\": %" PRId64 ", \"accuracy\": %.6f, \"by_%.*s\": [",
        g->policy, e->accuracy, letters, label);
    for (int i = 0; i < e->groups; i++)
        text_printf(&t, "%s%.6f", i > 0 ? ", " : "", share(e, i));
    text_puts(&t, "], \"groups\": [");
    for (int i = 0; i < e->groups; i++) {
        const char *group = source_group_name(g->job->settings->source, i);

        text_puts(&t, i > 0 ? ", " : "");
        text_json(&t, group, (int64_t)strlen(group));
    }
    text_puts(&t, "], \"asked\": [");
    for (int i = 0; i < e->groups; i++)
        text_printf(&t, "%s%" PRId64, i > 0 ? ", " : "", e->asked[i]);
    text_printf(&t, "], \"seconds\": %.3f}", e->seconds);
    evaluate_words(&words, g->job->settings, e);
    log_here(LOG_INFO, "iteration %" PRId64 ": held-out accuracy %s", g->policy, words.data);
    return metrics_add(g->job->run.dir, t.data);
}

Err evaluate_version_all(Generators *g, int64_t version, double *accuracy)
{
    const Comm *c = &g->job->roles.generators;
    Evaluation  e;
    int         found = 0;

    TRY_ALL(c, c->rank == 0 ? find_line(g, version, &found, accuracy) : OK);
    coll_bcast_all(c, &found, (int64_t)sizeof found, 0);
    coll_bcast_all(c, accuracy, (int64_t)sizeof *accuracy, 0);
    if (found)
        return OK;
    TRY(generators_load_all(g, version));
    log_place("evaluate");
    TRY(evaluate_measure_all(g, &e));
    *accuracy = e.accuracy;
    TRY_ALL(c, c->rank == 0 ? add_line(g, &e) : OK);
    arena_back(g->step, 0);
    return OK;
}
