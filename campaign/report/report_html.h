// report_html.h -- texts of strangers in an HTML page.
#ifndef TD_CAMPAIGN_REPORT_REPORT_HTML_H
#define TD_CAMPAIGN_REPORT_REPORT_HTML_H

#include "base/text.h"

#include <stdint.h>

// What is not UTF-8 becomes U+FFFD, line ends are shown.
void html_escape(Text *t, const char *s, int64_t length);
void html_text(Text *t, const char *s); // up to its final zero
// At most so many characters, and dots if there are more.
void html_cut(Text *t, const char *s, int64_t length, int64_t characters);

#endif
