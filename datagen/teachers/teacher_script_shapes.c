// Scripted answers to each shape of prompt; docs/scripted-teacher.md says them in the same order.
#include "datagen/teachers/teacher_script.h"

#include <inttypes.h>
#include <string.h>

static const char classification_mark[] = "\nIs it classification?";
static const char rewritten_mark[] = "#Rewritten Prompt#:\n";
static const char created_mark[] = "#Created Prompt#:\n";
static const char judge_mark[] = "Answer only Equal or Not Equal:\n";
static const char nothing_to_say[] = "It is what it is.";

static ScriptBytes bytes_of(Text t)
{
    return (ScriptBytes){t.data, t.length};
}

static void add(Text *t, ScriptBytes b)
{
    text_add(t, b.data, b.length);
}

// ---- what a prompt says

// Digits (1 to 6) at the beginning of text[0, end), then `behind`: where that ends, -1 if not so.
static int64_t numbered(ScriptBytes text, const char *behind, int64_t *number)
{
    int64_t i = 0, length = (int64_t)strlen(behind);

    *number = 0;
    for (; i < 6 && i < text.length && '0' <= text.data[i] && text.data[i] <= '9'; i++)
        *number = *number * 10 + (text.data[i] - '0');
    if (i == 0 || text.length < i + length || memcmp(text.data + i, behind, (size_t)length) != 0)
        return -1;
    return i + length;
}

static ScriptBytes last_line(ScriptBytes text)
{
    int64_t begin = text.length;

    while (begin > 0 && text.data[begin - 1] != '\n')
        begin--;
    return script_slice(text, begin, text.length);
}

// The instruction behind the last "Task: ", up to the mark at the end.
static ScriptBytes task_of(ScriptBytes text, const char *mark)
{
    int64_t at = script_last_line(text, "Task: ");

    if (at < 0)
        return (ScriptBytes){"", 0};
    return script_strip(script_slice(text, at + 6, text.length - (int64_t)strlen(mark)));
}

// The lines "D. X" or "D. Instruction: X" of the prompt: the X.
static ScriptBytes *shown_tasks(const ScriptPrompt *p, const char *behind, int64_t *count)
{
    int64_t      lines = 1, number;
    ScriptBytes *task;

    for (int64_t i = 0; i < p->text.length; i++)
        lines += p->text.data[i] == '\n';
    task = arena_new(p->arena, ScriptBytes, lines);
    *count = 0;
    for (int64_t at = 0, end; at < p->text.length; at = end + 1) {
        ScriptBytes line;
        int64_t     x;

        for (end = at; end < p->text.length && p->text.data[end] != '\n';)
            end++;
        line = script_slice(p->text, at, end);
        x = numbered(line, behind, &number);
        if (x >= 0 && x < line.length)
            task[(*count)++] = script_slice(line, x, line.length);
    }
    return task;
}

// ---- lists and sections

static void list_task(Text *t, ScriptItem *item, const ScriptBytes *task, int64_t tasks)
{
    if (item->is_missing)
        return;
    if (item->is_duplicate && tasks > 0)
        script_substitution(t, item, task, tasks);
    else if (item->is_odd)
        script_odd_instruction(t, item);
    else
        script_instruction(t, item);
    script_stop_clause(t, item);
}

static Text answer_list(const ScriptPrompt *p, int64_t first)
{
    Text         t = text_make(p->arena);
    ScriptDraws  d = script_draws(p, SCRIPT_CHANNEL_WHOLE);
    int64_t      tasks, count = 4 + script_next(&d, 5);
    ScriptBytes *task = shown_tasks(p, ". ", &tasks);

    for (int64_t k = 0; k < count; k++) {
        ScriptItem item = script_item(p, k);

        if (k == 0)
            text_puts(&t, " ");
        else if (item.is_wrong && item.wrong_kind == 1)
            text_printf(&t, "\n%" PRId64 ") ", first + k);
        else
            text_printf(&t, "\n%" PRId64 ". ", first + k + (item.is_wrong ? 10 : 0));
        list_task(&t, &item, task, tasks);
    }
    return t;
}

typedef struct Section {
    Text instruction, input, output;
} Section;

static void fill_section(Section *s, ScriptItem *item, const ScriptBytes *task, int64_t tasks)
{
    ScriptBytes j;

    if (item->is_duplicate && tasks > 0)
        script_substitution(&s->instruction, item, task, tasks);
    else if (item->is_odd && item->odd_kind == 0)
        script_odd_instruction(&s->instruction, item);
    else
        script_instruction(&s->instruction, item);
    j = bytes_of(s->instruction);
    if (script_find(j, "following") >= 0)
        script_sentences(&s->input, item, 2);
    else
        text_puts(&s->input, "<noinput>");
    if (script_is_classification(j)) {
        int set = script_labels(j);

        add(&s->output, script_label(set, script_next(&item->draws, script_label_count(set))));
    } else {
        script_sentences(&s->output, item, 1 + script_next(&item->draws, 3));
    }
    if (item->is_odd && item->odd_kind == 1)
        s->output.length = 0;
    if (item->is_odd && item->odd_kind == 2) {
        s->input.length = 0;
        text_puts(&s->input, "No input");
    }
    script_stop_clause(&s->output, item);
}

static void write_section(Text *t, const ScriptItem *item, const Section *s, int64_t number)
{
    int64_t heading = number + (item->is_wrong && item->wrong_kind == 1);

    if (item->k == 0)
        text_puts(t, " ");
    else
        text_printf(t, "\n###\n%" PRId64 ". Instruction: ", heading);
    add(t, bytes_of(s->instruction));
    if (!item->is_missing || item->missing_kind != 0) {
        text_printf(t, "\n%" PRId64 ". Input:\n", heading);
        add(t, bytes_of(s->input));
    }
    if (!item->is_missing || item->missing_kind != 1) {
        text_printf(t, "\n%" PRId64 ". Output:\n", number + item->is_wrong);
        add(t, bytes_of(s->output));
    }
}

static Text answer_sections(const ScriptPrompt *p, int64_t first)
{
    Text         t = text_make(p->arena);
    ScriptDraws  d = script_draws(p, SCRIPT_CHANNEL_WHOLE);
    int64_t      tasks, count = 8 + script_next(&d, 11);
    ScriptBytes *task = shown_tasks(p, ". Instruction: ", &tasks);

    for (int64_t k = 0; k < count; k++) {
        ScriptItem item = script_item(p, k);
        Section    s = {text_make(p->arena), text_make(p->arena), text_make(p->arena)};

        fill_section(&s, &item, task, tasks);
        write_section(&t, &item, &s, first + k);
    }
    return t;
}

// ---- single answers

static Text answer_classification(const ScriptPrompt *p)
{
    Text       t = text_make(p->arena);
    ScriptItem item = script_item(p, 0);

    if (item.is_missing)
        text_puts(&t, " It depends.");
    else if (script_is_classification(task_of(p->text, classification_mark)))
        text_puts(&t, " Yes");
    else
        text_puts(&t, " No");
    return t;
}

static ScriptBytes given_prompt(ScriptBytes text)
{
    static const char *const marks[] = {"#The Given Prompt#:\n", "#Given Prompt#:\n"};
    int64_t                  begin = -1;

    for (int i = 0; i < 2; i++) {
        int64_t at = script_last_line(text, marks[i]);

        if (at >= 0 && at + (int64_t)strlen(marks[i]) > begin)
            begin = at + (int64_t)strlen(marks[i]);
    }
    return begin < 0 ? (ScriptBytes){"", 0} : script_strip(script_slice(text, begin, text.length));
}

static Text answer_evolve(const ScriptPrompt *p, const char *mark)
{
    Text        t = text_make(p->arena);
    ScriptItem  item = script_item(p, 0);
    ScriptBytes before = script_slice(p->text, 0, p->text.length - (int64_t)strlen(mark));
    ScriptBytes given = given_prompt(before);

    if (item.is_missing)
        text_puts(&t, mark);
    if (item.is_duplicate) {
        add(&t, given);
    } else if (item.is_odd) {
        text_puts(&t, nothing_to_say);
    } else {
        int is_new = mark == created_mark;

        if (is_new)
            script_instruction(&t, &item);
        else
            add(&t, given);
        text_puts(&t, is_new || given.length > 0 ? " " : "");
        text_puts(&t, script_pick(&item.draws, SCRIPT_CLAUSES));
    }
    script_stop_clause(&t, &item);
    return t;
}

static int are_the_same(ScriptBytes text)
{
    static const char mark_first[] = "First Prompt: ", mark_second[] = "Second Prompt: ";
    int64_t           first, second = script_last_line(text, mark_second);
    ScriptBytes       a, b;

    if (second < 0)
        return 0;
    first = script_last_line(script_slice(text, 0, second), mark_first);
    if (first < 0)
        return 0;
    a = script_strip(script_slice(text, first + (int64_t)strlen(mark_first), second));
    b = script_strip(script_slice(text, second + (int64_t)strlen(mark_second), text.length));
    return a.length == b.length && memcmp(a.data, b.data, (size_t)a.length) == 0;
}

static Text answer_judge(const ScriptPrompt *p)
{
    Text        t = text_make(p->arena);
    ScriptItem  item = script_item(p, 0);
    ScriptBytes before = script_slice(p->text, 0, p->text.length - (int64_t)strlen(judge_mark));

    if (item.is_missing)
        text_puts(&t, "I cannot tell.");
    else if (are_the_same(before) || script_chance(p, SCRIPT_CHANNEL_ITEMS, 0, SCRIPT_EQUAL))
        text_puts(&t, "Equal");
    else
        text_puts(&t, "Not Equal");
    return t;
}

// Runs of letters of the prompt, at least four of them; the fillers if there are too few.
static ScriptBytes *words_of(const ScriptPrompt *p, int64_t *count)
{
    const ScriptWords *fillers = &script_words[SCRIPT_FILLERS];
    int64_t            most = p->text.length / 5 + 1;
    ScriptBytes       *word = arena_new(p->arena, ScriptBytes, most + fillers->count);

    *count = 0;
    for (int64_t i = 0, begin; i < p->text.length; i++) {
        for (begin = i; i < p->text.length; i++) {
            char c = (char)(p->text.data[i] | 0x20);

            if (c < 'a' || c > 'z')
                break;
        }
        if (i - begin >= 4)
            word[(*count)++] = script_slice(p->text, begin, i);
    }
    if (*count >= 4)
        return word;
    for (*count = 0; *count < fillers->count; (*count)++)
        word[*count] =
            (ScriptBytes){fillers->entry[*count], (int64_t)strlen(fillers->entry[*count])};
    return word;
}

static Text answer_other(const ScriptPrompt *p)
{
    Text         t = text_make(p->arena);
    ScriptItem   item = script_item(p, 0);
    int64_t      words, count;
    ScriptBytes *word = words_of(p, &words);

    if (item.is_odd)
        text_puts(&t, nothing_to_say);
    count = item.is_odd ? 0 : 1 + script_next(&item.draws, 2);
    for (int64_t i = 0; i < count; i++) {
        int64_t length = 5 + script_next(&item.draws, 8), begin;

        text_puts(&t, i > 0 ? " " : "");
        begin = t.length;
        for (int64_t k = 0; k < length; k++) {
            text_puts(&t, k > 0 ? " " : "");
            add(&t, word[script_next(&item.draws, words)]);
        }
        if ('a' <= t.data[begin] && t.data[begin] <= 'z')
            t.data[begin] = (char)(t.data[begin] - 'a' + 'A');
        text_puts(&t, ".");
    }
    script_stop_clause(&t, &item);
    return t;
}

// ---- instances

static void end_with_colon(Text *t)
{
    t->length -= t->length > 0;
    text_puts(t, ":");
}

static void replace(Text *t, ScriptBytes by)
{
    t->length = 0;
    add(t, by);
}

static Text answer_labels_first(const ScriptPrompt *p)
{
    Text        t = text_make(p->arena), last = text_make(p->arena);
    ScriptDraws d = script_draws(p, SCRIPT_CHANNEL_WHOLE);
    int         set = script_labels(task_of(p->text, "\n"));
    int64_t     labels = script_label_count(set), count = 2 + script_next(&d, 5), last_number = 0;

    for (int64_t k = 0; k < count; k++) {
        ScriptItem  item = script_item(p, k);
        int64_t     number = script_next(&item.draws, labels);
        Text        x = text_make(p->arena);
        ScriptBytes label;

        script_sentences(&x, &item, 1);
        if (item.is_duplicate && k > 0) {
            replace(&x, bytes_of(last));
            number = (last_number + (item.duplicate_kind == 0)) % labels;
        }
        label = script_label(set, number);
        if (item.is_odd && item.odd_kind == 0)
            replace(&x, label);
        else if (item.is_odd && item.odd_kind == 1)
            label.length = 0;
        else if (item.is_odd)
            end_with_colon(&x);
        script_stop_clause(&x, &item);
        text_puts(&t, k > 0 ? "\n" : "");
        if (!item.is_missing) {
            text_puts(&t, "Class label: ");
            add(&t, label);
            text_puts(&t, "\n");
        }
        add(&t, bytes_of(x));
        last = x;
        last_number = number;
    }
    return t;
}

// What an odd item has for its output.
static void make_odd(Text *output, const ScriptItem *item, ScriptBytes same)
{
    if (!item->is_odd)
        return;
    if (item->odd_kind == 0)
        replace(output, same);
    else if (item->odd_kind == 1)
        output->length = 0;
    else
        end_with_colon(output);
}

static Text answer_output_only(const ScriptPrompt *p, ScriptBytes task)
{
    Text       t = text_make(p->arena), y = text_make(p->arena);
    ScriptItem item = script_item(p, 0);

    script_sentences(&y, &item, 1 + script_next(&item.draws, 2));
    make_odd(&y, &item, task);
    script_stop_clause(&y, &item);
    text_puts(&t, item.is_missing ? "" : "Output: ");
    add(&t, bytes_of(y));
    return t;
}

static Text answer_input_first(const ScriptPrompt *p)
{
    Text        t = text_make(p->arena), last_x = t, last_y = t;
    ScriptDraws d = script_draws(p, SCRIPT_CHANNEL_WHOLE);
    ScriptBytes task = task_of(p->text, "\n");
    int64_t     count;
    const char *field;

    if (script_find(task, "following") < 0)
        return answer_output_only(p, task);
    count = 1 + script_next(&d, 6);
    field = script_pick(&d, SCRIPT_FIELD_NAMES);
    for (int64_t k = 0; k < count; k++) {
        ScriptItem item = script_item(p, k);
        Text       x = text_make(p->arena), y = text_make(p->arena);

        script_sentences(&x, &item, 1);
        script_sentences(&y, &item, 1);
        if (item.is_duplicate && k > 0) {
            x = last_x;
            if (item.duplicate_kind == 1)
                replace(&y, bytes_of(last_y));
        }
        make_odd(&y, &item, bytes_of(x));
        script_stop_clause(&y, &item);
        text_printf(&t, "%sExample %" PRId64 "\n%s: ", k > 0 ? "\n" : "", k + 1 + item.is_wrong,
                    field);
        add(&t, bytes_of(x));
        if (!item.is_missing) {
            text_puts(&t, "\nOutput: ");
            add(&t, bytes_of(y));
        }
        last_x = x;
        last_y = y;
    }
    return t;
}

// ---- which one

Text script_answer_shape(const ScriptPrompt *p)
{
    ScriptBytes text = p->text, line = last_line(text);
    int64_t     number, sections = script_last_line(text, "###\n");

    if (numbered(line, ".", &number) == line.length)
        return answer_list(p, number);
    if (script_ends(text, classification_mark))
        return answer_classification(p);
    if (sections >= 0) {
        ScriptBytes rest = script_slice(text, sections + 4, text.length);

        if (numbered(rest, ". Instruction:", &number) == rest.length)
            return answer_sections(p, number);
    }
    if (script_ends(text, rewritten_mark))
        return answer_evolve(p, rewritten_mark);
    if (script_ends(text, created_mark))
        return answer_evolve(p, created_mark);
    if (script_ends(text, judge_mark))
        return answer_judge(p);
    if (script_ends(text, "\n") && script_last_line(text, "Task: ") >= 0)
        return script_find(text, "Labels first.") >= 0 ? answer_labels_first(p)
                                                       : answer_input_first(p);
    return answer_other(p);
}
