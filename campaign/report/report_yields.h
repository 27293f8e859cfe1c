// report_yields.h -- the part of the report about records: how many are left after each step of a
// recipe, why the others went, and samples of both.
#ifndef TD_CAMPAIGN_REPORT_REPORT_YIELDS_H
#define TD_CAMPAIGN_REPORT_REPORT_YIELDS_H

#include "base/text.h"
#include "io/run.h"

extern const char REPORT_YIELDS_STYLE[]; // CSS

// Appends a table of the published sets, a funnel per recipe, summed over iterations, and samples
// of the last set that has records.  Each set is read by itself: memory is that of the largest.
Err report_yields(Text *html, Arena *arena, const Run *run);

#endif
