// Answers that were compared: a better and a worse one (preference), or one that was judged (KTO).
#include "datagen/sources/formats_private.h"

#include <string.h>

static const char *const CHOSEN[] = {"chosen", "chosen_messages", "response_j", NULL};
static const char *const REJECTED[] = {"rejected", "rejected_messages", "response_k", NULL};
static const char *const PROMPTS[] = {"prompt",  "question", "instruction", "query",
                                      "problem", "input",    NULL};
static const char *const LISTS[] = {"conversations", "messages", "conversation", NULL};

static int is_side(const Json *node)
{
    return node != NULL &&
           (node->kind == JSON_TEXT || format_is_messages(node) || format_is_message(node));
}

// ---- preference

static int fits_preference(const Json *record)
{
    return is_side(format_any(record, CHOSEN)) && is_side(format_any(record, REJECTED));
}

// Bytes that two texts share in front, up to a blank and to whole characters: the prompt that TRL
// takes from pairs without one.
static int64_t shared_bytes(const Json *a, const Json *b)
{
    int64_t n = 0;

    while (n < a->length && n < b->length && a->text[n] == b->text[n])
        n++;
    while (n > 0 && ((unsigned char)a->text[n] & 0xC0) == 0x80)
        n--;
    if (n > 0 && a->text[n - 1] == ' ')
        n--;
    return n;
}

// Whether the side is the whole conversation and not the answer alone.
static int is_whole(const Json *side)
{
    static const char *const who[] = {"from", "role", NULL};
    const Json              *first = side->kind == JSON_ARRAY ? side->child : NULL;
    const Json              *role = first == NULL ? NULL : format_any(first, who);

    return role != NULL && role->kind == JSON_TEXT &&
           (strcmp(role->text, "user") == 0 || strcmp(role->text, "human") == 0 ||
            format_begins_with_system(side));
}

// What may stand behind the prompt; the prompt itself may be called so.
static const Json *input_of(const Json *record, const Json *prompt)
{
    const Json *input = json_member(record, "input");

    return input == prompt ? NULL : input;
}

static int64_t say_task(FormatTake *t, Talk *talk, const Json *prompt, const Json *input)
{
    FormatText task = format_task(t->scratch, prompt, input);

    if (format_is_blank(task))
        return -1;
    talk_say(talk, TALK_USER, task.text, task.length);
    return 0;
}

// What was asked: a list of messages, a text, or what both sides begin with.  *shared: bytes in
// front of both sides; -1: nothing was asked.
static Err say_prompt(FormatTake *t, Talk *talk, const Json *record, const Json *side,
                      int64_t *shared)
{
    const Json *list = format_any(record, LISTS), *prompt = format_any(record, PROMPTS);
    const Json *input = input_of(record, prompt);

    *shared = 0;
    if (is_whole(side))
        return format_begins_with_system(side) ? OK : format_before(talk, record);
    list = list == NULL && prompt != NULL && prompt->kind != JSON_TEXT ? prompt : list;
    if (list == NULL || list->kind != JSON_ARRAY || !format_begins_with_system(list))
        TRY(format_before(talk, record));
    if (list != NULL)
        return talk_read(talk, t->scratch, list);
    if (prompt == NULL && side->kind == JSON_TEXT && talk_is_transcript(side->text))
        return OK;
    if (prompt == NULL) {
        *shared = side->kind != JSON_TEXT
                      ? 0
                      : shared_bytes(format_any(record, CHOSEN), format_any(record, REJECTED));
        if (*shared > 0)
            talk_say(talk, TALK_USER, side->text, *shared);
        else
            *shared = -1;
    } else if (input == NULL && talk_is_transcript(prompt->text)) {
        talk_transcript(talk, prompt->text, TALK_PROMPT);
    } else {
        *shared = say_task(t, talk, prompt, input);
    }
    return OK;
}

static Err say_side(FormatTake *t, Talk *talk, const Json *side, int64_t shared)
{
    if (side->kind != JSON_TEXT)
        return talk_read(talk, t->scratch, side);
    if (talk_is_transcript(side->text)) {
        talk_transcript(talk, side->text, TALK_WHOLE);
    } else {
        const char *answer = side->text + shared;

        answer += shared > 0 ? strspn(answer, " ") : 0;
        talk_say(talk, TALK_ASSISTANT, answer, side->length - (answer - side->text));
    }
    return OK;
}

static Err take_preference(FormatTake *t, const Json *record)
{
    const Json *side[] = {format_any(record, CHOSEN), format_any(record, REJECTED)};
    Talk        talk[2];

    for (int k = 0; k < 2; k++) {
        int64_t shared;

        if (side[k]->kind != side[1 - k]->kind)
            FAIL(ERR_DATA, "%s: \"%s\" is %s, \"%s\" is %s: both are a text or both are messages",
                 FORMAT_WHERE(side[0]), side[0]->key, json_kind_name(side[0]->kind), side[1]->key,
                 json_kind_name(side[1]->kind));
        talk[k] = talk_make(t->scratch);
        TRY(say_prompt(t, &talk[k], record, side[k], &shared));
        if (shared < 0) {
            t->leave(t->self, "empty prompt");
            return OK;
        }
        TRY(say_side(t, &talk[k], side[k], shared));
    }
    t->value[2] = talk_end(&talk[1]);
    if (talk_why(&talk[1]) != NULL) {
        t->leave(t->self, talk_why(&talk[1]));
        return OK;
    }
    if (talk[0].text.length + 1 == talk[1].text.length &&
        strncmp(talk[0].text.data, talk[1].text.data, (size_t)talk[0].text.length) == 0) {
        t->leave(t->self, "chosen equals rejected");
        return OK;
    }
    return format_end(t, &talk[0], record);
}

const Format FORMAT_PREFERENCE = {
    .name = "preference",
    .wants = "\"chosen\" and \"rejected\" (or response_j and response_k), both texts or both "
             "messages",
    .field = {"messages", "tools", "rejected"},
    .fits = fits_preference,
    .take = take_preference};

// ---- answers that were judged

static const char *const LABELS[] = {"label", "kto_tag", NULL};

static int fits_kto(const Json *record)
{
    const Json *label = format_any(record, LABELS);

    return label != NULL && (label->kind == JSON_TRUE || label->kind == JSON_FALSE) &&
           (format_is_messages(format_any(record, LISTS)) || FORMAT_ALPACA.fits(record) ||
            FORMAT_PROMPT.fits(record));
}

// Answers that were judged bad are kept with the weight 0: nothing of them is learned.
static Err take_kto(FormatTake *t, const Json *record)
{
    static const char *const answered[] = {"completion", "output", "response", "answer",
                                           "solution",   "target", NULL};
    const Json *list = format_any(record, LISTS), *prompt = format_any(record, PROMPTS);
    const Json *answer = format_any(record, answered);
    Talk        talk = talk_make(t->scratch);
    int         is_good = format_any(record, LABELS)->kind == JSON_TRUE;

    talk.is_refused = !is_good;
    t->value[2] = (FormatText){is_good ? "true" : "false", is_good ? 4 : 5};
    if (list == NULL && prompt != NULL && prompt->kind != JSON_TEXT)
        list = prompt;
    if (list == NULL || !format_begins_with_system(list))
        TRY(format_before(&talk, record));
    if (list != NULL) {
        TRY(talk_read(&talk, t->scratch, list));
    } else {
        if (say_task(t, &talk, prompt, input_of(record, prompt)) < 0) {
            t->leave(t->self, "empty prompt");
            return OK;
        }
    }
    if (answer != NULL && answer->kind != JSON_TEXT)
        TRY(talk_read(&talk, t->scratch, answer));
    else if (answer != NULL)
        talk_say_node(&talk, TALK_ASSISTANT, answer);
    return format_end(t, &talk, record);
}

const Format FORMAT_KTO = {.name = "kto",
                           .wants = "\"label\": true or false, and messages or \"prompt\" and "
                                    "\"completion\"",
                           .field = {"messages", "tools", "label"},
                           .fits = fits_kto,
                           .take = take_kto};
