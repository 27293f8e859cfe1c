#include "campaign/report/report.h"

#include "campaign/report/report_html.h"
#include "campaign/report/report_model.h"
#include "campaign/report/report_svg.h"
#include "campaign/report/report_yields.h"
#include "io/file.h"
#include "io/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = 16, LOSS_POINTS = 600, SOURCES_MAX = 5 };

typedef struct Page {
    const Run  *run;
    Arena      *arena;
    Text        html;
    const Json *metrics; // list
    const Json *about;   // run.json
} Page;

static const char STYLE[] =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;"
    "color:#222;background:#fff}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em;border-"
    "bottom:"
    "1px solid #ddd}table{border-collapse:collapse;font-size:14px}td,th{padding:3px "
    "10px;text-align:"
    "right;border-bottom:1px solid "
    "#eee}td:first-child,th:first-child{text-align:left}code,pre{font:"
    "13px/1.4 "
    "ui-monospace,monospace;background:#f6f6f6}pre{padding:8px;overflow-x:auto;white-space:"
    "pre-wrap;word-break:break-all}svg{width:100%;height:auto}.grid{stroke:#e4e4e4}.tick{font:12px "
    "sans-serif;fill:#555}.title{font:600 14px sans-serif}.key{font:13px sans-serif}.ok{color:"
    "#007a4d}.no{color:#b03a00}td.words{text-align:left}";

static int is_kind(const Json *line, const char *kind)
{
    const Json *k = json_member(line, "kind");

    return k != NULL && k->kind == JSON_TEXT && strcmp(k->text, kind) == 0;
}

static double number_of(const Json *line, const char *key)
{
    const Json *n = json_member(line, key);

    return n != NULL && n->kind == JSON_NUMBER ? n->number : 0;
}

static const char *text_of(const Json *line, const char *key)
{
    const Json *n = line == NULL ? NULL : json_member(line, key);

    return n != NULL && n->kind == JSON_TEXT ? n->text : "";
}

// The list of the groups' accuracies: the member whose name begins with by_.
static const Json *groups_of(const Json *line)
{
    for (const Json *j = line->child; j != NULL; j = j->next)
        if (j->kind == JSON_ARRAY && strncmp(j->key, "by_", 3) == 0)
            return j;
    return NULL;
}

// ---- accuracy

typedef struct Accuracy {
    int64_t     count;
    int         groups;
    const char *name[GROUPS_MAX + 1];  // "overall" first
    double     *x, *y[GROUPS_MAX + 1]; // y[0] overall
    const char *label;
} Accuracy;

// "digit 1", or the name that the evaluation gave.
static void name_groups(Page *p, Accuracy *a, const Json *names)
{
    const Json *name = names != NULL && names->kind == JSON_ARRAY ? names->child : NULL;

    a->name[0] = "overall";
    for (int g = 1; g <= a->groups; g++) {
        a->name[g] =
            name != NULL && name->kind == JSON_TEXT && strspn(name->text, "0123456789") == 0
                ? arena_text(p->arena, name->text)
                : arena_format(p->arena, "%s %d", a->label, g);
        name = name == NULL ? NULL : name->next;
    }
}

static Accuracy read_accuracy(Page *p)
{
    Accuracy a = {.label = "group"};
    int64_t  lines = 0;

    for (const Json *j = p->metrics; j != NULL; j = j->next)
        lines += is_kind(j, "eval");
    a.x = arena_new(p->arena, double, lines);
    for (int g = 0; g <= GROUPS_MAX; g++)
        a.y[g] = arena_new(p->arena, double, lines);
    for (const Json *j = p->metrics; j != NULL; j = j->next) {
        const Json *groups = is_kind(j, "eval") ? groups_of(j) : NULL;
        int         g = 0;

        if (groups == NULL || (a.count > 0 && number_of(j, "iteration") <= a.x[a.count - 1]))
            continue;
        a.label = groups->key + 3;
        a.x[a.count] = number_of(j, "iteration");
        a.y[0][a.count] = 100 * number_of(j, "accuracy");
        for (const Json *v = groups->child; v != NULL && g < GROUPS_MAX; v = v->next)
            a.y[++g][a.count] = 100 * v->number;
        a.groups = g;
        name_groups(p, &a, json_member(j, "groups"));
        a.count++;
    }
    return a;
}

static void write_accuracy(Page *p)
{
    Accuracy a = read_accuracy(p);
    SvgLine  line[GROUPS_MAX + 1];
    SvgChart chart = {"Held-out accuracy, %", "iteration", "%", 0, 100, a.groups + 1, line};

    if (a.count == 0)
        return;
    text_puts(&p->html, "<h2>Accuracy on held-out problems</h2>\n");
    for (int g = 0; g <= a.groups; g++)
        line[g] = (SvgLine){a.name[g], a.count, a.x, a.y[g]};
    svg_chart(&p->html, &chart);
    text_puts(&p->html, "<table><tr><th>iteration</th><th>overall</th>");
    for (int g = 1; g <= a.groups; g++) {
        text_puts(&p->html, "<th>");
        html_text(&p->html, a.name[g]);
        text_puts(&p->html, "</th>");
    }
    text_puts(&p->html, "</tr>\n");
    for (int64_t i = 0; i < a.count; i++) {
        text_printf(&p->html, "<tr><td>%.0f%s</td>", a.x[i], a.x[i] == 0 ? " (base)" : "");
        for (int g = 0; g <= a.groups; g++)
            text_printf(&p->html, "<td>%.1f</td>", a.y[g][i]);
        text_puts(&p->html, "</tr>\n");
    }
    text_puts(&p->html, "</table>\n");
}

// ---- records

// Kept by source, and rejected, over the iterations, from the lines of the generators.
static void write_yield_chart(Page *p)
{
    SvgLine  line[SOURCES_MAX + 1];
    double  *x, *y[SOURCES_MAX + 1];
    int64_t  lines = 0, count = 0;
    int      sources = 0;
    SvgChart chart = {"Records per iteration", "iteration", "records", 0, 0, 0, line};

    for (const Json *j = p->metrics; j != NULL; j = j->next)
        lines += is_kind(j, "generate");
    x = arena_new(p->arena, double, lines);
    for (int s = 0; s <= SOURCES_MAX; s++)
        y[s] = arena_new(p->arena, double, lines);
    for (const Json *j = p->metrics; j != NULL; j = j->next) {
        const Json *by = is_kind(j, "generate") ? json_member(j, "by_source") : NULL;
        double      i = number_of(j, "iteration");

        if (by == NULL || i < 1 || (count > 0 && i <= x[count - 1]))
            continue;
        x[count] = i;
        y[0][count] = number_of(j, "rejected");
        for (const Json *v = by->child; v != NULL; v = v->next) {
            int s = 0;

            while (s < sources && strcmp(line[s + 1].name, v->key) != 0)
                s++;
            if (s == sources && sources < SOURCES_MAX)
                line[++sources].name = v->key;
            if (s < SOURCES_MAX)
                y[s + 1][count] = v->number;
        }
        count++;
    }
    line[0].name = "rejected";
    for (int s = 0; s <= sources; s++)
        line[s] = (SvgLine){s == 0 ? "rejected" : line[s].name, count, x, y[s]};
    chart.lines = sources + 1;
    if (count > 0)
        svg_chart(&p->html, &chart);
}

static Err write_examples(Page *p)
{
    text_puts(&p->html, "<h2>Examples</h2>\n");
    write_yield_chart(p);
    return report_yields(&p->html, p->arena, p->run);
}

// ---- loss and time

static void write_loss(Page *p)
{
    int64_t  lines = 0, count = 0, step = 0, every;
    double  *x, *y, sum = 0, in_sum = 0;
    SvgLine  line;
    SvgChart chart = {
        "Training loss per token", "optimizer step, all iterations", "nats", 0, 0, 1, &line};

    for (const Json *j = p->metrics; j != NULL; j = j->next)
        lines += is_kind(j, "step");
    every = lines / LOSS_POINTS + 1;
    x = arena_new(p->arena, double, lines + 1);
    y = arena_new(p->arena, double, lines + 1);
    for (const Json *j = p->metrics; j != NULL; j = j->next) {
        if (!is_kind(j, "step"))
            continue;
        sum += number_of(j, "loss");
        in_sum++;
        if (++step % every == 0) {
            x[count] = (double)step;
            y[count++] = sum / in_sum;
            sum = in_sum = 0;
        }
    }
    line = (SvgLine){"loss", count, x, y};
    text_puts(&p->html, "<h2>Loss</h2>\n");
    svg_chart(&p->html, &chart);
}

static void write_times(Page *p)
{
    text_puts(&p->html,
              "<h2>Time</h2>\n<table><tr><th>section</th><th>attempt</th><th>ranks</th>"
              "<th>min s</th><th>mean s</th><th>max s</th><th>of the wall time</th></tr>");
    for (const Json *j = p->metrics; j != NULL; j = j->next) {
        double wall = number_of(j, "wall");

        if (!is_kind(j, "time"))
            continue;
        text_puts(&p->html, "\n<tr><td>");
        html_text(&p->html, text_of(j, "section"));
        text_printf(
            &p->html,
            "</td><td>%.0f</td><td>%.0f</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%.0f "
            "%%</td></tr>",
            number_of(j, "attempt"), number_of(j, "ranks"), number_of(j, "min"),
            number_of(j, "mean"), number_of(j, "max"),
            wall > 0 ? 100 * number_of(j, "max") / wall : 0);
    }
    text_puts(&p->html, "</table>\n<p>Sections of the two roles run side by side or in turn; "
                        "\"wait\" is time asleep until the other role's file came.</p>\n");
}

// The last line of each attempt: its counts run on from iteration to iteration.
static const Json *last_usage(const Json *line)
{
    for (const Json *j = line->next; j != NULL; j = j->next)
        if (is_kind(j, "teacher") && number_of(j, "attempt") == number_of(line, "attempt"))
            line = j;
    return line;
}

static void write_usage_row(Page *p, const Json *line)
{
    static const char *const keys[] = {"requests", "cached",        "sent",
                                       "failed",   "prompt_tokens", "new_tokens"};
    const Json              *usage = json_member(line, "usage");

    text_printf(&p->html, "\n<tr><td>%.0f</td><td>", number_of(line, "attempt"));
    html_text(&p->html, text_of(line, "name"));
    for (size_t i = 0; usage != NULL && i < sizeof keys / sizeof keys[0]; i++)
        text_printf(&p->html, "</td><td>%.0f", number_of(usage, keys[i]));
    text_printf(&p->html, "</td><td>%.4f</td></tr>", usage == NULL ? 0 : number_of(usage, "cost"));
}

static void write_teacher(Page *p)
{
    int rows = 0;

    for (const Json *j = p->metrics; j != NULL; j = j->next) {
        if (!is_kind(j, "teacher") || last_usage(j) != j)
            continue;
        if (rows++ == 0)
            text_puts(&p->html,
                      "<h2>Teacher</h2>\n<table><tr><th>attempt</th><th>teacher</th><th>answers"
                      "</th><th>from the cache</th><th>requests sent</th><th>failed</th><th>tokens "
                      "read</th><th>tokens written</th><th>cost</th></tr>");
        write_usage_row(p, j);
    }
    if (rows > 0)
        text_puts(&p->html, "</table>\n");
}

// ---- the page

static void write_provenance(Page *p)
{
    const Json *provenance = json_member(p->about, "provenance");
    const Json *config = json_member(p->about, "config");
    Text        t = text_make(p->arena);

    text_puts(&p->html, "<h2>Provenance</h2>\n<pre>");
    for (const Json *j = provenance == NULL ? NULL : provenance->child; j != NULL; j = j->next) {
        if (strcmp(j->key, "config") == 0)
            continue;
        text_printf(&t, "%s: ", j->key);
        json_write(&t, j);
        text_puts(&t, "\n");
    }
    if (config != NULL) {
        text_puts(&t, "\nresolved config: ");
        json_write(&t, config);
        text_puts(&t, "\n");
    }
    text_printf(&t, "\nkeys left at their defaults:\n%s", text_of(p->about, "defaults"));
    html_escape(&p->html, t.data, t.length);
    text_puts(&p->html,
              "</pre>\n<p>Every example above can be made again and compared: <code>tandem "
              "replay ");
    html_text(&p->html, p->run->dir);
    text_puts(&p->html, " ID</code>.</p>\n");
}

static Err write_page(Page *p)
{
    const Json *config = json_member(p->about, "config");
    const char *about = config == NULL ? "" : text_of(config, "about");

    text_puts(&p->html,
              "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>tandem: ");
    html_text(&p->html, about);
    text_printf(&p->html, "</title><style>%s%s</style></head><body>\n<h1>", STYLE,
                REPORT_YIELDS_STYLE);
    html_text(&p->html, about);
    text_puts(&p->html, "</h1>\n<p>Run directory <code>");
    html_text(&p->html, p->run->dir);
    text_puts(&p->html, "</code>, made by tandem 0.1.0.</p>\n");
    report_model(&p->html, p->about, p->metrics);
    write_accuracy(p);
    write_loss(p);
    TRY(write_examples(p));
    write_teacher(p);
    write_times(p);
    write_provenance(p);
    text_puts(&p->html, "</body></html>\n");
    return OK;
}

static Err read_inputs(Page *p)
{
    char    path[FILE_PATH_MAX];
    char   *text;
    int64_t length;

    TRY(run_path(p->run, path, "run.json"));
    TRY(file_read(p->arena, path, 64 << 20, &text, &length));
    TRY(json_parse(p->arena, arena_text(p->arena, path), text, length, JSON_NO_COMMENTS,
                   &p->about));
    return metrics_read(p->arena, p->run->dir, &p->metrics);
}

Err report_write(const Run *run)
{
    Arena arena, words;
    Page  p = {.run = run, .arena = &arena};
    char  path[FILE_PATH_MAX];
    Err   e;

    TRY(arena_make(&arena, "report", (int64_t)1 << 36));
    TRY(arena_make(&words, "report text", (int64_t)1 << 34));
    p.html = text_make(&words); // of its own, so that it grows in place
    e = read_inputs(&p);
    if (e == OK)
        e = write_page(&p);
    if (e == OK)
        e = run_path(run, path, "report.html");
    if (e == OK)
        e = file_publish(path, "report", p.html.data, p.html.length);
    arena_free(&words);
    arena_free(&arena);
    return e;
}
