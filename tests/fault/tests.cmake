td_script(fault/kill_loop.sh TIMEOUT 600)
td_script(fault/stop.sh TIMEOUT 300)
td_script(fault/bad_input.sh TIMEOUT 500)
