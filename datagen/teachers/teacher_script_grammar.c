// The pieces of scripted answers: random numbers, sentences, instructions, faults of items.
#include "datagen/teachers/teacher_script.h"

#include <string.h>

static const uint64_t step_of_counter = 0x9e3779b97f4a7c15U;

enum { MILLION = 1000000 };

// ---- random numbers

uint64_t script_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

uint64_t script_key(ScriptBytes prompt, uint64_t seed, uint64_t stream)
{
    uint64_t h = 0xcbf29ce484222325U; // FNV-1a

    for (int64_t i = 0; i < prompt.length; i++)
        h = (h ^ (unsigned char)prompt.data[i]) * 0x100000001b3U;
    h = script_mix(h + step_of_counter);
    h = script_mix((h ^ seed) + step_of_counter);
    return script_mix((h ^ stream) + step_of_counter);
}

// floor(u n / 2^64), in two halves: n is below 2^32, so nothing overflows.
int64_t script_below(const ScriptPrompt *p, uint64_t channel, uint64_t i, int64_t n)
{
    uint64_t start = script_mix((p->key ^ channel) + step_of_counter);
    uint64_t u = script_mix(start + (i + 1) * step_of_counter), m = (uint64_t)n;

    CHECK(0 < n && n <= UINT32_MAX, "%lld", (long long)n);
    return (int64_t)(((u >> 32) * m + ((u & UINT32_MAX) * m >> 32)) >> 32);
}

int script_chance(const ScriptPrompt *p, uint64_t channel, uint64_t i, ScriptFault fault)
{
    return script_below(p, channel, i, MILLION) < p->knobs->ppm[fault];
}

ScriptDraws script_draws(const ScriptPrompt *p, uint64_t channel)
{
    return (ScriptDraws){.prompt = p, .channel = channel};
}

int64_t script_next(ScriptDraws *d, int64_t n)
{
    return script_below(d->prompt, d->channel, d->at++, n);
}

const char *script_pick(ScriptDraws *d, ScriptTable table)
{
    return script_words[table].entry[script_next(d, script_words[table].count)];
}

// ---- faults of an item: places in its own channel

enum {
    AT_DUPLICATE,
    AT_MISSING,
    AT_WRONG_NUMBER,
    AT_STOP,
    AT_ODD,
    AT_MISSING_KIND,
    AT_WRONG_KIND,
    AT_CLAUSE,
    AT_ODD_KIND,
    AT_WHICH,
    AT_WORD,
    AT_FILLERS
};

static uint64_t fault_channel(int64_t k)
{
    return SCRIPT_CHANNEL_ITEMS + 2 * (uint64_t)k + 1;
}

static int64_t fault_below(const ScriptItem *item, uint64_t at, int64_t n)
{
    return script_below(item->prompt, fault_channel(item->k), at, n);
}

ScriptItem script_item(const ScriptPrompt *p, int64_t k)
{
    uint64_t   c = fault_channel(k);
    ScriptItem item = {.prompt = p, .k = k, .draws = script_draws(p, c - 1)};

    item.is_duplicate = script_chance(p, c, AT_DUPLICATE, SCRIPT_DUPLICATE);
    item.is_missing = script_chance(p, c, AT_MISSING, SCRIPT_MISSING);
    item.is_wrong = script_chance(p, c, AT_WRONG_NUMBER, SCRIPT_WRONG_NUMBER);
    item.has_stop = script_chance(p, c, AT_STOP, SCRIPT_STOP_IN_TEXT);
    item.is_odd = script_chance(p, c, AT_ODD, SCRIPT_ODD);
    item.missing_kind = fault_below(&item, AT_MISSING_KIND, 2);
    item.wrong_kind = fault_below(&item, AT_WRONG_KIND, 2);
    item.odd_kind = fault_below(&item, AT_ODD_KIND, 3);
    item.duplicate_kind = fault_below(&item, AT_WHICH, 2);
    return item;
}

void script_stop_clause(Text *t, const ScriptItem *item)
{
    const ScriptWords *w = &script_words[SCRIPT_STOPS];

    if (!item->has_stop)
        return;
    text_puts(t, " ");
    text_puts(t, w->entry[fault_below(item, AT_CLAUSE, w->count)]);
}

void script_odd_instruction(Text *t, const ScriptItem *item)
{
    const ScriptWords *w = &script_words[SCRIPT_ODD_TASKS];

    for (const char *c = w->entry[fault_below(item, AT_WHICH, w->count)]; *c != 0; c++)
        if (*c != '~')
            text_add(t, c, 1);
        else
            for (int i = 0; i < 150; i++)
                text_puts(t, " again");
}

void script_substitution(Text *t, const ScriptItem *item, const ScriptBytes *task, int64_t tasks)
{
    const ScriptWords *fillers = &script_words[SCRIPT_FILLERS];
    ScriptBytes        x = task[fault_below(item, AT_WHICH, tasks)];
    int64_t            words = 1, first, at = 0;

    for (int64_t i = 0; i < x.length; i++)
        words += x.data[i] == ' ';
    first = fault_below(item, AT_WORD, words);
    for (int64_t word = 0; word < words; word++) {
        int64_t end = at, i = (word - first + words) % words; // the i-th from the first on

        while (end < x.length && x.data[end] != ' ')
            end++;
        if (word > 0)
            text_puts(t, " ");
        if (i < words / 5)
            text_puts(t,
                      fillers->entry[fault_below(item, AT_FILLERS + (uint64_t)i, fillers->count)]);
        else
            text_add(t, x.data + at, end - at);
        at = end + 1;
    }
}

// ---- sentences and instructions

static void sentence(Text *t, ScriptItem *item)
{
    text_puts(t, script_pick(&item->draws, SCRIPT_SUBJECTS));
    text_puts(t, " ");
    text_puts(t, script_pick(&item->draws, SCRIPT_ACTIONS));
    text_puts(t, " ");
    text_puts(t, script_pick(&item->draws, SCRIPT_PLACES));
    text_puts(t, ".");
}

void script_sentences(Text *t, ScriptItem *item, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (i > 0)
            text_puts(t, " ");
        sentence(t, item);
    }
}

int64_t script_label_count(int set)
{
    int64_t count = 1;

    for (const char *c = script_words[SCRIPT_LABEL_SETS].entry[set]; *c != 0; c++)
        count += *c == '|';
    return count;
}

ScriptBytes script_label(int set, int64_t n)
{
    const char *begin = script_words[SCRIPT_LABEL_SETS].entry[set];

    for (; n > 0; n--)
        begin = strchr(begin, '|') + 1;
    return (ScriptBytes){begin, (int64_t)strcspn(begin, "|")};
}

// "a, b or c"
static void phrase(Text *t, int set)
{
    int64_t count = script_label_count(set);

    for (int64_t i = 0; i < count; i++) {
        ScriptBytes label = script_label(set, i);

        text_puts(t, i == 0 ? "" : i + 1 == count ? " or " : ", ");
        text_add(t, label.data, label.length);
    }
}

void script_instruction(Text *t, ScriptItem *item)
{
    ScriptDraws *d = &item->draws;
    int64_t      form;

    if (script_next(d, 100) < 22) {
        text_puts(t, script_pick(d, SCRIPT_CLASS_VERBS));
        text_puts(t, " the following ");
        text_puts(t, script_pick(d, SCRIPT_CLASS_TEXTS));
        text_puts(t, " as ");
        phrase(t, (int)script_next(d, script_words[SCRIPT_LABEL_SETS].count));
        text_puts(t, ".");
        return;
    }
    text_puts(t, script_pick(d, SCRIPT_VERBS));
    text_puts(t, " ");
    text_puts(t, script_pick(d, SCRIPT_OBJECTS));
    form = script_next(d, 8);
    if (form != 0 && form != 3 && form != 4) {
        text_puts(t, " ");
        text_puts(t, script_pick(d, SCRIPT_STYLES));
    }
    if (form >= 3) {
        text_puts(t, " ");
        text_puts(t, script_pick(d, SCRIPT_CONSTRAINTS));
    }
    text_puts(t, ".");
}

static int is_letter(char c)
{
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

static char small(char c)
{
    return 'A' <= c && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same_word(ScriptBytes a, const char *b)
{
    int64_t i = 0;

    while (i < a.length && b[i] != 0 && small(a.data[i]) == small(b[i]))
        i++;
    return i == a.length && b[i] == 0;
}

int script_is_classification(ScriptBytes instruction)
{
    const ScriptWords *w = &script_words[SCRIPT_CLASS_VERBS];
    ScriptBytes        first = {instruction.data, 0};

    while (first.length < instruction.length && is_letter(first.data[first.length]))
        first.length++;
    for (int i = 0; i < w->count; i++)
        if (same_word(first, w->entry[i]))
            return 1;
    return 0;
}

int script_labels(ScriptBytes instruction)
{
    char buffer[256];
    Text t = {.data = buffer, .capacity = sizeof buffer}; // never grows: phrases are short
    int  sets = script_words[SCRIPT_LABEL_SETS].count;

    if (!script_is_classification(instruction))
        return 0;
    for (int i = 0; i < sets; i++) {
        t.length = 0;
        phrase(&t, i);
        if (script_find(instruction, t.data) >= 0)
            return i;
    }
    return 0;
}

// ---- texts

int64_t script_find(ScriptBytes text, const char *word)
{
    int64_t length = (int64_t)strlen(word);

    for (int64_t i = 0; i + length <= text.length; i++)
        if (memcmp(text.data + i, word, (size_t)length) == 0)
            return i;
    return -1;
}

ScriptBytes script_slice(ScriptBytes text, int64_t begin, int64_t end)
{
    return (ScriptBytes){text.data + begin, end < begin ? 0 : end - begin};
}

static int is_blank(char c)
{
    return c == ' ' || ('\t' <= c && c <= '\r');
}

ScriptBytes script_strip(ScriptBytes text)
{
    int64_t begin = 0, end = text.length;

    while (begin < end && is_blank(text.data[begin]))
        begin++;
    while (end > begin && is_blank(text.data[end - 1]))
        end--;
    return script_slice(text, begin, end);
}

int script_ends(ScriptBytes text, const char *end)
{
    int64_t length = (int64_t)strlen(end);

    return text.length >= length &&
           memcmp(text.data + text.length - length, end, (size_t)length) == 0;
}

int64_t script_last_line(ScriptBytes text, const char *mark)
{
    int64_t length = (int64_t)strlen(mark);

    for (int64_t i = text.length - length; i >= 0; i--)
        if ((i == 0 || text.data[i - 1] == '\n') &&
            memcmp(text.data + i, mark, (size_t)length) == 0)
            return i;
    return -1;
}
