// formats.h -- the forms in which people keep data for fine-tuning, as fields of records.
//
// Every form that is a conversation gives the field `messages`, a JSON list of {"role", "content"}
// as chat templates take it, and `tools`, a JSON list or an empty text.  The form of a file is that
// of its first record, and every other record must have it: broken structure is an error that names
// the place, a record with nothing to learn is left out under a reason.  For records_read.c.
//
// The forms: LLaMA-Factory's Alpaca and ShareGPT lists and its ranking and KTO variants, the
// messages of the OpenAI API, TRL's dataset formats, the transcripts of HH-RLHF (Bai et al. 2022),
// pairs of answers from Stack Exchange, seed tasks of Self-Instruct (Wang et al. 2022), task files
// of Super-NaturalInstructions (Wang et al. 2022) and of its predecessor (Mishra et al. 2021).
#ifndef TD_DATAGEN_FORMATS_H
#define TD_DATAGEN_FORMATS_H

#include "base/text.h"
#include "io/json.h"

enum { FORMAT_FIELDS_MAX = 8 };

typedef struct FormatText {
    const char *text; // NULL counts as empty
    int64_t     length;
} FormatText;

typedef struct FormatTake FormatTake;

typedef struct Format {
    const char *name;                     // "alpaca"
    const char *wants;                    // for messages: what a record has
    const char *field[FORMAT_FIELDS_MAX]; // that it gives, NULL behind the last
    int         is_document;              // gives `text`, not `messages`
    int         is_whole;                 // one JSON object is a file of records
    int (*fits)(const Json *record);      // whether a record has this form
    Err (*take)(FormatTake *t, const Json *record);
} Format;

// What a form makes of a record: calls of format_give and format_leave, one for each record.
struct FormatTake {
    const Format *format;
    Arena        *scratch; // of this record
    FormatText    value[FORMAT_FIELDS_MAX];
    void         *self;
    Err (*give)(void *self, const FormatText *value, const Json *record);
    void (*leave)(void *self, const char *why);
};

// The form of this record, NULL if it is none of them.
const Format *format_of_record(const Json *record);
// By name, NULL: no such form.
const Format *format_named(const char *name);
// For lines of question TAB answer TAB rationale (FLAN's chain-of-thought files), which are not
// JSON; "\n" in a column stands for a line end.
extern const Format FORMAT_COT;
// line[0..length); `where` for messages.  ERR_DATA.
Err format_take_cot(FormatTake *t, const char *where, const char *line, int64_t length);

// What the record gives; ERR_DATA: it has not the form, naming where.
Err format_take(FormatTake *t, const Json *record);

#endif
