// chains.h -- a closed domain: chains of operations on short strings of digits.
//
//     instruction = ops " " digits                              "reverse then left 6446"
//     ops         = one operation, or two or three different string operations joined by " then "
//     operation   = reverse | bump (each digit + 1 modulo 10) | left (rotate by one) |
//                   flip (9 - digit): these are string operations, and may be chained; sort | max
//     worked      = per operation its first letter and the resulting string, joined by ",", then
//                   ";" and the answer                          "r6446,l4466;4466"
//
// sort writes every insertion ("s4 47 479 4679;4679"), max the maximum so far ("m6699;9").
#ifndef TD_DATAGEN_CHAINS_H
#define TD_DATAGEN_CHAINS_H

#include <stdint.h>

enum {
    CHAINS = 42, // 6 of one operation, 12 of two, 24 of three, in this order
    CHAIN_DEPTHS = 3,
    CHAIN_DIGITS_MIN = 2,
    CHAIN_DIGITS_MAX = 5,
    CHAIN_LENGTHS = CHAIN_DIGITS_MAX - CHAIN_DIGITS_MIN + 1,
    CHAIN_CELLS = CHAINS * CHAIN_LENGTHS, // cell: a chain and a length
    CHAIN_TEXT_MAX = 64                   // of any text here, with its end
};

typedef struct ChainProblem {
    int  chain, length; // digits
    char digits[CHAIN_DIGITS_MAX + 1];
} ChainProblem;

// Operations in a chain: 1 .. CHAIN_DEPTHS.  Cell and the first chain of a depth count from 0.
int chain_depth(int chain);
int chain_first(int depth); // chains of this depth are first .. first + count - 1
int chain_count(int depth);
int chain_cell(const ChainProblem *p);

// Each returns the bytes that it wrote, without the final zero.
int chain_ops(int chain, char out[CHAIN_TEXT_MAX]);
int chain_instruction(const ChainProblem *p, char out[CHAIN_TEXT_MAX]);
int chain_worked(const ChainProblem *p, char out[CHAIN_TEXT_MAX]);
// The answer: what stands behind the ';' of the worked text.
int chain_answer(const ChainProblem *p, char out[CHAIN_TEXT_MAX]);

// Reads an instruction; 0 if it is none.
int chain_parse(const char *text, ChainProblem *p);
// A chain by the text of its operations; -1 if there is none.
int chain_find(const char *ops);

// A number for each problem, by cell and then by digits; and back.
enum { CHAIN_CODES_PER_CELL = 100000 };
int64_t      chain_code(const ChainProblem *p);
ChainProblem chain_problem(int64_t code);

#endif
