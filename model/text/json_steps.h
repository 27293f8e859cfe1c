// json_steps.h -- what stands around the model in a tokenizer.json: each part by its "type".
#ifndef TD_MODEL_TEXT_JSON_STEPS_H
#define TD_MODEL_TEXT_JSON_STEPS_H

#include "model/text/tokenizer_private.h"

// All add to b->t; NULL or null adds nothing.  ERR_DATA: a part that is not read.
Err json_normalizers(Build *b, const Json *node);
Err json_cuts(Build *b, const Json *node);
Err json_decoders(Build *b, const Json *node);
Err json_frame(Build *b, const Json *node); // the post-processor; pieces are known

// true or false; `standard` if it is neither.
int json_switch(const Json *object, const char *key, int standard);

#endif
