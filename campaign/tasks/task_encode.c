// Prompts and continuations as token ids.
//
// Context and continuation are encoded as lm-evaluation-harness does it: together, and what the
// context alone becomes is taken off the front.  Unlike there, the tokenizer's own beginning of a
// text (bos) stands in front, as in training.
#include "campaign/tasks/task_private.h"

#include <string.h>

const char *const task_left_names[LEFT_COUNT] = {"",
                                                 "longer than the context",
                                                 "a character without a token",
                                                 "refused by the chat template",
                                                 "a special token in the text",
                                                 "nothing to foresee"};

// ids of a text alone; 0: a character has no token.
static int encode_plain(const Vocab *v, Arena *arena, const char *text, int64_t length, int special,
                        int32_t **id, int64_t *count)
{
    int64_t room = vocab_room(v, text, length) + VOCAB_FRAME_MAX + 1;
    Err     e;

    *id = arena_new(arena, int32_t, room);
    *count = 0;
    e = special ? vocab_encode_special(v, text, length, *id, room, count)
                : vocab_encode(v, text, length, *id, room, count);
    if (e != OK)
        err_forget();
    return e == OK;
}

// What the tokenizer puts in front; a text that is scored from its first token on needs one before.
static int64_t put_front(const Vocab *v, int32_t *id, int64_t *count, int is_whole)
{
    int64_t plain = *count;
    int32_t first = vocab_bos(v) >= 0 ? vocab_bos(v) : vocab_eos(v);

    if (vocab_begin(v, id, plain + VOCAB_FRAME_MAX, count) != OK)
        CHECK(0, "room for what begins a text");
    if (*count == plain && is_whole && first >= 0) {
        memmove(id + 1, id, (size_t)plain * sizeof *id);
        id[0] = first;
        ++*count;
    }
    return *count - plain;
}

TaskLeft task_encode(const TaskRoom *room, Arena *arena, const char *text, int64_t length,
                     int is_whole, TaskIds *out)
{
    *out = (TaskIds){0};
    if (!encode_plain(room->model->vocab, arena, text, length, 0, &out->id, &out->count))
        return LEFT_NO_TOKEN;
    out->front = put_front(room->model->vocab, out->id, &out->count, is_whole);
    out->scored = out->front > 0 ? out->front : 1;
    return LEFT_NOT;
}

// The ids of the whole behind as many as the context has go behind the context's.
static void join(Arena *arena, const TaskIds *context, const int32_t *whole, int64_t count,
                 TaskIds *out)
{
    int64_t rest = count > context->count ? count - context->count : 0;

    *out = *context;
    out->id = arena_new(arena, int32_t, context->count + rest);
    memcpy(out->id, context->id, (size_t)context->count * sizeof *out->id);
    if (rest > 0)
        memcpy(out->id + context->count, whole + context->count, (size_t)rest * sizeof *out->id);
    out->count = context->count + rest;
    out->scored = context->count;
}

TaskLeft task_encode_pair(const TaskRoom *room, Arena *arena, const char *context, int64_t length,
                          const char *rest, int64_t rest_length, TaskIds *out)
{
    Text     whole = text_make(arena);
    Span     front = unitext_strip_end((Span){context, length});
    TaskIds  one, all;
    TaskLeft left;

    text_add(&whole, context, length);
    text_add(&whole, rest, rest_length);
    left = task_encode(room, arena, front.text, front.length, 1, &one);
    if (left == LEFT_NOT)
        left = task_encode(room, arena, whole.data, whole.length, 1, &all);
    if (left != LEFT_NOT)
        return left;
    join(arena, &one, all.id, all.count, out);
    return out->count > out->scored ? LEFT_NOT : LEFT_NO_TOKEN;
}

TaskLeft task_fit(const TaskRoom *room, int64_t most, TaskIds *ids)
{
    int64_t cut = ids->count - most;

    if (cut <= 0)
        return LEFT_NOT;
    if (room->task->keys.truncate != TRUNCATE_LEFT || ids->front + cut >= ids->scored)
        return LEFT_TOO_LONG;
    memmove(ids->id + ids->front, ids->id + ids->front + cut,
            (size_t)(ids->count - ids->front - cut) * sizeof *ids->id);
    ids->count -= cut;
    ids->scored -= cut;
    return LEFT_NOT;
}

// ---- prompts

static void shot_text(const TaskRoom *room, const Record *r, Text *prompt, Text *answer)
{
    const Task *t = room->task;
    int64_t     length;
    const char *text = task_expand(&t->prompt, r, &length);

    text_add(prompt, text, length);
    if (t->kind == TASK_CHOICE) {
        TaskChoices c;

        if (task_choices(room, r, &c) == OK) // task_shots asked for the outcome
            text_puts(answer, c.text[c.right]);
        return;
    }
    text = task_expand(&t->targets.template[0], r, &length);
    text_add(answer, text, length);
}

Err task_shots(TaskRoom *room)
{
    const Task *t = room->task;
    Text        all = text_make(room->arena);

    for (int64_t k = 0; k < t->keys.shots; k++) {
        Record      r = {.arena = room->arena};
        TaskChoices c;

        task_draw(&t->shots, k, &r);
        if (t->kind == TASK_CHOICE)
            TRY(task_choices(room, &r, &c));
        if (t->keys.chat)
            continue;
        Text answer = text_make(room->arena);

        shot_text(room, &r, &all, &answer);
        text_puts(&all, t->keys.delimiter);
        text_add(&all, answer.data, answer.length);
        text_puts(&all, t->keys.shots_separator);
    }
    room->shots = all.data;
    return OK;
}

static void say(Text *t, const char *role, const char *text, int64_t length)
{
    text_printf(t, "%s{\"role\": \"%s\", \"content\": ", t->length > 1 ? ", " : "", role);
    text_json(t, text, length);
    text_puts(t, "}");
}

static Err messages_of(const TaskRoom *room, Arena *arena, const Record *r, const Json **out)
{
    const Task *t = room->task;
    Text        list = text_make(arena);
    int64_t     length;
    const char *text;

    text_puts(&list, "[");
    if (*t->keys.system != 0)
        say(&list, "system", t->keys.system, (int64_t)strlen(t->keys.system));
    for (int64_t k = 0; k < t->keys.shots; k++) {
        Record shot = {.arena = arena};
        Text   prompt = text_make(arena), answer = text_make(arena);

        task_draw(&t->shots, k, &shot);
        shot_text(room, &shot, &prompt, &answer);
        say(&list, "user", prompt.data, prompt.length);
        say(&list, "assistant", answer.data, answer.length);
    }
    text = task_expand(&t->prompt, r, &length);
    say(&list, "user", text, length);
    text_puts(&list, "]");
    return json_parse(arena, t->keys.task, list.data, list.length, JSON_NO_COMMENTS, out);
}

static Err chat_prompt(const TaskRoom *room, Arena *arena, const Record *r, TaskPrompt *out,
                       TaskLeft *left)
{
    const Json *messages;
    const char *why;
    ChatPrompt  p;

    TRY(messages_of(room, arena, r, &messages));
    why = chatform_fault(room->model->vocab, room->scratch, messages, NULL);
    if (why != NULL) {
        *left = strcmp(why, "no token") == 0 ? LEFT_NO_TOKEN : LEFT_SPECIAL;
        return OK;
    }
    if (chatform_prompt(room->model->chat, arena, room->scratch, messages, NULL, &p) != OK) {
        task_forget(room);
        *left = LEFT_NO_TEMPLATE;
        return OK;
    }
    *out = (TaskPrompt){.text = p.text, .length = p.bytes};
    out->ids = (TaskIds){.id = p.id, .count = p.length, .scored = p.length};
    return OK;
}

Err task_prompt(const TaskRoom *room, Arena *arena, const Record *r, TaskPrompt *out,
                TaskLeft *left)
{
    Text        all = text_make(arena);
    int64_t     length;
    const char *text;

    *left = LEFT_NOT;
    if (room->task->keys.chat)
        return chat_prompt(room, arena, r, out, left);
    text = task_expand(&room->task->prompt, r, &length);
    text_puts(&all, room->shots);
    text_add(&all, text, length);
    *out = (TaskPrompt){.text = all.data, .length = all.length};
    return OK;
}

// Behind the prompt of a chat: for a template as one text with it, in which only the template's
// special tokens are such.
static TaskLeft continue_chat(const TaskRoom *room, Arena *arena, const TaskPrompt *p,
                              const char *rest, int64_t length, TaskIds *out)
{
    const Vocab *v = room->model->vocab;
    Text         whole = text_make(arena);
    int32_t     *ids, *special;
    int64_t      count, specials;

    if (!encode_plain(v, arena, rest, length, 0, &ids, &count) ||
        !encode_plain(v, arena, rest, length, 1, &special, &specials))
        return LEFT_NO_TOKEN;
    if (count != specials || memcmp(ids, special, (size_t)count * sizeof *ids) != 0)
        return LEFT_SPECIAL;
    if (chatform_kind(room->model->chat) == CHATFORM_TEMPLATE) {
        text_add(&whole, p->text, p->length);
        text_add(&whole, rest, length);
        if (!encode_plain(v, arena, whole.data, whole.length, 1, &ids, &count))
            return LEFT_NO_TOKEN;
        join(arena, &p->ids, ids, count, out);
        return out->count > out->scored ? LEFT_NOT : LEFT_NO_TOKEN;
    }
    *out = p->ids;
    out->id = arena_new(arena, int32_t, p->ids.count + count);
    memcpy(out->id, p->ids.id, (size_t)p->ids.count * sizeof *ids);
    memcpy(out->id + p->ids.count, ids, (size_t)count * sizeof *ids);
    out->count = p->ids.count + count;
    return count > 0 ? LEFT_NOT : LEFT_NO_TOKEN;
}

TaskLeft task_continue(const TaskRoom *room, Arena *arena, const TaskPrompt *p, const char *rest,
                       int64_t rest_length, TaskIds *out)
{
    Text text = text_make(arena);

    if (room->task->keys.chat)
        return continue_chat(room, arena, p, rest, rest_length, out);
    text_puts(&text, room->task->keys.delimiter);
    text_add(&text, rest, rest_length);
    return task_encode_pair(room, arena, p->text, p->length, text.data, text.length, out);
}
