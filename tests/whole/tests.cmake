td_script(whole/digests.sh TIMEOUT 400)
td_script(whole/replay_score.sh TIMEOUT 200)
td_script(whole/plan.sh TIMEOUT 300)
td_script(whole/configs.sh TIMEOUT 300)
