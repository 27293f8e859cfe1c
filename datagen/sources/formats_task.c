// Tasks and their answers: Alpaca, prompt and completion, seed tasks, Super-NaturalInstructions,
// questions with rationales, documents.
#include "datagen/sources/formats_private.h"

#include <string.h>

enum { EXAMPLES_SHOWN = 2 }; // of a task file, as its authors' models saw them

static const char *const INPUTS[] = {"input", "context", NULL};
static const char *const OUTPUTS[] = {"output", "response", NULL};

static FormatText of_node(const Json *node)
{
    return node != NULL && node->kind == JSON_TEXT ? (FormatText){node->text, node->length}
                                                   : (FormatText){"", 0};
}

FormatText format_task(Arena *scratch, const Json *instruction, const Json *input)
{
    FormatText a = of_node(instruction), b = of_node(input);
    Text       t = text_make(scratch);

    if (b.length == 0)
        return a;
    text_printf(&t, "%s%s%s", a.text, a.length > 0 ? "\n" : "", b.text);
    return (FormatText){t.data, t.length};
}

// One question and one answer; without a question there is nothing to be told by.
static Err give_pair(FormatTake *t, Talk *talk, FormatText asked, FormatText answer,
                     const Json *record)
{
    if (format_is_blank(asked)) {
        t->leave(t->self, "empty prompt");
        return OK;
    }
    talk_say(talk, TALK_USER, asked.text, asked.length);
    talk_say(talk, TALK_ASSISTANT, answer.text, answer.length);
    return format_end(t, talk, record);
}

// ---- alpaca

static int fits_alpaca(const Json *record)
{
    const Json *output = format_any(record, OUTPUTS);

    return format_is_text(record, "instruction") && output != NULL && output->kind == JSON_TEXT;
}

static Err take_alpaca(FormatTake *t, const Json *record)
{
    const Json *instruction, *input = format_any(record, INPUTS);
    const Json *output = format_any(record, OUTPUTS);
    Talk        talk = talk_make(t->scratch);

    TRY(format_text(record, "instruction", &instruction));
    if (input != NULL)
        TRY(format_text(record, input->key, &input));
    TRY(format_before(&talk, record));
    t->value[2] = of_node(instruction);
    t->value[3] = of_node(input);
    t->value[4] = of_node(output);
    return give_pair(t, &talk, format_task(t->scratch, instruction, input), t->value[4], record);
}

const Format FORMAT_ALPACA = {.name = "alpaca",
                              .wants = "the texts \"instruction\" and \"output\" (or \"response\")",
                              .field = {"messages", "tools", "instruction", "input", "output"},
                              .fits = fits_alpaca,
                              .take = take_alpaca};

// ---- prompt and completion

static const char *const ASKED[] = {"prompt", "question",    "query", "problem",
                                    "input",  "instruction", NULL};
static const char *const ANSWERED[] = {"completion", "answer", "response", "solution",
                                       "output",     "target", NULL};

static int is_side(const Json *node)
{
    return node != NULL &&
           (node->kind == JSON_TEXT || format_is_messages(node) || format_is_message(node));
}

static int fits_prompt(const Json *record)
{
    return is_side(format_any(record, ASKED)) && is_side(format_any(record, ANSWERED));
}

static Err say_side(FormatTake *t, Talk *talk, const Json *side, TalkRole role, FormatText *value)
{
    if (side->kind != JSON_TEXT)
        return talk_read(talk, t->scratch, side);
    *value = of_node(side);
    talk_say_node(talk, role, side);
    return OK;
}

static Err take_prompt(FormatTake *t, const Json *record)
{
    const Json *asked = format_any(record, ASKED), *answer = format_any(record, ANSWERED);
    Talk        talk = talk_make(t->scratch);

    if (asked->kind != JSON_ARRAY || !format_begins_with_system(asked))
        TRY(format_before(&talk, record));
    if (asked->kind == JSON_TEXT && format_is_blank(of_node(asked))) {
        t->leave(t->self, "empty prompt");
        return OK;
    }
    TRY(say_side(t, &talk, asked, TALK_USER, &t->value[2]));
    TRY(say_side(t, &talk, answer, TALK_ASSISTANT, &t->value[3]));
    return format_end(t, &talk, record);
}

const Format FORMAT_PROMPT = {
    .name = "prompt-completion",
    .wants = "\"prompt\" and \"completion\" (or question and answer, query and response, problem "
             "and solution, input and target), texts or messages",
    .field = {"messages", "tools", "prompt", "completion"},
    .fits = fits_prompt,
    .take = take_prompt};

// ---- tasks with instances

static int fits_self_instruct(const Json *record)
{
    const Json *list = json_member(record, "instances");

    return format_is_text(record, "instruction") && list != NULL && list->kind == JSON_ARRAY &&
           (list->child == NULL || format_is_text(list->child, "output"));
}

static Err check_instance(const Json *m)
{
    if (m->kind != JSON_OBJECT || !format_is_text(m, "input"))
        FAIL(ERR_DATA, "%s: an instance is {\"input\": text, \"output\": ...}, found %s",
             FORMAT_WHERE(m),
             m->kind == JSON_OBJECT ? "an object without the text \"input\""
                                    : json_kind_name(m->kind));
    return OK;
}

static Err take_self_instruct(FormatTake *t, const Json *record)
{
    const Json *instruction = json_member(record, "instruction");
    const Json *list = json_member(record, "instances");

    if (list->child == NULL)
        t->leave(t->self, "task without instances");
    for (const Json *m = list->child; m != NULL; m = m->next) {
        const Json *input = json_member(m, "input"), *output = json_member(m, "output");
        Talk        talk = talk_make(t->scratch);

        TRY(check_instance(m));
        TRY(format_text(m, "output", &output));
        t->value[2] = of_node(instruction);
        t->value[3] = of_node(input);
        t->value[4] = of_node(output);
        TRY(give_pair(t, &talk, format_task(t->scratch, instruction, input), t->value[4], record));
    }
    return OK;
}

const Format FORMAT_SELF_INSTRUCT = {
    .name = "self-instruct",
    .wants = "the text \"instruction\" and \"instances\": a list of {\"input\", \"output\"}",
    .field = {"messages", "tools", "instruction", "input", "output"},
    .fits = fits_self_instruct,
    .take = take_self_instruct};

// ---- task files

static const Json *first_of(const Json *node)
{
    return node != NULL && node->kind == JSON_ARRAY ? node->child : node;
}

static int fits_natural(const Json *record)
{
    const Json *definition = first_of(json_member(record, "Definition"));
    const Json *list = json_member(record, "Instances");

    return definition != NULL && definition->kind == JSON_TEXT && list != NULL &&
           list->kind == JSON_ARRAY;
}

// "Input: ...\nOutput: ...\n\n" for the first positive examples.
static FormatText examples_of(Arena *scratch, const Json *task)
{
    const Json *list = json_member(task, "Positive Examples");
    Text        t = text_make(scratch);
    int         shown = 0;

    if (list == NULL) // the older schema
        list = json_member(json_member(task, "Examples"), "Positive Examples");
    for (const Json *m = list == NULL || list->kind != JSON_ARRAY ? NULL : list->child;
         m != NULL && shown < EXAMPLES_SHOWN; m = m->next) {
        const Json *input = json_member(m, "input"), *output = first_of(json_member(m, "output"));

        if (of_node(output).length == 0)
            continue;
        text_printf(&t, "Input: %s\nOutput: %s\n\n", of_node(input).text, of_node(output).text);
        shown++;
    }
    return (FormatText){t.data, t.length};
}

static Err take_instance(FormatTake *t, FormatText definition, const Json *m)
{
    const Json *input = json_member(m, "input"), *output = json_member(m, "output");
    const Json *first = first_of(output);
    Talk        talk = talk_make(t->scratch);
    Text        asked = text_make(t->scratch), all = text_make(t->scratch);

    TRY(check_instance(m));
    if (output == NULL || (first != NULL && first->kind != JSON_TEXT))
        FAIL(ERR_DATA, "%s: the \"output\" of an instance is a text or a list of texts",
             FORMAT_WHERE(m));
    text_printf(&asked, "%s%s%s", definition.text, input->length > 0 ? "\n\n" : "", input->text);
    text_puts(&all, output->kind == JSON_ARRAY ? "" : "[");
    json_write(&all, output);
    text_puts(&all, output->kind == JSON_ARRAY ? "" : "]");
    t->value[3] = of_node(input);
    t->value[4] = of_node(first);
    t->value[5] = (FormatText){all.data, all.length};
    return give_pair(t, &talk, (FormatText){asked.data, asked.length}, t->value[4], NULL);
}

static Err take_natural(FormatTake *t, const Json *task)
{
    const Json *list = json_member(task, "Instances");

    t->value[2] = of_node(first_of(json_member(task, "Definition")));
    t->value[6] = examples_of(t->scratch, task);
    for (const Json *m = list->child; m != NULL; m = m->next) {
        ArenaMark mark = arena_mark(t->scratch);

        TRY(take_instance(t, t->value[2], m));
        arena_back(t->scratch, mark);
    }
    return OK;
}

const Format FORMAT_NATURAL = {
    .name = "natural-instructions",
    .wants = "an object with \"Definition\" and \"Instances\"",
    .field = {"messages", "tools", "definition", "input", "output", "outputs", "examples"},
    .is_whole = 1,
    .fits = fits_natural,
    .take = take_natural};

// ---- chains of thought

// A column, with its line ends; the end of it in *end.
static FormatText column(Arena *scratch, const char *text, const char *end)
{
    char   *copy = arena_new(scratch, char, end - text + 1);
    int64_t n = 0;

    for (const char *at = text; at < end; at++) {
        int is_end = at[0] == '\\' && at + 1 < end && at[1] == 'n';

        copy[n++] = is_end ? '\n' : *at;
        at += is_end;
    }
    return (FormatText){copy, n};
}

Err format_take_cot(FormatTake *t, const char *where, const char *line, int64_t length)
{
    const char *end = line + length, *at = line;
    Text        answer = text_make(t->scratch);
    Talk        talk = talk_make(t->scratch);
    int         columns = 1;

    for (const char *c = line; c < end; c++)
        columns += *c == '\t';
    if (columns != 3)
        FAIL(ERR_DATA,
             "%s: expected question, answer and rationale with tabs between them, found %d "
             "column%s",
             where, columns, columns == 1 ? "" : "s");
    if (text_utf8_bad(line, length) >= 0 || memchr(line, 0, (size_t)length) != NULL)
        FAIL(ERR_DATA, "%s: expected UTF-8 without bytes 0", where);
    for (int k = 0; k < 3; k++) { // in the file: question, answer, rationale
        const char *stop = memchr(at, '\t', (size_t)(end - at));

        t->value[k == 0 ? 2 : 5 - k] = column(t->scratch, at, stop == NULL ? end : stop);
        at = stop == NULL ? end : stop + 1;
    }
    if (format_is_blank(t->value[3]) || format_is_blank(t->value[4])) {
        t->leave(t->self, format_is_blank(t->value[4]) ? "empty answer" : "empty rationale");
        return OK;
    }
    text_printf(&answer, "%s\nThe answer is %s.", t->value[3].text, t->value[4].text);
    return give_pair(t, &talk, t->value[2], (FormatText){answer.data, answer.length}, NULL);
}

const Format FORMAT_COT = {.name = "cot",
                           .wants = "lines of question TAB answer TAB rationale",
                           .field = {"messages", "tools", "question", "rationale", "answer"}};

// ---- documents

static int fits_documents(const Json *record)
{
    return format_is_text(record, "text");
}

static Err take_document(FormatTake *t, const Json *record)
{
    t->value[0] = of_node(json_member(record, "text"));
    if (format_is_blank(t->value[0])) {
        t->leave(t->self, "empty text");
        return OK;
    }
    return t->give(t->self, t->value, record);
}

const Format FORMAT_DOCUMENTS = {.name = "documents",
                                 .wants = "the text \"text\"",
                                 .field = {"text"},
                                 .is_document = 1,
                                 .fits = fits_documents,
                                 .take = take_document};
