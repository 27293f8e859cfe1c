// report.h -- a run as one HTML page, without network: curves, tables, samples, provenance.
#ifndef TD_CAMPAIGN_REPORT_REPORT_H
#define TD_CAMPAIGN_REPORT_REPORT_H

#include "io/run.h"

// Reads what the run published and writes DIR/report.html.  Works on unfinished runs too.  Local.
Err report_write(const Run *run);

#endif
