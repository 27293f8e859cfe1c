#include "datagen/record.h"

#include <math.h>
#include <string.h>

enum { TABLE_MAX = 1024 };

// The names of a process: few, short, never given back.  Records hold pointers into it.
static char names[TABLE_MAX][RECORD_NAME_MAX + 8];
static int  names_used;

const char *record_name(const char *name)
{
    CHECK(strlen(name) < sizeof names[0], "name %s", name);
    for (int i = 0; i < names_used; i++)
        if (names[i] == name || strcmp(names[i], name) == 0)
            return names[i];
    CHECK(names_used < TABLE_MAX, "more than %d names, at %s", TABLE_MAX, name);
    strcpy(names[names_used], name);
    return names[names_used++];
}

int record_name_is_good(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= RECORD_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
               length;
}

static int find(const Record *r, const char *name)
{
    for (int i = 0; i < r->fields; i++)
        if (r->field[i].name == name || strcmp(r->field[i].name, name) == 0)
            return i;
    return -1;
}

const RecordField *record_field(const Record *r, const char *name)
{
    int i = find(r, name);

    return i < 0 ? NULL : &r->field[i];
}

void record_set(Record *r, const char *name, const char *text, int64_t length)
{
    int i = find(r, name);

    if (i < 0) {
        CHECK(r->fields < RECORD_FIELDS_MAX, "no room for field %s", name);
        i = r->fields++;
        r->field[i].name = record_name(name);
    }
    r->field[i].text = arena_text_n(r->arena, text, length);
    r->field[i].length = length;
}

static int find_verdict(const Record *r, const char *name)
{
    for (int i = 0; i < r->verdicts; i++)
        if (r->verdict_name[i] == name || strcmp(r->verdict_name[i], name) == 0)
            return i;
    return -1;
}

int record_verdict(const Record *r, const char *name)
{
    int i = find_verdict(r, name);

    return i < 0 ? -1 : r->verdict[i];
}

static void judge(Record *r, const char *name, int yes, const char *why)
{
    int i = find_verdict(r, name);

    if (i < 0) {
        CHECK(r->verdicts < RECORD_VERDICTS_MAX, "no room for verdict %s", name);
        i = r->verdicts++;
        r->verdict_name[i] = record_name(name);
    }
    r->verdict[i] = yes;
    r->verdict_why[i] = why;
}

void record_judge(Record *r, const char *name, int yes)
{
    judge(r, name, yes != 0, "");
}

void record_judge_why(Record *r, const char *name, const char *why)
{
    judge(r, name, *why == 0, why);
}

static int find_score(const Record *r, const char *name)
{
    for (int i = 0; i < r->scores; i++)
        if (r->score_name[i] == name || strcmp(r->score_name[i], name) == 0)
            return i;
    return -1;
}

void record_rate(Record *r, const char *name, double value)
{
    int i = find_score(r, name);

    if (i < 0) {
        CHECK(r->scores < RECORD_SCORES_MAX, "no room for score %s", name);
        i = r->scores++;
        r->score_name[i] = record_name(name);
    }
    r->score[i] = value;
}

double record_score(const Record *r, const char *name)
{
    int i = find_score(r, name);

    return i < 0 ? NAN : r->score[i];
}

// Records that became several share what they had: the list begins anew.
void record_clear_segments(Record *r)
{
    r->segment = NULL;
    r->segments = r->segment_room = 0;
}

void record_add_segment(Record *r, RecordSegment segment)
{
    enum { FIRST = 8 };
    int room = r->segment_room == 0 ? FIRST : 2 * r->segment_room;

    if (r->segments == r->segment_room) {
        r->segment =
            arena_grow(r->arena, r->segment, r->segment_room * (int64_t)sizeof(RecordSegment),
                       room * (int64_t)sizeof(RecordSegment));
        r->segment_room = room;
    }
    r->segment[r->segments++] = segment;
}

void record_reject(Record *r, const char *reason)
{
    if (r->status == SET_REJECTED)
        return;
    r->status = SET_REJECTED;
    r->reason = reason;
}
