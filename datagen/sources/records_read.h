// records_read.h -- files of records into tables of texts.  For source_records.c.
#ifndef TD_DATAGEN_RECORDS_READ_H
#define TD_DATAGEN_RECORDS_READ_H

#include "base/arena.h"
#include "base/text.h"
#include "datagen/record.h"
#include "io/json.h"

// The first five: records with fields of their own.  The others give fixed fields (formats.h).
#define RECORDS_FORMATS                                                                        \
    "auto|jsonl|json|text|set|alpaca|sharegpt|messages|prompt-completion|preference|kto|self-" \
    "instruct|natural-instructions|cot|documents|paragraphs"
typedef enum RecordsFormat {
    RECORDS_AUTO,
    RECORDS_JSONL,
    RECORDS_JSON,
    RECORDS_TEXT,
    RECORDS_SET,
    RECORDS_ALPACA,
    RECORDS_SHAREGPT,
    RECORDS_MESSAGES,
    RECORDS_PROMPT,
    RECORDS_PREFERENCE,
    RECORDS_KTO,
    RECORDS_SELF_INSTRUCT,
    RECORDS_NATURAL,
    RECORDS_COT,
    RECORDS_DOCUMENTS,
    RECORDS_PARAGRAPHS
} RecordsFormat;

// Files that can stand together: they give the same kind of fields.
typedef enum RecordsFamily {
    FAMILY_UNKNOWN,
    FAMILY_OWN,
    FAMILY_TALK,
    FAMILY_DOCUMENT
} RecordsFamily;

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
    const Json   *files;  // a list of texts, or one
    RecordsFormat format;
    const Json   *paths;  // {"field": "path"}, or NULL
    const char   *id;     // path of the name of a record; "" for none
    int64_t       piece;  // bytes of a document that stay together; 0: all
    Text         *report; // gets a line for each file: what it is, what was left out; may be NULL
    const char   *report_end; // of these lines
    // by records_fields
    RecordsFamily family;
    const char   *family_path; // the file that it comes from
    int           fields;
    const char   *field[RECORD_FIELDS_MAX];
    const char   *path[RECORD_FIELDS_MAX]; // NULL: a format gives the field
    int           may_lack[RECORD_FIELDS_MAX];
} RecordsSpec;

// The fields from `paths`, or from the first record of each file.  ERR_CONFIG, ERR_DATA: also where
// files do not fit together.
Err records_fields(Arena *run, RecordsSpec *spec);
// All records of all files, in their order.  Numbers, true and false become texts.  ERR_DATA naming
// file and line: broken JSON, a record of another format, a member that is absent, an object or a
// list, a name twice.
Err records_read(Arena *run, const RecordsSpec *spec, RecordsTable *out);

RecordsTable records_table(Arena *run, int64_t room, int fields);

#endif
