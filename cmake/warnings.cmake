# Flags for herd's own targets: `target_link_libraries(x PRIVATE herd_flags)`.
add_library(herd_flags INTERFACE)
target_include_directories(herd_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(herd_flags INTERFACE _GNU_SOURCE HERD_VERSION="${PROJECT_VERSION}")
target_compile_options(herd_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wcast-align -Wunused
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual -Wno-missing-field-initializers>
  -fstack-protector-strong
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)

# Precompiled headers shared by the programs that use Asio and JSON.
add_library(herd_precompiled INTERFACE)
target_precompile_headers(herd_precompiled INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:<boost/asio.hpp$<ANGLE-R>>
  $<$<COMPILE_LANGUAGE:CXX>:<nlohmann/json.hpp$<ANGLE-R>>
  $<$<COMPILE_LANGUAGE:CXX>:<functional$<ANGLE-R>>
  $<$<COMPILE_LANGUAGE:CXX>:<string$<ANGLE-R>>
  $<$<COMPILE_LANGUAGE:CXX>:<vector$<ANGLE-R>>)
