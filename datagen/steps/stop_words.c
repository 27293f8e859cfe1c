#include "datagen/steps/stop_words.h"

static const char words[] =
    " a about above after again against all am an and any are as at be because been before being "
    "below between both but by can could did do does doing don down during each few for from "
    "further had has have having he her here hers herself him himself his how i if in into is it "
    "its itself just ll me more most my myself no nor not now of off on once only or other our "
    "ours "
    "ourselves out over own re s same shall she should so some such t than that the their theirs "
    "them themselves then there these they this those through to too under until up us ve very was "
    "we were what when where which while who whom why will with would you your yours yourself "
    "yourselves ";

// Words of letters, as they stand between anything else: "it's" is it and s.
static int is_stop_word(Span w)
{
    for (int64_t at = 0, end; words[at + 1] != 0; at = end) {
        for (end = at + 1; words[end] != ' ';)
            end++;
        if (unitext_is_same_folded(w, (Span){words + at + 1, end - at - 1}))
            return 1;
    }
    return 0;
}

int stop_words_only(Span s)
{
    int64_t at = 0, n, begin;

    while (at < s.length) {
        begin = at;
        while (at < s.length && unitext_is_word(unitext_next(span_from(s, at), &n)))
            at += n;
        if (at > begin && !is_stop_word(span_cut(s, begin, at)))
            return 0;
        if (at == begin) {
            unitext_next(span_from(s, at), &n);
            at += n;
        }
    }
    return 1;
}
