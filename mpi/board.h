// board.h -- numbers that all ranks of a job can see and change at any time, without meeting.
//
// A handful of 64-bit words on rank 0, changed by fetch-and-add.  Used to hand out work (a slow
// rank takes fewer pieces) and to tell ranks of the other role that somebody failed or wants to
// stop. One window over MPI_Win_allocate (shared memory inside a node); never blocks on another
// rank.
#ifndef TD_MPI_BOARD_H
#define TD_MPI_BOARD_H

#include "mpi/comm.h"

#include <stdint.h>

enum {
    BOARD_STOP,           // > 0: somebody was asked to stop
    BOARD_FAILED,         // > 0: somebody failed and waits at the end
    BOARD_REQUESTS_SPENT, // by this job, of the budget of an endpoint
    BOARD_TOKENS_SPENT,
    BOARD_BUDGET_SPENT, // > 0: somebody had to stop for it
    BOARD_WORK,         // first word of the work counters, one for each piece of work in flight
    BOARD_WORDS = 64
};

typedef struct Board Board;

// Collective; the board lives until board_close_all.
Board *board_open_all(const Comm *c);
void   board_close_all(Board *b);

// Adds and returns the value before.  Local.
int64_t board_add(Board *b, int word, int64_t more);
int64_t board_read(Board *b, int word);

// Work counter number `n` of many: the next piece that nobody has taken, 0, 1, 2, ...  Counters are
// named by n modulo the words there are; board_work_reset by one rank, between two uses, with a
// barrier of the users on both sides.
int64_t board_work_next(Board *b, int64_t n);
void    board_work_reset(Board *b, int64_t n);

// Lets MPI serve other ranks' requests; cheap; call it in long local loops.
void board_progress(Board *b);

#endif
