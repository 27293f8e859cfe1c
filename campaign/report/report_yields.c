#include "campaign/report/report_yields.h"

#include "base/rng.h"
#include "campaign/report/report_html.h"
#include "campaign/report/yields.h"
#include "io/set.h"

#include <inttypes.h>
#include <string.h>

enum {
    SAMPLES_KEPT = 10,
    SAMPLES_REJECTED = 3, // of each reason
    REASONS_SHOWN = 8,
    TEXT_KEPT = 600, // characters of each field
    TEXT_REJECTED = 200,
    RECIPES_MAX = 16
};

const char REPORT_YIELDS_STYLE[] =
    ".left,.stage td{text-align:left}.share{white-space:nowrap}.funnel{width:100%}.funnel "
    "td:nth-child(3){width:45%;text-align:left;white-space:nowrap}.bar{background:#0072b2;"
    "height:13px;min-width:1px;display:inline-block;vertical-align:middle}.gone{background:#e69f00}"
    ".stage td{font-weight:600}";

// Iterations that one recipe made.
typedef struct Funnel {
    int64_t first, last;
    Yields  sum;
} Funnel;

typedef struct Section {
    Text      *html;
    Arena     *arena;
    const Run *run;
    int        funnels;
    Funnel     funnel[RECIPES_MAX];
    int64_t    last; // set that has records, -1: none
} Section;

// ---- the sets, one line each

static void write_counts(Text *t, const Yields *y, const SetRows *rows, int64_t *by_source)
{
    const char *semicolon = "";

    for (int64_t r = 0; r < rows->R; r++)
        by_source[rows->source[r]] += rows->status[r] == SET_KEPT;
    for (int s = 0; s < rows->sources; s++) {
        if (by_source[s] == 0)
            continue;
        text_printf(t, "%skept: ", semicolon);
        html_text(t, rows->source_names[s]);
        text_printf(t, " %" PRId64, by_source[s]);
        semicolon = "; ";
    }
    if (y->passed > 0) {
        text_printf(t, "%spassed: %" PRId64, semicolon, y->passed);
        semicolon = "; ";
    }
    for (int k = 0; k < y->reasons; k++) {
        int64_t count = 0;

        for (int i = 0; i < y->steps; i++)
            count += y->step[i].because[k];
        if (count == 0)
            continue;
        text_printf(t, "%srejected: ", semicolon);
        html_text(t, y->reason[k]);
        text_printf(t, " %" PRId64, count);
        semicolon = "; ";
    }
}

// Of those that came to an end: what passed to a pool went on as other records.
static double kept_share(const Yields *y)
{
    int64_t ended = y->records - y->passed;

    return ended > 0 ? 100.0 * (double)y->kept / (double)ended : 0.0;
}

static void write_set(Section *s, int64_t iteration, const SetRows *rows, const Yields *y)
{
    text_printf(s->html,
                "<tr><td>%" PRId64 "%s</td><td>%" PRId64 "</td><td>%" PRId64
                "</td><td class='share'>%.1f %%</td><td class='left'>",
                iteration, iteration == 0 ? " (seeds)" : "", y->records, y->kept, kept_share(y));
    write_counts(s->html, y, rows, arena_new(s->arena, int64_t, rows->sources));
    text_puts(s->html, "</td></tr>\n");
}

// Adds to the funnel of the recipe that made it; sets without records need none.
static void note_yields(Section *s, Arena *lasting, int64_t iteration, const Yields *y)
{
    Funnel *f = s->funnel;

    if (y->records == 0)
        return;
    while (f < s->funnel + s->funnels && !yields_alike(&f->sum, y))
        f++;
    if (f == s->funnel + s->funnels) {
        CHECK(s->funnels < RECIPES_MAX, "a run has at most %d recipes", RECIPES_MAX);
        s->funnels++;
        *f = (Funnel){.first = iteration};
    }
    f->last = iteration;
    yields_add(lasting, &f->sum, y);
    s->last = iteration;
}

static Err write_sets(Section *s, Arena *lasting)
{
    ArenaMark mark = arena_mark(s->arena);

    text_puts(s->html, "<table><tr><th>iteration</th><th>records</th><th>kept"
                       "</th><th>share</th><th class='left'>how and why</th></tr>\n");
    for (int64_t i = 0; set_is_committed(s->run, i); i++) {
        SetRows rows;
        Yields  y;

        TRY(set_read(s->run, s->arena, i, &rows));
        yields_count(lasting, &rows, &y);
        write_set(s, i, &rows, &y);
        note_yields(s, lasting, i, &y);
        arena_back(s->arena, mark);
    }
    text_puts(s->html, "</table>\n");
    return OK;
}

// ---- funnels

// "4 commit": what comes behind it begins anew, with what it let pass.
static int ends_stage(const YieldStep *step)
{
    const char *kind = strchr(step->name, ' ');

    return kind != NULL && strcmp(kind, " commit") == 0;
}

static int64_t records_of(const YieldStep *step)
{
    return step->kept + step->passed + step->rejected;
}

// The step behind the last one of the stage that begins at `first`.
static int stage_end(const Yields *y, int first)
{
    while (first < y->steps && !ends_stage(&y->step[first]))
        first++;
    return first < y->steps ? first + 1 : first;
}

static void write_step(Text *t, const Yields *y, const YieldStep *step, int64_t left, int64_t begun)
{
    const char *comma = "";

    text_puts(t, "<tr><td>");
    html_text(t, step->name);
    text_printf(t, "</td><td>%" PRId64 "</td><td><span class='bar' style='width:%.2f%%'></span>",
                left, begun > 0 ? 100.0 * (double)left / (double)begun : 0.0);
    if (step->rejected > 0)
        text_printf(t, "<span class='bar gone' style='width:%.2f%%'></span>",
                    100.0 * (double)step->rejected / (double)begun);
    text_puts(t, "</td><td class='left'>");
    for (int k = yields_next(y, step, -1); k >= 0; k = yields_next(y, step, k)) {
        text_printf(t, "%s%" PRId64 " ", comma, step->because[k]);
        html_text(t, y->reason[k]);
        comma = ", ";
    }
    text_puts(t, "</td></tr>\n");
}

static void write_stage(Text *t, const Yields *y, int number, int first, int end)
{
    int64_t begun = 0, left;

    for (int i = first; i < end; i++)
        begun += records_of(&y->step[i]);
    left = begun;
    if (number > 1 || end < y->steps)
        text_printf(t,
                    "<tr class='stage'><td colspan='4'>stage %d: %" PRId64 " records</td></tr>\n",
                    number, begun);
    for (int i = first; i < end; i++) {
        left -= y->step[i].rejected;
        write_step(t, y, &y->step[i], left, begun);
    }
}

static void write_funnel(Text *t, const Funnel *f)
{
    const Yields *y = &f->sum;
    int           number = 0;

    if (f->first == f->last)
        text_printf(t, "<h3>Iteration %" PRId64, f->first);
    else
        text_printf(t, "<h3>Iterations %" PRId64 " to %" PRId64, f->first, f->last);
    text_printf(t, ": %" PRId64 " records</h3>\n", y->records);
    text_puts(t, "<table class='funnel'><tr><th>step</th><th>left</th><th></th>"
                 "<th class='left'>gone, and why</th></tr>\n");
    for (int first = 0; first < y->steps;) {
        int end = stage_end(y, first);

        write_stage(t, y, ++number, first, end);
        first = end;
    }
    text_puts(t, "</table>\n");
}

static void write_funnels(Section *s)
{
    text_puts(s->html,
              "<h2>Yields</h2>\n<p>How many records are left after each step of the recipe. A text "
              "that a step cuts into several records counts as several from the beginning of its "
              "stage. A stage ends with a commit to a pool; what passes it is the material of the "
              "next.</p>\n");
    if (s->funnels == 0)
        text_puts(s->html, "<p>No records yet.</p>\n");
    for (int i = 0; i < s->funnels; i++)
        write_funnel(s->html, &s->funnel[i]);
}

// ---- samples

static void write_sample(Text *t, const SetRows *rows, int64_t r, int64_t characters)
{
    int is_kept = rows->status[r] == SET_KEPT;

    text_printf(t,
                "<p><code>%" PRIu64 "/%" PRIu64 "/%" PRIu64 "</code> <span class='%s'>%s</span>, ",
                rows->id[2 * r] >> 40, rows->id[2 * r] & (((uint64_t)1 << 40) - 1),
                rows->id[2 * r + 1], is_kept ? "ok" : "no", is_kept ? "kept" : "rejected");
    html_text(t,
              is_kept ? rows->source_names[rows->source[r]] : rows->reason_names[rows->reason[r]]);
    if (!is_kept) {
        text_puts(t, " at step ");
        html_text(t, rows->step_names[rows->step[r]]);
    }
    if (rows->policy[r] >= 0)
        text_printf(t, ", weights %" PRId64, rows->policy[r]);
    text_puts(t, "</p>\n<pre>");
    for (int f = 0; f < rows->fields; f++) {
        const SetHeap *h = &rows->field[f];
        int64_t        length = h->begin[r + 1] - h->begin[r];

        if (length == 0)
            continue;
        html_text(t, rows->field_name[f]);
        text_puts(t, ": ");
        html_cut(t, h->bytes + h->begin[r], length, characters);
        text_puts(t, "\n");
    }
    text_puts(t, "</pre>\n");
}

// Drawn without repetition among rows of one status and reason.
static void write_some(Section *s, const SetRows *rows, SetStatus status, int reason, int samples,
                       int64_t characters)
{
    int64_t *all = arena_new(s->arena, int64_t, rows->R), count = 0;
    Rng      rng = rng_make(1, rng_stream("report", (uint64_t)status, (uint64_t)reason, 0), 0);

    for (int64_t r = 0; r < rows->R; r++)
        if (rows->status[r] == status && rows->reason[r] == reason)
            all[count++] = r;
    if (count == 0)
        text_puts(s->html, "<p>None.</p>\n");
    for (int i = 0; i < samples && i < count; i++) {
        int64_t j = i + (int64_t)rng_below(&rng, (uint64_t)(count - i)), r = all[j];

        all[j] = all[i];
        write_sample(s->html, rows, r, characters);
    }
}

static void write_rejected(Section *s, const SetRows *rows)
{
    YieldStep all = {.because = arena_new(s->arena, int64_t, rows->reasons)};
    Yields    y = {.reasons = rows->reasons, .reason = rows->reason_names};
    int       k, shown = 0;

    for (int64_t r = 0; r < rows->R; r++)
        all.because[rows->reason[r]] += rows->status[r] == SET_REJECTED;
    for (k = yields_next(&y, &all, -1); k >= 0 && shown < REASONS_SHOWN; shown++) {
        text_puts(s->html, "<h3>Rejected: ");
        html_text(s->html, rows->reason_names[k]);
        text_printf(s->html, ", %" PRId64 "</h3>\n", all.because[k]);
        write_some(s, rows, SET_REJECTED, k, SAMPLES_REJECTED, TEXT_REJECTED);
        k = yields_next(&y, &all, k);
    }
    if (k >= 0)
        text_puts(s->html, "<p>There are rarer reasons, too.</p>\n");
    if (shown == 0)
        text_puts(s->html, "<p>None.</p>\n");
}

static Err write_samples(Section *s)
{
    SetRows rows;

    if (s->last < 0)
        return OK;
    TRY(set_read(s->run, s->arena, s->last, &rows));
    text_printf(s->html, "<h2>Ten that were kept (iteration %" PRId64 ")</h2>\n", s->last);
    write_some(s, &rows, SET_KEPT, 0, SAMPLES_KEPT, TEXT_KEPT);
    text_printf(s->html, "<h2>Three of each frequent rejection (iteration %" PRId64 ")</h2>\n",
                s->last);
    write_rejected(s, &rows);
    return OK;
}

static Err write_section(Text *html, Arena *lasting, Arena *sets, const Run *run)
{
    Section s = {.html = html, .arena = sets, .run = run, .last = -1};

    TRY(write_sets(&s, lasting));
    write_funnels(&s);
    return write_samples(&s);
}

Err report_yields(Text *html, Arena *arena, const Run *run)
{
    Arena sets;
    Err   e;

    TRY(arena_make(&sets, "report sets", (int64_t)1 << 36));
    e = write_section(html, arena, &sets, run);
    arena_free(&sets);
    return e;
}
