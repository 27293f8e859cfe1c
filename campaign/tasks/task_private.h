// task_private.h -- what the files task*.c share.
#ifndef TD_CAMPAIGN_TASKS_TASK_PRIVATE_H
#define TD_CAMPAIGN_TASKS_TASK_PRIVATE_H

#include "campaign/tasks/task.h"
#include "campaign/tasks/task_run.h"

#define TASK_WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

// ---- task_data.c

// files: instead of those of `data`, NULL: none.
Err task_data_open(Arena *run, const Json *data, const Json *files, const char *folder,
                   int is_whole, TaskData *out);
int task_has_field(const TaskData *d, const char *name);
// ERR_CONFIG with the position of `node` and the nearest field.
Err task_want_field(const TaskData *d, const Json *node, const char *name);
// A template whose slots are fields of the records, without special tokens.
Err task_template(Arena *run, const TaskData *d, const Json *node, const char *text, Template *out);

// ---- task_encode.c

typedef enum TaskLeft {
    LEFT_NOT,
    LEFT_TOO_LONG,
    LEFT_NO_TOKEN,
    LEFT_NO_TEMPLATE,
    LEFT_SPECIAL,
    LEFT_NOTHING,
    LEFT_COUNT
} TaskLeft;
extern const char *const task_left_names[LEFT_COUNT];

typedef struct TaskIds {
    int32_t *id;
    int64_t  count;
    int64_t  front;  // of the first ids, put there by the tokenizer or as a prefix
    int64_t  scored; // the ids from here on are what is scored
} TaskIds;

// What may be asked of a model at once, shared by the examples of a task.
typedef struct TaskRoom {
    const TaskModel *model;
    const Task      *task;
    Arena           *arena;   // lives as long as the task
    Arena           *scratch; // taken back after each example
    double           began;   // seconds on the clock
    int64_t          rows;    // tokens that task_score may put side by side
    int             *refused; // conversations that the chat template refused so far
    const char      *shots;   // the examples that are shown, before every prompt; "" in chats
} TaskRoom;

// A text as the model knows the beginning of one.  A text that is not to be continued alone
// (is_whole) gets bos, else eos, in front where the tokenizer puts nothing there.
TaskLeft task_encode(const TaskRoom *room, Arena *arena, const char *text, int64_t length,
                     int is_whole, TaskIds *out);
// Context and continuation, which is scored.  Blanks at the end of the context move to the
// continuation; its tokens are those of the whole text behind as many as the context has.
TaskLeft task_encode_pair(const TaskRoom *room, Arena *arena, const char *context, int64_t length,
                          const char *rest, int64_t rest_length, TaskIds *out);
// Cuts so much off behind ids->front that at most `most` ids stay, if the task says so.
TaskLeft task_fit(const TaskRoom *room, int64_t most, TaskIds *ids);

// The prompt of a record: as text, or, where the task is a chat, as the ids of the conversation up
// to where the model goes on (then *text is the text with its markers).
typedef struct TaskPrompt {
    const char *text;
    int64_t     length;
    TaskIds     ids; // of a chat
} TaskPrompt;
Err task_shots(TaskRoom *room);
Err task_prompt(const TaskRoom *room, Arena *arena, const Record *r, TaskPrompt *out,
                TaskLeft *left);
// The continuation of a prompt, scored.
TaskLeft task_continue(const TaskRoom *room, Arena *arena, const TaskPrompt *p, const char *rest,
                       int64_t rest_length, TaskIds *out);

// The choices of a record, and the number of the right one.  ERR_DATA.
typedef struct TaskChoices {
    int         count, right;
    const char *text[TASK_TEMPLATES_MAX];
    int         place[TASK_TEMPLATES_MAX]; // in the list of the task, where empty ones count too
} TaskChoices;
Err task_choices(const TaskRoom *room, const Record *r, TaskChoices *out);

// ---- one kind each.  What they take from room->arena may go after each call.

typedef struct TaskShare { // of this rank: example k is number first + k * step
    int64_t count, first, step;
} TaskShare;
static inline int64_t task_number(const TaskShare *s, int64_t k)
{
    return s->first + k * s->step;
}

// Two passes over the examples: the longest text that the model will see, and then the work.
// `together`: tokens of the texts of an example, which may be seen side by side.
typedef struct TaskSizes {
    int64_t longest, together;
} TaskSizes;
Err task_choice_look(const TaskRoom *room, int64_t number, TaskSizes *sizes);
Err task_choice_one(const TaskRoom *room, Acts *acts, int64_t number, TaskRow *row, Text *details);
Err task_perplexity_look(const TaskRoom *room, int64_t number, TaskSizes *sizes);
Err task_perplexity_one(const TaskRoom *room, Acts *acts, int64_t number, TaskRow *row,
                        Text *details);
// All of a rank's examples, several answers in flight.
Err task_generate_all_own(const TaskRoom *room, const TaskShare *share, TaskRow *rows,
                          Text *details);

// log p, in nats, of the token behind each, given those up to it.  Pieces are seen side by side as
// far as there is room; the bits are those of each alone.
typedef struct TaskPiece {
    const int32_t *id;   // [count]
    float         *logp; // [count], the last 0
    int64_t        count;
} TaskPiece;
void task_score(const TaskRoom *room, Acts *acts, const TaskPiece *piece, int64_t pieces);

// Forgets why a conversation was refused; of the first one it says so in the log.
void task_forget(const TaskRoom *room);
// Tokens that the model sees at once in this task.
int64_t task_context(const TaskRoom *room);
// On a terminal: how far this rank is.
void task_progress(const TaskRoom *room, int64_t done, int64_t all);

// The beginning of the details of an example, {"example": 3, "group": "x", up to where its own
// members go on; and the whole of one that was left out.
void task_detail(const TaskRoom *room, Text *t, int64_t number, const Record *r);
void task_detail_left(const TaskRoom *room, Text *t, int64_t number, const Record *r, TaskLeft why);

#endif
