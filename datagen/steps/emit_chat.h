// emit_chat.h -- a conversation of a record as segments, by the chat template.  For step_emit.c.
#ifndef TD_DATAGEN_EMIT_CHAT_H
#define TD_DATAGEN_EMIT_CHAT_H

#include "datagen/step.h"

typedef struct EmitChat {
    const char *conversation, *tools; // fields; "": none
    int         only_last;            // of the assistant's turns is learned
} EmitChat;

// Fills the record's segments from a conversation as JSON, contents in their roles, all else as
// markup.  NULL, or the reason why this cannot be learned.  The first conversation that the
// template refuses is told to the log.
const char *emit_chat(const StepRun *run, const EmitChat *e, Record *r, const char *conversation,
                      int64_t length);

#endif
