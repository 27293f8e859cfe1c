// records_private.h -- what records_read.c and records_file.c share.
#ifndef TD_DATAGEN_RECORDS_PRIVATE_H
#define TD_DATAGEN_RECORDS_PRIVATE_H

#include "datagen/sources/formats.h"
#include "datagen/sources/records_read.h"

enum { RECORDS_REASONS_MAX = 16 };

typedef struct RecordsName { // of a record, where records are named
    uint64_t    sum;
    const char *text, *where;
} RecordsName;

typedef struct Reader {
    Arena             *run;
    Arena              scratch; // trees of one record, bytes of one file
    const RecordsSpec *spec;
    RecordsTable      *out;
    int64_t            ids, ids_room;
    RecordsName       *name;        // of the records so far
    RecordsSpec       *only_fields; // wanted are the fields, by the first record of each file
    // of the file at hand
    const char   *path;
    int           has_begun; // its first record was seen
    int           is_done;   // no more of it is wanted
    int           is_set;    // a published set: its rows have the fields of their recipe
    const Format *format;    // NULL: records with fields of their own
    const char   *shape;     // for messages: "a record per line"; NULL: nothing to say
    const char   *not_taken; // members of the first record that no field holds; "" for none
    int           from[RECORD_FIELDS_MAX]; // place of the field in what the format gives; -1: not
                                           // of the format
    int64_t     taken, left;
    int         reasons;
    const char *reason[RECORDS_REASONS_MAX];
    int64_t     reason_count[RECORDS_REASONS_MAX];
} Reader;

// A member that can be a field: a text, a number, true or false.
int reader_is_plain(const Json *node);
// With the first record of a file it is known what the file is.  record: NULL for texts; format: of
// what is not JSON, else NULL.  ERR_DATA: it does not go with the other files.
Err reader_begin(Reader *r, const Json *record, const Format *format);
// Adds the line about the file to the report.
void reader_tell(Reader *r);

// A record as a tree; as a text (`where` for messages); as a line of FLAN's files.
Err reader_take(Reader *r, const Json *record);
Err reader_take_text(Reader *r, const char *where, const char *text, int64_t length);
Err reader_take_cot(Reader *r, const char *where, const char *line, int64_t length);

// All records of the file r->path.  ERR_CONFIG, ERR_DATA.
Err records_file(Reader *r);
// Whether the end of a name is one that is read.
int records_is_known(const RecordsSpec *s, const char *path);

#endif
