// step.h -- what a kind of step is, and what it may use.  For the step files, recipe.c and
// produce.c.
//
// A recipe is compiled to a flat program: one Op per step, those nested in a `when` behind it, with
// the place to jump to.  A record is a state machine with a program counter.  A kind reads and
// checks its parameters once (read) and works on records (run); some also wait: `generate` for the
// teacher (submit, then result) and `select` for the other records of its request (gather). `parse`
// and `choose` may turn a record into several (split, then item).  `commit` ends a stage: records
// that come to it wait for the end of the round (datagen/commit.h), and those that it accepts are
// the requests of the next stage.
#ifndef TD_DATAGEN_STEP_H
#define TD_DATAGEN_STEP_H

#include "datagen/chatform.h"
#include "datagen/commit.h"
#include "datagen/pool.h"
#include "datagen/recipe.h"
#include "datagen/teachers/teacher.h"
#include "datagen/template.h"
#include "io/config.h"
#include "model/decode.h"
#include "model/vocab.h"

#include <stdint.h>

enum { OPS_MAX = 128, NAMES_MAX = SET_COLUMNS_MAX, TEMPLATES_MAX = 128, DEPTH_MAX = 8 };

typedef enum StepAnswer {
    STEP_NEXT,   // go on with the next step
    STEP_JUMP,   // go on behind the nested steps
    STEP_GOTO,   // go on at record->go_to
    STEP_SUBMIT, // wait for the teacher
    STEP_GATHER, // wait for the other records of the request
    STEP_SPLIT,  // become record->item_count records, 1 or more; each is then given to `item`
    STEP_PASS    // the record waits for the commit of the round: this stage is done with it
} StepAnswer;

typedef struct StepRun { // what a step may use while it works on a record
    const Source    *source;
    const Vocab     *vocab; // may be NULL
    const ChatForm  *chat;  // a template, where the recipe asks for one; else it may be NULL
    Arena           *work;  // for what the template computes, likewise
    uint64_t         seed;
    int64_t          iteration, policy;
    int64_t          round;  // of the stage, from 0
    const PoolViews *views;  // NULL: the recipe has no commit
    int              number; // of the step in the program: part of random keys
} StepRun;

typedef struct StepReader StepReader;

typedef struct Op Op;

typedef struct StepKind {
    const char        *name, *about;
    const ConfigField *fields;
    int64_t            bytes;          // of the struct that `fields` fills
    int                takes_verdicts; // other keys are names of verdicts, with true or false
    Err (*read)(StepReader *reader, const Json *json, Op *op);
    StepAnswer (*run)(const StepRun *run, const void *settings, Record *r);
    // Fills the request, its prompt in the record's arena; may reject the record instead.
    void (*submit)(const StepRun *run, const void *settings, Record *r, TeacherRequest *out);
    void (*result)(const StepRun *run, const void *settings, Record *r, const TeacherResult *in);
    // Makes this record the item-th of r->item_count; it may reject it.  STEP_NEXT or STEP_GOTO.
    StepAnswer (*item)(const StepRun *run, const void *settings, Record *r, int64_t item);
    // All living records of a request that came here, in the order of sample numbers.
    void (*gather)(const void *settings, Record **records, int64_t count);
} StepKind;

struct Op {
    const StepKind *kind;
    void           *settings; // filled by `fields`, then by read
    int             jump;     // where STEP_JUMP goes
    int64_t         samples;  // a record becomes at most this many here
    int64_t         stride;   // between their sample numbers
};

typedef struct NameList {
    int         count;
    const char *name[NAMES_MAX];
} NameList;

// An answer with more bytes than so many per token that it may have, and some, is none.
enum { STEP_TOKEN_BYTES = 128, STEP_ANSWER_BYTES = 4096 };

enum { STAGES_MAX = POOLS_MAX + 1, EMITS_MAX = 32 };

typedef struct RecipeStage { // steps [first, end), the last of them a commit if `commit` is there
    int      first, end;
    Commit  *commit;
    NameList fields, verdicts, scores; // that every record has at the commit
    int64_t  samples;                  // records per request at most
} RecipeStage;

struct Recipe {
    int             ops;
    Op              op[OPS_MAX];
    int             stages;
    RecipeStage     stage[STAGES_MAX];
    int             counts;       // the draw has a count: it could be another
    int             draws_latest; // per round one request for each seed of the source
    int             pool_draws;   // pools that steps draw from: commits must fill them
    const Json     *pool_draw[POOLS_MAX];
    int             emitted; // emit steps, with their messages: the formats that are learned
    const Json     *emit[EMITS_MAX];
    int64_t         requests, max_tokens, samples; // samples: records per request at most
    const char     *text, *format;
    uint64_t        hash;
    int             emits;
    int             emits_conversations, asks_chat;             // by the chat template
    NameList        fields, verdicts, scores, sources, reasons; // all there can be, in order
    int             templates;
    const Template *template_list[TEMPLATES_MAX];
    int64_t         template_bytes, template_slots;
};

// What is known while a recipe is read, step after step.
struct StepReader {
    Arena        *arena;
    const char   *folder;
    const Source *source;
    Recipe       *recipe;
    NameList      fields, verdicts, scores; // that every record has here
    Text          prompts;                  // the files, as members of a JSON object
    int           depth;                    // of nested steps
};

extern const StepKind step_draw, step_demonstrate, step_generate, step_parse, step_map, step_filter,
    step_score, step_verify, step_when, step_choose, step_keep, step_select, step_mark, step_commit,
    step_emit;

extern const StepKind *const step_kinds[]; // all of them, in the order of the reference
extern const int             step_kinds_count;

// Reads a list of steps and appends them to the program.  ERR_CONFIG.
Err step_read_list(StepReader *reader, const Json *list);

// ERR_CONFIG if the name is not a good one or there are too many.  `json`: for the position.
Err step_gives_field(StepReader *reader, const Json *json, const char *name);
Err step_gives_verdict(StepReader *reader, const Json *json, const char *name);
Err step_gives_score(StepReader *reader, const Json *json, const char *name);
Err step_gives_source(StepReader *reader, const Json *json, const char *name);
Err step_gives_reason(StepReader *reader, const Json *json, const char *reason);

// ERR_CONFIG, naming the nearest, if not every record has it here.
Err step_wants_field(StepReader *reader, const Json *json, const char *name);
Err step_wants_verdict(StepReader *reader, const Json *json, const char *name);

// The verdict "<field>.ended" if every record has it here; NULL: the field was not generated.
const char *step_ended(const StepReader *reader, const char *field);

// A pool that a commit of this recipe has to fill; checked when all of it is read.
Err step_wants_pool(StepReader *reader, const Json *json, const char *name);

// What records have that took one of several ways: names that all of the ways gave.
void step_names_both(NameList *list, const NameList *other);

// A record becomes at most `most` here: sets op->samples and op->stride.  ERR_CONFIG: too many.
Err step_splits(StepReader *reader, const Json *json, Op *op, int64_t most);

// Templates: from a text in the recipe (`key` for messages) or from a file beside it.
Err step_template(StepReader *reader, const Json *json, const char *key, const char *text,
                  Template *out);
Err step_template_file(StepReader *reader, const Json *json, const char *file, Template *out);

// The conditions among the members of a step, {"right": false}.  At least one.
typedef struct StepConditions {
    int         count;
    const char *verdict[RECORD_VERDICTS_MAX];
    int         wanted[RECORD_VERDICTS_MAX];
} StepConditions;
Err step_conditions(StepReader *reader, const Json *json, const StepKind *kind,
                    StepConditions *out);
// Index of the first condition that the record does not meet, -1: all are met.
int step_unmet(const StepConditions *c, const Record *r);

// The spans of a template whose slots were checked when the recipe was read.
TemplateSpan *step_expand(const Template *t, const Record *r);
// Token ids of an expansion, in `arena`; NULL and the reason in *why if some text has no tokens or
// would become a special token.  What stands between special tokens is encoded as one text.
int32_t *step_encode(const Vocab *v, Arena *arena, const TemplateSpan *spans, int count,
                     int64_t *length, const char **why);
// Whether it is a token that no content may become.
int step_is_special(const Vocab *v, int32_t id);
// The same question for one text: NULL if it is fine.
const char *step_text_fault(const Vocab *v, Arena *scratch, const char *text, int64_t length);

#define STEP_WHERE(json) json_where((json), (char[512]){0}, 512)

#endif
