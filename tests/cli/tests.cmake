td_test(cli/test_args RANKS 1 LABELS unit LIBS td_cli)
td_script(cli/help.sh TIMEOUT 120 LABELS whole)
td_script(cli/serve.sh TIMEOUT 600 LABELS whole)
