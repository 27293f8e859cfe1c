td_test(cli/test_args RANKS 1 LABELS unit LIBS td_cli)
td_script(cli/help.sh TIMEOUT 120 LABELS whole)
