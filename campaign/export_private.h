// export_private.h -- what the files of export.h share.
#ifndef TD_CAMPAIGN_EXPORT_PRIVATE_H
#define TD_CAMPAIGN_EXPORT_PRIVATE_H

#include "base/text.h"
#include "campaign/export.h"
#include "io/set.h"

// A row of a set, with what the forms ask of it.
typedef struct Row {
    const SetRows *rows;
    int64_t        row;
    int64_t        iteration;
    Arena         *scratch; // for one row
} Row;

typedef struct Piece {
    const char *text;
    int64_t     length;
} Piece;

// The text of a field, empty where a row has it not.
Piece   export_piece(Row r, const char *name);
int64_t export_request(Row r); // its number in the iteration

// export_messages.c: a line of the form messages, without the line end.
void export_put_messages(Text *t, Row r);

#endif
