td_test(campaign/test_mixture RANKS 1 LABELS unit LIBS td_campaign)
td_test(campaign/test_settings RANKS 1 LABELS unit LIBS td_campaign)
target_compile_definitions(campaign_test_settings PRIVATE TD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
td_test(campaign/test_yields RANKS 1 LABELS unit LIBS td_campaign)
