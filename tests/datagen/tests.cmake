# One rank each: nothing in datagen/ talks to other ranks.
foreach(name source template steps recipe produce produce_net)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/datagen/test_${name}.c)
        td_test(datagen/test_${name} RANKS 1 LABELS unit recipe LIBS td_datagen)
        target_compile_definitions(datagen_test_${name} PRIVATE
            TD_SOURCE_FOLDER="${PROJECT_SOURCE_DIR}")
        target_include_directories(datagen_test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/datagen)
    endif()
endforeach()
