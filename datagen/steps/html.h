// html.h -- tags to plain text.
#ifndef TD_DATAGEN_HTML_H
#define TD_DATAGEN_HTML_H

#include "base/unitext.h"

// Appends what a reader would see: tags and comments go, with the insides of script and style;
// blocks begin and end lines, list items begin with "- "; entities become their characters.  A "<"
// that begins no tag and an "&" that begins no entity stay.
void html_to_text(Text *t, Span html);

#endif
