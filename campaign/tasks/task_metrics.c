#include "campaign/tasks/task_metrics.h"

double metric_pass(int64_t n, int64_t c, int64_t k)
{
    double none = 1; // the chance that all k are wrong

    CHECK(0 <= c && c <= n && 1 <= k && k <= n, "pass@%lld of %lld", (long long)k, (long long)n);
    if (n - c < k)
        return 1;
    for (int64_t i = n - c + 1; i <= n; i++)
        none *= 1 - (double)k / (double)i;
    return 1 - none;
}

int64_t metric_majority(const Span *answer, const double *logp, int64_t n)
{
    int64_t best = -1, best_votes = 0;
    double  best_mean = 0;

    for (int64_t i = 0; i < n; i++) {
        int64_t votes = 0;
        double  sum = 0;
        int     is_first = answer[i].text != NULL;

        for (int64_t k = 0; k < i && is_first; k++)
            is_first = answer[k].text == NULL || !unitext_is_same(answer[k], answer[i]);
        for (int64_t k = i; k < n && is_first; k++)
            if (answer[k].text != NULL && unitext_is_same(answer[k], answer[i])) {
                votes++;
                sum += logp[k];
            }
        if (votes > best_votes ||
            (votes > 0 && votes == best_votes && sum / (double)votes > best_mean)) {
            best = i;
            best_votes = votes;
            best_mean = sum / (double)votes;
        }
    }
    return best;
}

double metric_rouge_l(Arena *scratch, Span a, Span b)
{
    ArenaMark  mark = arena_mark(scratch);
    NearWords *words = near_words(scratch, NEAR_GOOGLE);
    int64_t    n, m, lcs;
    uint32_t  *x = near_tokens(words, scratch, (NearText){a.text, a.length}, &n);
    uint32_t  *y = near_tokens(words, scratch, (NearText){b.text, b.length}, &m);

    lcs = n > 0 && m > 0 ? near_lcs(scratch, x, n, y, m) : 0;
    arena_back(scratch, mark);
    return lcs > 0 ? near_rouge(lcs, n, m) : 0;
}
