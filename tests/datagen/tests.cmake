# One rank each: nothing in datagen/ talks to other ranks.
foreach(name teacher_scripted scripted_answers source source_chains records formats template chatform emit_chat generate_chat steps parse map filter recipe
        produce produce_net)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/datagen/test_${name}.c)
        td_test(datagen/test_${name} RANKS 1 LABELS unit recipe LIBS td_datagen)
        target_compile_definitions(datagen_test_${name} PRIVATE
            TD_SOURCE_FOLDER="${PROJECT_SOURCE_DIR}")
        target_include_directories(datagen_test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/datagen)
    endif()
endforeach()

# Its program answers requests from a file; a Python twin knows the answers from the document.
add_executable(datagen_scripted_lines ${CMAKE_CURRENT_SOURCE_DIR}/datagen/scripted_lines.c)
target_link_libraries(datagen_scripted_lines PRIVATE td_datagen)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/run/datagen/scripted_twin.sh)
add_test(NAME datagen/scripted_twin.sh
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/run/datagen/scripted_twin.sh
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/datagen/scripted_twin.sh
            $<TARGET_FILE:datagen_scripted_lines> ${PROJECT_SOURCE_DIR})
set_tests_properties(datagen/scripted_twin.sh PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77
    LABELS "datagen;unit;recipe")

# The endpoint teacher against a server that misbehaves on demand.
add_executable(datagen_test_teacher_endpoint
    ${CMAKE_CURRENT_SOURCE_DIR}/datagen/test_teacher_endpoint.c)
target_link_libraries(datagen_test_teacher_endpoint PRIVATE td_check td_datagen)
target_include_directories(datagen_test_teacher_endpoint PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/datagen)
target_compile_definitions(datagen_test_teacher_endpoint PRIVATE
    TD_SOURCE_FOLDER="${PROJECT_SOURCE_DIR}")
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/run/datagen/test_teacher_endpoint)
add_test(NAME datagen/test_teacher_endpoint
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/run/datagen/test_teacher_endpoint
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/endpoint.py ${MPIEXEC_EXECUTABLE}
            ${MPIEXEC_NUMPROC_FLAG} 1 ${MPIEXEC_PREFLAGS}
            $<TARGET_FILE:datagen_test_teacher_endpoint> ${MPIEXEC_POSTFLAGS})
set_tests_properties(datagen/test_teacher_endpoint PROPERTIES PROCESSORS 1 TIMEOUT 120
    SKIP_RETURN_CODE 77 LABELS "datagen;unit;fault"
    ENVIRONMENT "${TD_TEST_ENVIRONMENT};MPIEXEC_TIMEOUT=100")

td_test(datagen/test_near_kernels RANKS 1 LABELS unit recipe LIBS td_datagen)
# Near-duplicates are judged by all ranks together.
td_test(datagen/test_near LABELS unit recipe LIBS td_datagen)
td_test(datagen/test_near_digit RANKS 1 2 LABELS unit recipe LIBS td_datagen)
