// stop_words.h -- English words without content of their own.
#ifndef TD_DATAGEN_STOP_WORDS_H
#define TD_DATAGEN_STOP_WORDS_H

#include "base/unitext.h"

// Whether a text is made of punctuation, white space and stop words alone.
int stop_words_only(Span s);

#endif
