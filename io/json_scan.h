// json_scan.h -- what json.c asks of a text before cJSON sees it.
//
// cJSON is generous and does not say where things stand.  The scan is strict, and finds line and
// column of every value in the order in which they appear, which is the order of a walk through the
// tree that cJSON makes.
#ifndef TD_IO_JSON_SCAN_H
#define TD_IO_JSON_SCAN_H

#include "io/json.h"

#include <stdint.h>

typedef struct JsonCount {
    int64_t nodes;
    int64_t text_bytes; // enough for all keys and texts, each with a final zero byte
} JsonCount;

// Line and column of byte `at`.
void json_locate(const char *text, int64_t at, int *line, int *column);

// ERR_DATA naming the first byte that is not UTF-8.
Err json_check_utf8(const char *file, const char *text, int64_t length);

// Turns comments into white space of the same length.  ERR_DATA if one does not end.
Err json_blank_comments(const char *file, char *text, int64_t length);

// Checks the whole text and counts.  If `nodes` is not NULL (room for count->nodes of a first
// scan), their positions are filled in.  ERR_DATA.
Err json_scan(const char *file, const char *text, int64_t length, Json *nodes, JsonCount *count);

#endif
