#include "campaign/report/yields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int find(const char *const *names, int count, const char *name)
{
    int i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i < count ? i : -1;
}

static const char **copy_names(Arena *arena, const char *const *names, int count)
{
    const char **out = arena_new(arena, const char *, count);

    for (int i = 0; i < count; i++)
        out[i] = arena_text(arena, names[i]);
    return out;
}

static void count_row(Yields *y, const SetRows *rows, int64_t r)
{
    YieldStep *s = &y->step[rows->step[r]];

    y->records++;
    switch ((SetStatus)rows->status[r]) {
    case SET_KEPT:
        y->kept++;
        s->kept++;
        break;
    case SET_PASSED:
        y->passed++;
        s->passed++;
        break;
    case SET_REJECTED:
        y->rejected++;
        s->rejected++;
        s->because[rows->reason[r]]++;
        break;
    }
}

void yields_count(Arena *arena, const SetRows *rows, Yields *out)
{
    *out = (Yields){.reasons = rows->reasons, .steps = rows->steps};
    out->reason = copy_names(arena, rows->reason_names, rows->reasons);
    out->step = arena_new(arena, YieldStep, rows->steps);
    for (int i = 0; i < rows->steps; i++)
        out->step[i] = (YieldStep){.name = arena_text(arena, rows->step_names[i]),
                                   .because = arena_new(arena, int64_t, rows->reasons)};
    for (int64_t r = 0; r < rows->R; r++)
        count_row(out, rows, r);
}

// ---- sums

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// "3 parse" -> 3; "end", which has no number, comes last.
static int64_t place_of(const char *step)
{
    char   *rest;
    int64_t number = strtoll(step, &rest, 10);

    return rest == step ? INT64_MAX : number;
}

static void add_step(Yields *y, const char *name)
{
    int at = y->steps++;

    for (; at > 0 && place_of(y->step[at - 1].name) > place_of(name); at--)
        y->step[at] = y->step[at - 1];
    y->step[at] = (YieldStep){.name = name};
}

static YieldStep *find_step(const Yields *y, const char *name)
{
    for (int i = 0; i < y->steps; i++)
        if (strcmp(y->step[i].name, name) == 0)
            return &y->step[i];
    return NULL;
}

// Room for the names of both, with nothing counted.
static Yields make_union(Arena *arena, const Yields *a, const Yields *b)
{
    Yields y = {.reason = arena_new(arena, const char *, a->reasons + b->reasons),
                .step = arena_new(arena, YieldStep, a->steps + b->steps)};

    for (int i = 0; i < a->reasons + b->reasons; i++) {
        const char *name = i < a->reasons ? a->reason[i] : b->reason[i - a->reasons];

        if (find(y.reason, y.reasons, name) < 0)
            y.reason[y.reasons++] = name;
    }
    if (y.reasons > 1)
        qsort(y.reason, (size_t)y.reasons, sizeof *y.reason, by_text);
    for (int i = 0; i < a->steps + b->steps; i++) {
        const char *name = i < a->steps ? a->step[i].name : b->step[i - a->steps].name;

        if (find_step(&y, name) == NULL)
            add_step(&y, name);
    }
    for (int i = 0; i < y.steps; i++)
        y.step[i].because = arena_new(arena, int64_t, y.reasons);
    return y;
}

static void add_counts(Yields *sum, const Yields *more)
{
    sum->records += more->records;
    sum->kept += more->kept;
    sum->passed += more->passed;
    sum->rejected += more->rejected;
    for (int i = 0; i < more->steps; i++) {
        const YieldStep *from = &more->step[i];
        YieldStep       *to = find_step(sum, from->name);

        to->kept += from->kept;
        to->passed += from->passed;
        to->rejected += from->rejected;
        for (int k = 0; k < more->reasons; k++)
            to->because[find(sum->reason, sum->reasons, more->reason[k])] += from->because[k];
    }
}

void yields_add(Arena *arena, Yields *sum, const Yields *more)
{
    Yields both = make_union(arena, sum, more);

    add_counts(&both, sum);
    add_counts(&both, more);
    *sum = both;
}

int yields_alike(const Yields *a, const Yields *b)
{
    if (a->steps != b->steps)
        return 0;
    for (int i = 0; i < a->steps; i++)
        if (strcmp(a->step[i].name, b->step[i].name) != 0)
            return 0;
    return 1;
}

int yields_next(const Yields *y, const YieldStep *step, int last)
{
    const int64_t *n = step->because;
    int            best = -1;

    for (int k = 0; k < y->reasons; k++) {
        int is_later = last < 0 || n[k] < n[last] || (n[k] == n[last] && k > last);

        if (n[k] > 0 && is_later && (best < 0 || n[k] > n[best]))
            best = k;
    }
    return best;
}

// ---- as text

static int has_records(const YieldStep *s)
{
    return s->kept + s->passed + s->rejected > 0;
}

static void json_text(Text *t, const char *text)
{
    text_json(t, text, (int64_t)strlen(text));
}

static void step_json(Text *t, const Yields *y, const YieldStep *s)
{
    const char *comma = "";

    text_puts(t, "{\"step\": ");
    json_text(t, s->name);
    text_printf(t, ", \"passed\": %" PRId64 ", \"kept\": %" PRId64 ", \"rejected\": {", s->passed,
                s->kept);
    for (int k = 0; k < y->reasons; k++) {
        if (s->because[k] == 0)
            continue;
        text_puts(t, comma);
        json_text(t, y->reason[k]);
        text_printf(t, ": %" PRId64, s->because[k]);
        comma = ", ";
    }
    text_puts(t, "}}");
}

void yields_json(Text *t, const Yields *y)
{
    const char *comma = "";

    text_printf(t,
                "\"records\": %" PRId64 ", \"kept\": %" PRId64 ", \"passed\": %" PRId64
                ", \"rejected\": %" PRId64 ", \"steps\": [",
                y->records, y->kept, y->passed, y->rejected);
    for (int i = 0; i < y->steps; i++) {
        const YieldStep *s = &y->step[i];

        if (!has_records(s))
            continue;
        text_puts(t, comma);
        step_json(t, y, s);
        comma = ", ";
    }
    text_puts(t, "]");
}

static int digits(int64_t n)
{
    return n < 10 ? 1 : 1 + digits(n / 10);
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

void yields_table(Text *t, const Yields *y)
{
    int names = (int)strlen("step"), numbers = larger((int)strlen("rejected"), digits(y->records));

    for (int i = 0; i < y->steps; i++)
        if (has_records(&y->step[i]))
            names = larger(names, (int)strlen(y->step[i].name));
    text_printf(t, "  %-*s  %*s  %*s  %*s\n", names, "step", numbers, "passed", numbers, "kept",
                numbers, "rejected");
    for (int i = 0; i < y->steps; i++) {
        const YieldStep *s = &y->step[i];
        const char      *comma = "  ";

        if (!has_records(s))
            continue;
        text_printf(t, "  %-*s  %*" PRId64 "  %*" PRId64 "  %*" PRId64, names, s->name, numbers,
                    s->passed, numbers, s->kept, numbers, s->rejected);
        for (int k = yields_next(y, s, -1); k >= 0; k = yields_next(y, s, k)) {
            text_printf(t, "%s%" PRId64 " %s", comma, s->because[k], y->reason[k]);
            comma = ", ";
        }
        text_puts(t, "\n");
    }
    text_printf(t, "  %-*s  %*" PRId64 "  %*" PRId64 "  %*" PRId64 "  of %" PRId64 "\n", names,
                "all", numbers, y->passed, numbers, y->kept, numbers, y->rejected, y->records);
}
