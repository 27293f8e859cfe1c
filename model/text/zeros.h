// zeros.h -- zero characters in JSON, whose texts here have none.
//
// A text of ours ends with a zero byte, so json.h refuses "\u0000".  Tokens and texts to encode may
// hold that character all the same: before the JSON is parsed, a character that is nowhere in it
// takes its place, and afterwards gives it back.
#ifndef TD_MODEL_TEXT_ZEROS_H
#define TD_MODEL_TEXT_ZEROS_H

#include "base/err.h"

#include <stdint.h>

enum { ZEROS_STAND_IN = 4 }; // bytes of a stand-in, with the zero behind it

// In place, without changing a length.  stand_in: what stands for a zero character, "" if the text
// has none.  ERR_DATA naming `file` if every stand-in is used already.
Err zeros_hide(const char *file, char *text, int64_t length, char stand_in[ZEROS_STAND_IN]);
// Copies text[0..length) to `out` with its zero bytes, and one behind; the bytes copied.
int64_t zeros_show(char *out, const char *text, int64_t length, const char *stand_in);

#endif
