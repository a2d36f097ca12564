# SPDX-License-Identifier: Apache-2.0
# How tests are registered. A name is <module>.<file>; the binary's target is <name>_test.
#
#   siren_add_test(core.text SOURCES core/text_test.cpp LINK siren::core)
#   siren_add_mpi_test(comm.communicator SOURCES comm/communicator_test.cpp LINK siren::comm RANKS 1 2 3 4)
#   siren_add_script_test(e2e.resume LABELS e2e COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/e2e/resume.py)
#
# Labels: unit | mpi | e2e | golden | lint | fuzz. TIMEOUT is in seconds of a release build; Debug and sanitizers have longer.
# SERIAL keeps a test alone on the machine.

find_package(GTest REQUIRED)
find_program(Python3_EXECUTABLE python3 PATHS /usr/bin NO_DEFAULT_PATH)  # the one that has the packaged h5py and numpy
find_package(Python3 REQUIRED COMPONENTS Interpreter)

execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE SIREN_MPIEXEC_VERSION ERROR_QUIET)
# Threads of several ranks share the cores here: waiting ones must sleep, not spin.
set(SIREN_TEST_ENVIRONMENT OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive PYTHONDONTWRITEBYTECODE=1)
set(SIREN_MPIEXEC_FLAGS "")
if(SIREN_MPIEXEC_VERSION MATCHES "Open ?(MPI|RTE)")
  set(SIREN_OPEN_MPI ON)
  # More ranks than cores is the normal case here: waiting ranks must yield. Root is refused unless both variables are set.
  set(SIREN_MPIEXEC_FLAGS --oversubscribe --bind-to none)
  list(APPEND SIREN_TEST_ENVIRONMENT OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl=self,vader,tcp)
endif()
if(SIREN_SANITIZE MATCHES "address")
  list(APPEND SIREN_TEST_ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)  # MPI libraries never free some of theirs
endif()

set(SIREN_TIMEOUT_FACTOR 1)
if(SIREN_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(SIREN_TIMEOUT_FACTOR 5)
endif()
list(APPEND SIREN_TEST_ENVIRONMENT SIREN_TIMEOUT_FACTOR=${SIREN_TIMEOUT_FACTOR})  # for the time limits inside a script

include(${PROJECT_SOURCE_DIR}/src/precompile.cmake)
if(SIREN_PRECOMPILE)
  siren_precompiled_headers(siren_test_precompiled ${SIREN_PRECOMPILED} <gmock/gmock.h> <gtest/gtest.h>)
  target_link_libraries(siren_test_precompiled PRIVATE GTest::gmock)
endif()

function(siren_test_binary target)
  cmake_parse_arguments(T "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${target} ${T_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE SIREN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${T_LINK} GTest::gmock)
  siren_precompile(${target} siren_test_precompiled)
endfunction()

function(siren_set_test_properties name processors timeout serial labels)
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" PROCESSORS ${processors} TIMEOUT ${timeout}
    RUN_SERIAL ${serial} SKIP_RETURN_CODE 77 ENVIRONMENT "${SIREN_TEST_ENVIRONMENT}")
endfunction()

# One process, no MPI. A run that executes no test fails.
function(siren_add_test name)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  siren_timeout(60)
  siren_default(T_LABELS unit)
  siren_test_binary(${name}_test SOURCES ${T_SOURCES} LINK ${T_LINK} GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name}_test)
  siren_set_test_properties(${name} 1 ${T_TIMEOUT} ${T_SERIAL} "${T_LABELS}")
  set_tests_properties(${name} PROPERTIES FAIL_REGULAR_EXPRESSION "Running 0 tests from 0 test suites")
endfunction()

# One test <name>.np<ranks> for each rank count; main() is tests/support/mpi_main.cpp.
function(siren_add_mpi_test name)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT" "SOURCES;LINK;LABELS;RANKS" ${ARGN})
  siren_timeout(60)
  siren_default(T_LABELS mpi)
  siren_test_binary(${name}_test SOURCES ${T_SOURCES} LINK ${T_LINK} siren_mpi_main)
  math(EXPR ctest_timeout "${T_TIMEOUT} + 15")  # the launcher gives up first and cleans up its ranks
  foreach(ranks IN LISTS T_RANKS)
    siren_mpiexec(launch ${ranks} ${T_TIMEOUT})
    add_test(NAME ${name}.np${ranks} COMMAND ${launch} $<TARGET_FILE:${name}_test>)
    siren_processors(processors ${ranks})
    siren_set_test_properties(${name}.np${ranks} ${processors} ${ctest_timeout} ${T_SERIAL} "${T_LABELS}")
  endforeach()
endfunction()

# Any command; exit code 77 means skipped. The script finds in SIREN_MPIEXEC the launcher's words, to which it appends
# the number of ranks and the program, and in SIREN_SOURCE_DIR the source tree.
function(siren_add_script_test name)
  cmake_parse_arguments(T "SERIAL" "TIMEOUT;PROCESSORS" "COMMAND;LABELS" ${ARGN})
  siren_timeout(60)
  siren_default(T_PROCESSORS 1)
  siren_default(T_LABELS e2e)
  add_test(NAME ${name} COMMAND ${T_COMMAND})
  siren_set_test_properties(${name} ${T_PROCESSORS} ${T_TIMEOUT} ${T_SERIAL} "${T_LABELS}")
  list(JOIN SIREN_MPIEXEC_FLAGS " " flags)
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
    "SIREN_MPIEXEC=${MPIEXEC_EXECUTABLE} ${flags} ${MPIEXEC_NUMPROC_FLAG}" "SIREN_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# <out> = the command line that starts `ranks` ranks and ends them after `timeout` seconds.
function(siren_mpiexec out ranks timeout)
  set(command ${MPIEXEC_EXECUTABLE} ${SIREN_MPIEXEC_FLAGS})
  if(SIREN_OPEN_MPI)
    list(APPEND command --timeout ${timeout})
  endif()
  set(${out} ${command} ${MPIEXEC_NUMPROC_FLAG} ${ranks} PARENT_SCOPE)
endfunction()

# What CTest budgets for a test: ranks, but never more than the smallest machine has.
function(siren_processors out ranks)
  set(${out} ${ranks} PARENT_SCOPE)
  if(ranks GREATER 2)
    set(${out} 2 PARENT_SCOPE)
  endif()
endfunction()

macro(siren_timeout seconds)
  siren_default(T_TIMEOUT ${seconds})
  math(EXPR T_TIMEOUT "${T_TIMEOUT} * ${SIREN_TIMEOUT_FACTOR}")
endmacro()

macro(siren_default variable value)
  if(NOT DEFINED ${variable})
    set(${variable} ${value})
  endif()
endmacro()
