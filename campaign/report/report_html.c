#include "campaign/report/report_html.h"

#include <string.h>

void html_escape(Text *t, const char *s, int64_t length)
{
    for (int64_t i = 0; i < length;) {
        int n = text_utf8_length(s + i, length - i);

        if (n == 0)
            text_puts(t, "&#xfffd;");
        else if (s[i] == '<')
            text_puts(t, "&lt;");
        else if (s[i] == '&')
            text_puts(t, "&amp;");
        else if (s[i] == '>')
            text_puts(t, "&gt;");
        else if (s[i] == '\n')
            text_puts(t, "&#x23ce;\n");
        else
            text_add(t, s + i, n);
        i += n > 0 ? n : 1;
    }
}

void html_text(Text *t, const char *s)
{
    html_escape(t, s, (int64_t)strlen(s));
}

void html_cut(Text *t, const char *s, int64_t length, int64_t characters)
{
    int64_t end = 0;

    for (int64_t i = 0; i < characters && end < length; i++) {
        int n = text_utf8_length(s + end, length - end);

        end += n > 0 ? n : 1;
    }
    html_escape(t, s, end);
    text_puts(t, end < length ? "..." : "");
}
