// report_model.h -- the part of a report that says what was trained on what: model, adapter, chat
// template, data files, settings of the training.
#ifndef TD_CAMPAIGN_REPORT_REPORT_MODEL_H
#define TD_CAMPAIGN_REPORT_REPORT_MODEL_H

#include "base/text.h"
#include "io/json.h"

// about: run.json; metrics: the list of lines.  Nothing is said of what they do not hold.  Local.
void report_model(Text *html, const Json *about, const Json *metrics);

#endif
