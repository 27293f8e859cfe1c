// records_read.h -- files of records into tables of texts.  For source_records.c.
#ifndef TD_DATAGEN_RECORDS_READ_H
#define TD_DATAGEN_RECORDS_READ_H

#include "base/arena.h"
#include "datagen/record.h"
#include "io/json.h"

typedef enum RecordsFormat {
    RECORDS_AUTO,
    RECORDS_JSONL,
    RECORDS_JSON,
    RECORDS_TEXT,
    RECORDS_SET
} RecordsFormat;

typedef struct RecordsText {
    const char *text; // with a zero behind
    int64_t     length;
} RecordsText;

typedef struct RecordsTable {
    int64_t      count, room;
    RecordsText *text; // [count][fields]
} RecordsTable;

typedef struct RecordsSpec {
    const char   *folder; // names of files are relative to it
    const Json   *files;  // a list of texts
    RecordsFormat format;
    const Json   *paths; // {"field": "path"}, or NULL
    const char   *id;    // path of the name of a record; "" for none
    // by records_fields
    int         fields;
    const char *field[RECORD_FIELDS_MAX];
    const char *path[RECORD_FIELDS_MAX];
    int         may_lack[RECORD_FIELDS_MAX];
} RecordsSpec;

// The fields from `paths`, or from the first record.  ERR_CONFIG, ERR_DATA.
Err records_fields(Arena *run, RecordsSpec *spec);
// All records of all files, in their order.  Numbers, true and false become texts.  ERR_DATA naming
// file and line: broken JSON, a member that is absent, an object or a list, a name twice.
Err records_read(Arena *run, const RecordsSpec *spec, RecordsTable *out);

RecordsTable records_table(Arena *run, int64_t room, int fields);

#endif
