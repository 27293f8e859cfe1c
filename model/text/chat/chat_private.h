// chat_private.h -- what the files of chat_template.h share.
#ifndef TD_MODEL_TEXT_CHAT_CHAT_PRIVATE_H
#define TD_MODEL_TEXT_CHAT_CHAT_PRIVATE_H

#include "model/text/chat/chat_template.h"

// The variables of a request, as values; messages are a list.
typedef struct ChatValues {
    JinjaValue messages, tools, documents, more;
    int        has_time;
    int64_t    time;
} ChatValues;

enum { CHAT_NO_PROMPT, CHAT_PROMPT };

// Renders the first `count` messages into `arena`.
Err chat_render(const ChatTemplate *t, Arena *arena, const ChatValues *v, int64_t count,
                int with_prompt, JinjaOutput *out);
// A copy of the messages in which the content of one is replaced.
JinjaValue        chat_with_content(Arena *arena, const JinjaValue *messages, int64_t index,
                                    JinjaValue content);
int               chat_is_assistant(const JinjaValue *message);
const JinjaValue *chat_content(const JinjaValue *message); // NULL: not there

// Spans of all assistant messages of v, whose text is in `out`, with room for them.
Err chat_find_spans(const ChatTemplate *t, Arena *scratch, const ChatValues *v, ChatText *out);

#endif
