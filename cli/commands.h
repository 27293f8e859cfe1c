// commands.h -- the list of subcommands, each in a file of its own.
#ifndef TD_CLI_COMMANDS_H
#define TD_CLI_COMMANDS_H

#include "cli/args.h"

extern const Command CMD_RUN, CMD_GENERATE, CMD_TRAIN, CMD_EVAL, CMD_SAMPLE, CMD_SCORE, CMD_INSPECT,
    CMD_VERIFY, CMD_REPLAY, CMD_PLAN, CMD_STEPS, CMD_BENCH, CMD_REPORT, CMD_SERVE, CMD_EXPORT,
    CMD_IMPORT, CMD_TOKENIZER, CMD_TEMPLATE, CMD_CHAT;

// Prints a text to stdout in whole.  ERR_IO if stdout is closed or full.
Err commands_print(const Text *t);

#endif
