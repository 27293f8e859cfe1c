// jinja_methods_split.c -- methods of texts that take them apart.
#include "model/text/chat/jinja_private.h"

#include <string.h>

static JinjaValue piece(const JinjaValue *v, int64_t begin, int64_t end)
{
    return jinja_string_n(v->text + begin, end - begin);
}

// Where the last `what` before `end` begins; -1: nowhere.
Err jinja_find_last(JinjaRun *r, const JinjaValue *v, int64_t end, const JinjaValue *what,
                    int64_t *out)
{
    int64_t work = 0;

    *out = -1;
    for (int64_t at = end - what->length; at >= 0 && *out < 0; at--) {
        if (v->text[at] != what->text[0])
            continue;
        if (jinja_is_bytes(v->text + at, what->length, what->text, what->length))
            *out = at;
        work += 8 + what->length;
        if (work < 1024)
            continue;
        TRY(jinja_charge_bytes(r, work));
        work = 0;
    }
    return jinja_charge_bytes(r, work + 8);
}

static Err split_at(JinjaRun *r, const JinjaValue *v, const JinjaValue *sign, int64_t most,
                    JinjaValue *out)
{
    int64_t begin = 0;

    for (int64_t n = 0; n != most; n++) {
        int64_t at = jinja_find(v->text + begin, v->length - begin, sign->text, sign->length);

        if (at < 0)
            break;
        TRY(jinja_list_add(r, out, piece(v, begin, begin + at)));
        begin += at + sign->length;
    }
    return jinja_list_add(r, out, piece(v, begin, v->length));
}

static void turn(JinjaList *l)
{
    for (int64_t i = 0, j = l->count - 1; i < j; i++, j--) {
        JinjaValue v = l->item[i];

        l->item[i] = l->item[j];
        l->item[j] = v;
    }
}

static Err split_at_back(JinjaRun *r, const JinjaValue *v, const JinjaValue *sign, int64_t most,
                         JinjaValue *out)
{
    int64_t end = v->length;

    for (int64_t n = 0; n != most; n++) {
        int64_t at;

        TRY(jinja_find_last(r, v, end, sign, &at));
        if (at < 0)
            break;
        TRY(jinja_list_add(r, out, piece(v, at + sign->length, end)));
        end = at;
    }
    TRY(jinja_list_add(r, out, piece(v, 0, end)));
    turn(out->list);
    return OK;
}

static int64_t word_end(const JinjaValue *v, int64_t at, int in_space)
{
    int n;

    while (at < v->length &&
           unitext_is_space(jinja_point(v->text + at, v->length - at, &n)) == in_space)
        at += n;
    return at;
}

static Err split_blanks(JinjaRun *r, const JinjaValue *v, int64_t most, JinjaValue *out)
{
    int64_t at = word_end(v, 0, 1);

    for (int64_t n = 0; at < v->length; n++) {
        int64_t end = word_end(v, at, 0);

        if (n == most)
            return jinja_list_add(r, out, piece(v, at, v->length));
        TRY(jinja_list_add(r, out, piece(v, at, end)));
        at = word_end(v, end, 1);
    }
    return OK;
}

static Err split_blanks_back(JinjaRun *r, const JinjaValue *v, int64_t most, JinjaValue *out)
{
    JinjaValue words, rest;
    int64_t    kept;

    TRY(jinja_list_make(r, LIST_LIST, 0, &words));
    TRY(split_blanks(r, v, -1, &words));
    kept = most < 0 || words.list->count <= most ? words.list->count : most;
    if (kept < words.list->count) {
        // Up to the end of the last word that is not split off.
        const JinjaValue *last = &words.list->item[words.list->count - kept - 1];

        rest = piece(v, 0, last->text + last->length - v->text);
        TRY(jinja_list_add(r, out, rest));
    }
    for (int64_t i = words.list->count - kept; i < words.list->count; i++)
        TRY(jinja_list_add(r, out, words.list->item[i]));
    return OK;
}

static Err split(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, int is_back, JinjaValue *out)
{
    const JinjaValue *sign =
        a->slot[0] != NULL && a->slot[0]->kind != JINJA_NONE ? a->slot[0] : NULL;
    int64_t most;

    TRY(jinja_want_int(r, a->slot[1], "maxsplit", -1, &most));
    if (most < 0)
        most = -1;
    TRY(jinja_list_make(r, LIST_LIST, 0, out));
    TRY(jinja_charge_bytes(r, (a->slot[0] == NULL ? 8 : 2) * v->length));
    if (sign == NULL)
        return is_back ? split_blanks_back(r, v, most, out) : split_blanks(r, v, most, out);
    TRY(jinja_want_text(r, sign, "what a text is split at"));
    if (sign->length == 0)
        return jinja_fail(r, "a text is split at an empty text");
    return is_back ? split_at_back(r, v, sign, most, out) : split_at(r, v, sign, most, out);
}

static Err method_split(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return split(r, v, a, 0, out);
}

static Err method_rsplit(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return split(r, v, a, 1, out);
}

static int ends_line(int32_t c)
{
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

static Err method_splitlines(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    int     is_kept = a->slot[0] != NULL && jinja_truth(a->slot[0]), n;
    int64_t begin = 0;

    TRY(jinja_list_make(r, LIST_LIST, 0, out));
    for (int64_t at = 0; at < v->length; at += n) {
        int32_t c = jinja_point(v->text + at, v->length - at, &n);

        if (!ends_line(c))
            continue;
        if (c == '\r' && at + 1 < v->length && v->text[at + 1] == '\n')
            n = 2;
        TRY(jinja_list_add(r, out, piece(v, begin, is_kept ? at + n : at)));
        begin = at + n;
    }
    if (begin < v->length)
        TRY(jinja_list_add(r, out, piece(v, begin, v->length)));
    return jinja_charge_bytes(r, v->length * 8);
}

static Err partition(JinjaRun *r, const JinjaValue *v, const JinjaValue *sign, int is_back,
                     JinjaValue *out)
{
    int64_t at;

    TRY(jinja_want_text(r, sign, "what a text is split at"));
    if (sign->length == 0)
        return jinja_fail(r, "a text is split at an empty text");
    TRY(jinja_charge_bytes(r, v->length));
    TRY(jinja_list_make(r, LIST_TUPLE, 3, out));
    at = jinja_find(v->text, v->length, sign->text, sign->length);
    if (is_back)
        TRY(jinja_find_last(r, v, v->length, sign, &at));
    if (at < 0 && is_back) {
        TRY(jinja_list_add(r, out, jinja_string("")));
        TRY(jinja_list_add(r, out, jinja_string("")));
        return jinja_list_add(r, out, *v);
    }
    TRY(jinja_list_add(r, out, at < 0 ? *v : piece(v, 0, at)));
    TRY(jinja_list_add(r, out, at < 0 ? jinja_string("") : *sign));
    return jinja_list_add(r, out,
                          at < 0 ? jinja_string("") : piece(v, at + sign->length, v->length));
}

static Err method_partition(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return partition(r, v, a->slot[0], 0, out);
}

static Err method_rpartition(JinjaRun *r, const JinjaValue *v, const JinjaArgs *a, JinjaValue *out)
{
    return partition(r, v, a->slot[0], 1, out);
}

const JinjaRow JINJA_SPLIT_METHODS[] = {{"split", method_split, 0, {"sep", "maxsplit"}},
                                        {"rsplit", method_rsplit, 0, {"sep", "maxsplit"}},
                                        {"splitlines", method_splitlines, 0, {"keepends"}},
                                        {"partition", method_partition, 1, {"sep"}},
                                        {"rpartition", method_rpartition, 1, {"sep"}},
                                        {NULL, NULL, 0, {NULL}}};
