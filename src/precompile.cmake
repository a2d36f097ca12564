# SPDX-License-Identifier: Apache-2.0
# Headers that nearly every source includes, read once for all (option SIREN_PRECOMPILE).
# Sources name every header that they use all the same: preset `release` compiles them without this.
set(SIREN_PRECOMPILED <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory> <numeric>
  <optional> <span> <string> <string_view> <utility> <vector> <fmt/format.h> <fmt/ranges.h>)

# siren_precompiled_headers(name header...): a target whose precompiled headers others use by siren_precompile(target name).
function(siren_precompiled_headers name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "")  # touches it once only
  add_library(${name} STATIC ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE siren::core OpenMP::OpenMP_CXX)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

function(siren_precompile target name)
  if(SIREN_PRECOMPILE)
    target_link_libraries(${target} PRIVATE OpenMP::OpenMP_CXX)  # the same flags, or the compiler refuses them
    target_precompile_headers(${target} REUSE_FROM ${name})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # GCC forgets which of these headers are the system's, and warns of what its optimiser imagines inside them.
      set(imagined -Wno-error=array-bounds -Wno-error=maybe-uninitialized -Wno-error=restrict -Wno-error=stringop-overflow
        -Wno-error=stringop-overread)
      target_compile_options(${target} PRIVATE "$<$<NOT:$<CONFIG:Debug>>:${imagined}>")
    endif()
    if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      target_compile_options(${target} PRIVATE -fpch-preprocess)  # ccache asks for it
    endif()
  endif()
endfunction()
