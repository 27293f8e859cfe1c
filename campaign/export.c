#include "campaign/export_private.h"

#include "io/file.h"
#include "io/json.h"
#include "io/set.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int field_of(const SetRows *rows, const char *name)
{
    for (int k = 0; k < rows->fields; k++)
        if (strcmp(rows->field_name[k], name) == 0)
            return k;
    return -1;
}

Piece export_piece(Row r, const char *name)
{
    int            k = field_of(r.rows, name);
    const SetHeap *heap;

    if (k < 0)
        return (Piece){"", 0};
    heap = &r.rows->field[k];
    return (Piece){heap->bytes + heap->begin[r.row], heap->begin[r.row + 1] - heap->begin[r.row]};
}

static float score(Row r, const char *name)
{
    for (int k = 0; k < r.rows->scores; k++)
        if (strcmp(r.rows->score_name[k], name) == 0)
            return r.rows->score[k][r.row];
    return NAN;
}

static void put_member(Text *t, int is_first, const char *key, Piece value)
{
    text_printf(t, "%s\"%s\": ", is_first ? "" : ", ", key);
    text_json(t, value.text, value.length);
}

int64_t export_request(Row r)
{
    return (int64_t)(r.rows->id[2 * r.row] & (((uint64_t)1 << 40) - 1));
}

static Err want_fields(Row r, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (field_of(r.rows, names[i]) < 0)
            FAIL(ERR_DATA,
                 "the examples of iteration %" PRId64
                 " have no field \"%s\", which this form needs; "
                 "--to rows and --to messages take any",
                 r.iteration, names[i]);
    return OK;
}

// ---- one kept row in each form

static Piece piece_of(const char *text)
{
    return (Piece){text, (int64_t)strlen(text)};
}

// A field may be called as our own members are, a score as a field.
static const char *member_name(Row r, const char *kind, const char *name)
{
    int is_taken = strcmp(name, "id") == 0 || strcmp(name, "source") == 0 ||
                   (*kind == 's' && field_of(r.rows, name) >= 0);

    return is_taken ? arena_format(r.scratch, "%s.%s", kind, name) : name;
}

// The same members in all rows of a set: "" and null where a row has nothing.
static void put_row(Text *t, Row r)
{
    const SetRows *rows = r.rows;

    text_printf(t, "{\"id\": \"%" PRId64 "/%" PRId64 "/%" PRIu64 "\"", r.iteration,
                export_request(r), rows->id[2 * r.row + 1]);
    put_member(t, 0, "source", piece_of(rows->source_names[rows->source[r.row]]));
    for (int k = 0; k < rows->fields; k++)
        put_member(t, 0, member_name(r, "field", rows->field_name[k]),
                   export_piece(r, rows->field_name[k]));
    for (int k = 0; k < rows->scores; k++) {
        text_printf(t, ", \"%s\": ", member_name(r, "score", rows->score_name[k]));
        if (isnan(rows->score[k][r.row]))
            text_puts(t, "null");
        else
            json_write_number(t, (double)rows->score[k][r.row]);
    }
    text_puts(t, "}");
}

// A form without inputs: what an instruction is about stands below it, as in Evol-Instruct.
static Piece with_input(Row r)
{
    Piece instruction = export_piece(r, "instruction"), input = export_piece(r, "input");
    Text  t = text_make(r.scratch);

    if (input.length == 0)
        return instruction;
    text_add(&t, instruction.text, instruction.length);
    text_puts(&t, "\n");
    text_add(&t, input.text, input.length);
    return (Piece){t.data, t.length};
}

static Err put_one(Text *t, Row r, ExportForm form)
{
    static const char *const fields[] = {"instruction", "output", "input"};

    if (form == EXPORT_MESSAGES) {
        export_put_messages(t, r);
        return OK;
    }
    if (form == EXPORT_ROWS) {
        put_row(t, r);
        return OK;
    }
    TRY(want_fields(r, fields, form == EXPORT_ALPACA ? 3 : 2));
    put_member(t, 1, "instruction",
               form == EXPORT_ALPACA ? export_piece(r, "instruction") : with_input(r));
    if (form == EXPORT_ALPACA)
        put_member(t, 0, "input", export_piece(r, "input"));
    put_member(t, 0, "output", export_piece(r, "output"));
    return OK;
}

// ---- the five files of Self-Instruct

enum { STEP_TASKS, STEP_KINDS, STEP_RAW, STEP_INSTANCES, STEP_TUNING, STEPS };

static const char *const STEP_FILES[STEPS] = {
    "machine_generated_instructions.jsonl", "is_clf_or_not.jsonl",
    "machine_generated_instances.jsonl", "all_generated_instances.jsonl", "finetuning_data.jsonl"};

static int is_first_of_request(Row r)
{
    return r.row == 0 || r.rows->id[2 * r.row] != r.rows->id[2 * (r.row - 1)];
}

// One line per instruction, from the first row of the request that worked on it.
static void put_task(Text *t, Row r)
{
    Piece similar = export_piece(r, "most_similar");

    text_puts(t, "{");
    put_member(t, 1, "instruction", export_piece(r, "instruction"));
    text_puts(t, ", \"most_similar\": ");
    text_add(t, similar.length > 0 ? similar.text : "{}", similar.length > 0 ? similar.length : 2);
    text_puts(t, ", \"avg_similarity_score\": ");
    json_write_number(t,
                      isnan(score(r, "similarity_mean")) ? 0 : (double)score(r, "similarity_mean"));
    text_printf(t, ", \"request_idx\": %" PRIu64 "}\n",
                r.rows->parent[2 * r.row] & (((uint64_t)1 << 40) - 1));
}

static void put_kind(Text *t, Row r)
{
    text_puts(t, "{");
    put_member(t, 1, "instruction", export_piece(r, "instruction"));
    put_member(t, 0, "is_classification", export_piece(r, "kind"));
    text_puts(t, "}\n");
}

static void put_raw(Text *t, Row r)
{
    text_puts(t, "{");
    put_member(t, 1, "instruction", export_piece(r, "instruction"));
    put_member(t, 0, "raw_instances", export_piece(r, "instances"));
    text_printf(t, ", \"is_classification\": %s}\n",
                score(r, "is_classification") > 0 ? "true" : "false");
}

static void put_instance(Text *t, Row r)
{
    text_puts(t, "{");
    put_member(t, 1, "instruction", export_piece(r, "instruction"));
    put_member(t, 0, "input", export_piece(r, "input"));
    put_member(t, 0, "output", export_piece(r, "output"));
    text_puts(t, "}\n");
}

// What is learned is the completion, what stands before it the prompt; eos as the paper's service
// wanted it.
static void put_tuning(Text *t, Row r)
{
    const SetRows *rows = r.rows;
    const SetHeap *heap = &rows->segment_text;
    Text           part[2] = {text_make(r.scratch), text_make(r.scratch)};

    for (int64_t s = rows->segment_begin[r.row]; s < rows->segment_begin[r.row + 1]; s++) {
        Text *to = &part[rows->segment_weight[s] > 0];

        if (rows->segment_role[s] != SET_SPECIAL)
            text_add(to, heap->bytes + heap->begin[s], heap->begin[s + 1] - heap->begin[s]);
        else if (to == &part[1])
            text_puts(to, "<|endoftext|>");
    }
    text_puts(t, "{");
    put_member(t, 1, "prompt", (Piece){part[0].data, part[0].length});
    put_member(t, 0, "completion", (Piece){part[1].data, part[1].length});
    text_puts(t, "}\n");
}

static Err put_steps(Text t[STEPS], Row r, int64_t *count)
{
    static const char *const fields[] = {"instruction", "kind", "instances", "input", "output"};
    int has_parent = (r.rows->parent[2 * r.row] | r.rows->parent[2 * r.row + 1]) != 0;

    if (!has_parent) // a candidate: what came of it are other rows
        return OK;
    TRY(want_fields(r, fields, 5));
    if (is_first_of_request(r)) {
        put_task(&t[STEP_TASKS], r);
        put_kind(&t[STEP_KINDS], r);
        put_raw(&t[STEP_RAW], r);
    }
    if (r.rows->status[r.row] != SET_KEPT)
        return OK;
    put_instance(&t[STEP_INSTANCES], r);
    put_tuning(&t[STEP_TUNING], r);
    (*count)++;
    return OK;
}

// ---- all of a run

static Err put_kept(Text *t, Row r, ExportForm form, int64_t *count)
{
    int is_list = form == EXPORT_ALPACA || form == EXPORT_WIZARDLM;

    if (r.rows->status[r.row] != SET_KEPT)
        return OK;
    if (form == EXPORT_MESSAGES && r.rows->segment_begin[r.row] == r.rows->segment_begin[r.row + 1])
        return OK; // its recipe emits nothing for it: there is no text to learn
    if (is_list)
        text_puts(t, *count > 0 ? ",\n {" : " {");
    TRY(put_one(t, r, form));
    text_puts(t, is_list ? "}" : "\n");
    (*count)++;
    return OK;
}

static Err put_rows(Text t[STEPS], Arena *scratch, const SetRows *rows, int64_t iteration,
                    ExportForm form, int64_t *count)
{
    for (int64_t row = 0; row < rows->R; row++) {
        ArenaMark mark = arena_mark(scratch);
        Row       r = {rows, row, iteration, scratch};

        if (form == EXPORT_SELF_INSTRUCT)
            TRY(put_steps(t, r, count));
        else
            TRY(put_kept(t, r, form, count));
        arena_back(scratch, mark);
    }
    return OK;
}

static Err publish(Arena *arena, const Text t[STEPS], ExportForm form, const char *out)
{
    char path[FILE_PATH_MAX];

    if (form != EXPORT_SELF_INSTRUCT)
        return file_publish(out, "export", t->data, t->length);
    TRY(file_make_folder(out));
    for (int i = 0; i < STEPS; i++) {
        TRY(file_join(path, out, STEP_FILES[i]));
        TRY(file_publish(arena_text(arena, path), "export", t[i].data, t[i].length));
    }
    return OK;
}

// Each text grows in an arena of its own: texts of gigabytes are not copied again and again.
static Err export_all(Arena *arena, Arena rooms[STEPS], const char *run_dir, ExportForm form,
                      int with_seeds, const char *out, int64_t *count)
{
    int  is_list = form == EXPORT_ALPACA || form == EXPORT_WIZARDLM, sets = 0;
    Text t[STEPS];
    Run  run;

    TRY(run_look(run_dir, &run));
    for (int i = 0; i < STEPS; i++) {
        TRY(arena_make(&rooms[i], "export", (int64_t)1 << 36));
        t[i] = text_make(&rooms[i]);
    }
    text_puts(t, is_list ? "[\n" : "");
    for (int64_t i = 0; set_is_committed(&run, i); i++, sets++) {
        ArenaMark mark = arena_mark(arena);
        SetRows   rows;

        if (i == 0 && !with_seeds)
            continue;
        TRY(set_read(&run, arena, i, &rows));
        TRY(put_rows(t, arena, &rows, i, form, count));
        arena_back(arena, mark);
    }
    if (sets == 0)
        FAIL(ERR_DATA, "%s: there is no published example set in it", run_dir);
    text_puts(t, is_list ? "\n]\n" : "");
    return publish(arena, t, form, out);
}

Err export_examples(Arena *arena, const char *run_dir, ExportForm form, int with_seeds,
                    const char *out, int64_t *count)
{
    Arena rooms[STEPS] = {0};
    Err   e;

    *count = 0;
    if (file_exists(out))
        FAIL(ERR_USAGE, "%s is there already; choose another --out or remove it", out);
    e = export_all(arena, rooms, run_dir, form, with_seeds, out, count);
    for (int i = 0; i < STEPS; i++)
        arena_free(&rooms[i]);
    return e;
}
