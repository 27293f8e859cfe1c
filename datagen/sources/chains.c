#include "datagen/sources/chains.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REVERSE, BUMP, LEFT, FLIP, STRING_OPS, SORT = STRING_OPS, MAX, OPS };

static const char *const OP_NAMES[OPS] = {"reverse", "bump", "left", "flip", "sort", "max"};

int chain_count(int depth)
{
    static const int count[] = {OPS, STRING_OPS * 3, STRING_OPS * 3 * 2};

    return count[depth - 1];
}

int chain_first(int depth)
{
    int first = 0;

    for (int d = 1; d < depth; d++)
        first += chain_count(d);
    return first;
}

int chain_depth(int chain)
{
    int depth = 1;

    CHECK(0 <= chain && chain < CHAINS, "chain %d", chain);
    while (chain >= chain_first(depth + 1))
        depth++;
    return depth;
}

int chain_cell(const ChainProblem *p)
{
    return p->chain * CHAIN_LENGTHS + p->length - CHAIN_DIGITS_MIN;
}

// The n-th string operation that is not used yet.
static int take_unused(int used[STRING_OPS], int n)
{
    int op = 0;

    for (; used[op] || n > 0; op++)
        n -= !used[op];
    used[op] = 1;
    return op;
}

// Operations of a chain.  Those of one depth are in the order of the names above, the first
// operation turning slowest.
static int ops_of(int chain, int op[CHAIN_DEPTHS])
{
    int depth = chain_depth(chain), rest = chain - chain_first(depth), used[STRING_OPS] = {0};
    int ways = chain_count(depth);

    if (depth == 1) {
        op[0] = chain;
        return 1;
    }
    for (int i = 0; i < depth; i++) {
        ways /= STRING_OPS - i;
        op[i] = take_unused(used, rest / ways);
        rest %= ways;
    }
    return depth;
}

int chain_ops(int chain, char out[CHAIN_TEXT_MAX])
{
    int op[CHAIN_DEPTHS], depth = ops_of(chain, op), at = 0;

    for (int i = 0; i < depth; i++)
        at += snprintf(out + at, (size_t)(CHAIN_TEXT_MAX - at), "%s%s", i > 0 ? " then " : "",
                       OP_NAMES[op[i]]);
    return at;
}

int chain_instruction(const ChainProblem *p, char out[CHAIN_TEXT_MAX])
{
    int at = chain_ops(p->chain, out);

    return at + snprintf(out + at, (size_t)(CHAIN_TEXT_MAX - at), " %s", p->digits);
}

static int by_digit(const void *a, const void *b)
{
    return *(const char *)a - *(const char *)b;
}

// What an operation makes of n digits, in place; sort and max of the first n digits only.
static void apply(int op, char *s, int n)
{
    char old[CHAIN_DIGITS_MAX];

    memcpy(old, s, (size_t)n);
    if (op == SORT)
        qsort(s, (size_t)n, 1, by_digit);
    for (int i = 0; i < n; i++)
        if (op == REVERSE)
            s[i] = old[n - 1 - i];
        else if (op == BUMP)
            s[i] = (char)('0' + (old[i] - '0' + 1) % 10);
        else if (op == LEFT)
            s[i] = old[(i + 1) % n];
        else if (op == FLIP)
            s[i] = (char)('9' - (old[i] - '0'));
        else if (op == MAX && i > 0 && s[i - 1] > s[i])
            s[i] = s[i - 1];
}

// The strings of one operation: the result, or for sort those on the way to it.  s gets the result.
static int write_step(int op, char *s, int n, char *out)
{
    int at = 0;

    out[at++] = OP_NAMES[op][0];
    for (int i = op == SORT ? 1 : n; i <= n; i++) {
        apply(op, s, i);
        memcpy(out + at, s, (size_t)i);
        at += i;
        if (i < n)
            out[at++] = ' ';
    }
    return at;
}

int chain_worked(const ChainProblem *p, char out[CHAIN_TEXT_MAX])
{
    int  op[CHAIN_DEPTHS], depth = ops_of(p->chain, op), at = 0;
    char s[CHAIN_DIGITS_MAX + 1];

    memcpy(s, p->digits, sizeof s);
    for (int i = 0; i < depth; i++) {
        at += write_step(op[i], s, p->length, out + at);
        out[at++] = i + 1 < depth ? ',' : ';';
    }
    return at + snprintf(out + at, (size_t)(CHAIN_TEXT_MAX - at), "%s",
                         op[depth - 1] == MAX ? &s[p->length - 1] : s);
}

int chain_answer(const ChainProblem *p, char out[CHAIN_TEXT_MAX])
{
    char worked[CHAIN_TEXT_MAX];

    chain_worked(p, worked);
    return snprintf(out, CHAIN_TEXT_MAX, "%s", strchr(worked, ';') + 1);
}

int chain_parse(const char *text, ChainProblem *p)
{
    for (int chain = 0; chain < CHAINS; chain++) {
        char   ops[CHAIN_TEXT_MAX];
        size_t n = (size_t)chain_ops(chain, ops), digits;

        if (strncmp(text, ops, n) != 0 || text[n] != ' ')
            continue;
        digits = strspn(text + n + 1, "0123456789");
        if (text[n + 1 + digits] != 0 || digits < CHAIN_DIGITS_MIN || digits > CHAIN_DIGITS_MAX)
            continue;
        *p = (ChainProblem){.chain = chain, .length = (int)digits};
        memcpy(p->digits, text + n + 1, digits);
        return 1;
    }
    return 0;
}

int chain_find(const char *ops)
{
    for (int chain = 0; chain < CHAINS; chain++) {
        char text[CHAIN_TEXT_MAX];

        chain_ops(chain, text);
        if (strcmp(ops, text) == 0)
            return chain;
    }
    return -1;
}

int64_t chain_code(const ChainProblem *p)
{
    return (int64_t)chain_cell(p) * CHAIN_CODES_PER_CELL + strtol(p->digits, NULL, 10);
}

ChainProblem chain_problem(int64_t code)
{
    int          cell = (int)(code / CHAIN_CODES_PER_CELL);
    ChainProblem p = {.chain = cell / CHAIN_LENGTHS,
                      .length = cell % CHAIN_LENGTHS + CHAIN_DIGITS_MIN};
    int64_t      digits = code % CHAIN_CODES_PER_CELL;

    for (int i = p.length - 1; i >= 0; i--, digits /= 10)
        p.digits[i] = (char)('0' + digits % 10);
    return p;
}
