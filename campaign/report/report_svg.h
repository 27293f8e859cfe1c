// report_svg.h -- line charts as SVG text, for the report.
#ifndef TD_CAMPAIGN_REPORT_REPORT_SVG_H
#define TD_CAMPAIGN_REPORT_REPORT_SVG_H

#include "base/text.h"

#include <stdint.h>

typedef struct SvgLine {
    const char   *name;
    int64_t       count;
    const double *x, *y; // [count], x rising
} SvgLine;

typedef struct SvgChart {
    const char    *title, *x_label, *y_label;
    double         y_min, y_max; // equal: from the data
    int            lines;
    const SvgLine *line;
} SvgChart;

void svg_chart(Text *t, const SvgChart *c);

#endif
