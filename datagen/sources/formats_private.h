// formats_private.h -- what the files formats*.c share.
#ifndef TD_DATAGEN_FORMATS_PRIVATE_H
#define TD_DATAGEN_FORMATS_PRIVATE_H

#include "datagen/sources/formats.h"

#define FORMAT_WHERE(json) json_where((json), (char[JSON_WORDS]){0}, JSON_WORDS)

typedef enum TalkRole { TALK_SYSTEM, TALK_USER, TALK_ASSISTANT, TALK_TOOL, TALK_CALL } TalkRole;

enum { TALK_WEIGHT_MAX = 1000 }; // of a message, as in the step emit

// A conversation while it is written down as JSON.
typedef struct Talk {
    Text text; // "[{...}, {...}"
    int  count, systems, answers;
    int  empty_answers; // assistant's turns without a text and without a call
    int  is_refused;    // nobody should answer so: the assistant's turns get the weight 0
} Talk;

Talk talk_make(Arena *scratch);
// A message in parts: its role; members that are texts; its end, with the weight 0 where an answer
// is refused.
void talk_open_message(Talk *t, TalkRole role);
void talk_write(Talk *t, const char *key, FormatText text);
void talk_close_message(Talk *t, TalkRole role, int says_something);
// A message that is a text; an empty system message is none.
void talk_say(Talk *t, TalkRole role, const char *text, int64_t length);
void talk_say_node(Talk *t, TalkRole role, const Json *text); // NULL or null: an empty text
// The messages of a list, or of a single object, in either spelling.  ERR_DATA naming the place.
Err talk_read(Talk *t, Arena *scratch, const Json *messages);
// "\n\nHuman: ...\n\nAssistant: ..." (HH-RLHF).  Whether a text begins so; then its messages.  That
// of a prompt may end where the answer begins.
typedef enum TalkTranscript { TALK_WHOLE, TALK_PROMPT } TalkTranscript;
int  talk_is_transcript(const char *text);
void talk_transcript(Talk *t, const char *text, TalkTranscript kind);
// The text with its end, and why nothing can be learned from it (NULL: something can).
FormatText  talk_end(Talk *t);
const char *talk_why(const Talk *t);

// Whether node is a list of messages (or an empty list), or one message.
int format_is_messages(const Json *node);
int format_is_message(const Json *node);
int format_begins_with_system(const Json *list);
int format_is_text(const Json *record, const char *key); // a member that is a text
int format_is_blank(FormatText text);
// The first of the names (NULL behind the last) that is a member and not null; NULL: none.
const Json *format_any(const Json *record, const char *const *names);
// A member that has to be a text or null or absent (then *out is NULL).  ERR_DATA.
Err format_text(const Json *record, const char *key, const Json **out);
// The record's tools as a JSON list, functions that stand bare wrapped as {"type": "function",
// "function": ...}; empty if it has none.  ERR_DATA.
Err format_tools(Arena *scratch, const Json *record, FormatText *out);
// The record's system text, if any, as first message, and its `history` of pairs.  ERR_DATA.
Err format_before(Talk *t, const Json *record);
// "instruction", a line end and "input", as one text; "prompt" or "question" likewise.
FormatText format_task(Arena *scratch, const Json *instruction, const Json *input);

// messages, tools and then `more` fields are in value[]: gives the record, or leaves it out.
Err format_end(FormatTake *t, Talk *talk, const Json *record);

extern const Format FORMAT_SHAREGPT, FORMAT_MESSAGES, FORMAT_ALPACA, FORMAT_PROMPT,
    FORMAT_PREFERENCE, FORMAT_KTO, FORMAT_SELF_INSTRUCT, FORMAT_NATURAL, FORMAT_DOCUMENTS;

#endif
