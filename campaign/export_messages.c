// export_messages.c -- kept rows as conversations.
#define _GNU_SOURCE // memmem
#include "campaign/export_private.h"

#include "io/json.h"

#include <inttypes.h>
#include <string.h>

static const char *role_of(int role)
{
    static const char *const names[SET_ROLES] = {"system", "user", "assistant", "", "user", ""};

    return names[role];
}

static int has_markup(Row r)
{
    for (int64_t s = r.rows->segment_begin[r.row]; s < r.rows->segment_begin[r.row + 1]; s++)
        if (r.rows->segment_role[s] == SET_MARKUP)
            return 1;
    return 0;
}

// The list that a field holds, NULL: it holds none.
static const Json *list_of(Row r, const char *name)
{
    Piece       p = export_piece(r, name);
    const Json *list;

    if (p.length == 0)
        return NULL;
    if (json_parse(r.scratch, name, p.text, p.length, JSON_NO_COMMENTS, &list) != OK) {
        err_forget();
        return NULL;
    }
    return list->kind == JSON_ARRAY ? list : NULL;
}

// A row that a chat template wrote was a conversation, which stands in its field with all that the
// template did not show.
static void put_conversation(Text *t, Row r, const Json *messages)
{
    const Json *tools = list_of(r, "tools");

    json_write(t, messages);
    if (tools == NULL)
        return;
    text_puts(t, ", \"tools\": ");
    json_write(t, tools);
}

// Whether what was said in the row stands in this conversation, in its order: else the row comes
// from another one.
static int is_said_in(Row r, const Json *messages)
{
    const SetHeap *heap = &r.rows->segment_text;
    const Json    *m = messages->child;

    for (int64_t s = r.rows->segment_begin[r.row]; s < r.rows->segment_begin[r.row + 1]; s++) {
        const char *text = heap->bytes + heap->begin[s];
        int64_t     length = heap->begin[s + 1] - heap->begin[s];

        if (r.rows->segment_role[s] == SET_MARKUP)
            continue;
        for (; m != NULL; m = m->next) {
            const Json *content = m->kind == JSON_OBJECT ? json_member(m, "content") : NULL;

            if (content != NULL &&
                (content->kind == JSON_ARRAY ||
                 (content->kind == JSON_TEXT && content->length >= length &&
                  memmem(content->text, (size_t)content->length, text, (size_t)length) != NULL)))
                break;
        }
        if (m == NULL)
            return 0;
        m = m->next;
    }
    return 1;
}

// Contents between what a template wrote, one message each.
static void put_contents(Text *t, Row r)
{
    const SetRows *rows = r.rows;
    const SetHeap *heap = &rows->segment_text;
    int            open = 0;

    text_puts(t, "[");
    for (int64_t s = rows->segment_begin[r.row]; s < rows->segment_begin[r.row + 1]; s++) {
        int role = rows->segment_role[s];

        if (role == SET_MARKUP)
            continue;
        text_printf(t, "%s{\"role\": \"%s\", \"content\": ", open++ ? ", " : "",
                    role == SET_OTHER ? "tool" : role_of(role));
        text_json(t, heap->bytes + heap->begin[s], heap->begin[s + 1] - heap->begin[s]);
        text_puts(t, "}");
    }
    text_puts(t, "]");
}

// Segments of one role in a row are one message; special tokens belong to none.
static void put_segments(Text *t, Row r)
{
    const SetRows *rows = r.rows;
    int            last = -1, open = 0;

    text_puts(t, "[");
    for (int64_t s = rows->segment_begin[r.row]; s < rows->segment_begin[r.row + 1]; s++) {
        Text content = text_make(r.scratch);
        int  role = rows->segment_role[s];

        if (role == SET_SPECIAL || role == last)
            continue;
        for (int64_t k = s; k < rows->segment_begin[r.row + 1]; k++) {
            const SetHeap *heap = &rows->segment_text;

            if (rows->segment_role[k] == SET_SPECIAL)
                continue;
            if (rows->segment_role[k] != role)
                break;
            text_add(&content, heap->bytes + heap->begin[k], heap->begin[k + 1] - heap->begin[k]);
        }
        text_printf(t, "%s{\"role\": \"%s\", \"content\": ", open++ ? ", " : "", role_of(role));
        text_json(t, content.data, content.length);
        text_puts(t, "}");
        last = role;
    }
    text_puts(t, "]");
}

void export_put_messages(Text *t, Row r)
{
    const Json *messages = list_of(r, "messages");

    text_printf(t, "{\"id\": \"%" PRId64 "/%" PRId64 "/%" PRIu64 "\", \"messages\": ", r.iteration,
                export_request(r), r.rows->id[2 * r.row + 1]);
    if (!has_markup(r))
        put_segments(t, r);
    else if (messages != NULL && is_said_in(r, messages))
        put_conversation(t, r, messages);
    else
        put_contents(t, r);
    text_puts(t, "}");
}
