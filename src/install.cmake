# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` and `cpack -G DEB` put where: the program, its manual page and completion, and for C++ programs
# (tests/consumer) the public headers and the static libraries behind them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(SIREN_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/siren)
set_target_properties(siren_build_flags PROPERTIES EXPORT_NAME build_flags)
set(exported siren_build_flags)
foreach(module core math comm events io data distributed model ranking train api)
  set_target_properties(siren_${module} PROPERTIES EXPORT_NAME ${module})
  list(APPEND exported siren_${module})
endforeach()

install(TARGETS siren RUNTIME)
install(TARGETS ${exported} EXPORT sirenTargets ARCHIVE)
install(EXPORT sirenTargets NAMESPACE siren:: DESTINATION ${SIREN_PACKAGE_DIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/siren TYPE INCLUDE)
install(FILES ${CONFIGURED_INCLUDES}/siren/version.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/siren)
configure_package_config_file(sirenConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/sirenConfig.cmake INSTALL_DESTINATION ${SIREN_PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/sirenConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/sirenConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/sirenConfigVersion.cmake DESTINATION ${SIREN_PACKAGE_DIR})

# The program describes itself; where it cannot run (another machine's build), these two are left out.
foreach(described man:siren.1 completion:siren.bash)
  string(REPLACE ":" ";" described ${described})
  list(GET described 0 what)
  list(GET described 1 file)
  install(CODE "
    execute_process(COMMAND \"$<TARGET_FILE:siren>\" help --${what} OUTPUT_FILE \"${CMAKE_CURRENT_BINARY_DIR}/${file}\" RESULT_VARIABLE failed)
    if(failed)
      message(WARNING \"siren help --${what} does not run here: ${file} is not installed\")
      file(REMOVE \"${CMAKE_CURRENT_BINARY_DIR}/${file}\")
    endif()")
endforeach()
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/siren.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/siren.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME siren OPTIONAL)

set(CPACK_PACKAGE_NAME siren)
set(CPACK_PACKAGE_CONTACT "the siren developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
include(CPack)
