# SPDX-License-Identifier: Apache-2.0
# kernels_isa.cpp is compiled once per instruction set, each into a namespace of its own; the set to
# use is chosen at run time (include/siren/math/isa.hpp).

function(siren_kernel_variant target isa)
  add_library(siren_kernels_${isa} OBJECT math/kernels_isa.cpp)
  target_link_libraries(siren_kernels_${isa} PRIVATE siren_build_flags fmt::fmt)
  # One optimisation level in every build type: the bits of a result must not depend on it.
  target_compile_options(siren_kernels_${isa} PRIVATE -O3 -ffp-contract=fast -fno-trapping-math -Wno-psabi ${ARGN})
  target_compile_definitions(siren_kernels_${isa} PRIVATE SIREN_KERNEL_NAMESPACE=${isa})
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:siren_kernels_${isa}>)
endfunction()

function(siren_add_kernels target)
  siren_kernel_variant(${target} portable)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    siren_kernel_variant(${target} avx2 -mavx2 -mfma)
    siren_kernel_variant(${target} avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
    target_compile_definitions(${target} PRIVATE SIREN_X86_KERNELS)
  endif()
endfunction()
