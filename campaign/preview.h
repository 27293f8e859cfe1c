// preview.h -- what a campaign would learn from its data, before anything is trained.
//
// The records go the way they go in a run: the recipe of the base (or of the loop, if the base has
// none) makes examples of them, and these become token documents as trainers take them.  Nothing
// is started and nothing is written.
#ifndef TD_CAMPAIGN_PREVIEW_H
#define TD_CAMPAIGN_PREVIEW_H

#include "base/text.h"
#include "campaign/settings.h"

// For a terminal, learned text also has a colour; it has a mark in any case.
typedef enum PreviewColour { PREVIEW_PLAIN, PREVIEW_COLOUR } PreviewColour;

// Appends what there is to say, warnings last.  ERR_DATA if no token of any example would be
// learned (with the words so far in `t`); ERR_CONFIG: no recipe, or one that asks a model.  Local.
Err preview_write(Text *t, const Settings *s, PreviewColour colour);

#endif
