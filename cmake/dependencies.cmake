# Every library that herd uses is a Debian package; `./dev` installs them (see its list of packages).
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED CONFIG)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_library(HERD_LIBSECCOMP seccomp REQUIRED)
find_library(HERD_LIBCAP cap REQUIRED)
# The static one: herd-gateway runs in a root without libraries.
find_library(HERD_LIBSODIUM libsodium.a REQUIRED)

# Only the core of prometheus-cpp is used. Its own CMake package also asks for what its HTTP parts need (curl, zlib,
# civetweb), so it is not used.
find_library(HERD_PROMETHEUS_CORE prometheus-cpp-core REQUIRED)
find_path(HERD_PROMETHEUS_INCLUDE prometheus/registry.h REQUIRED)
add_library(herd_prometheus INTERFACE)
target_include_directories(herd_prometheus SYSTEM INTERFACE ${HERD_PROMETHEUS_INCLUDE})
target_link_libraries(herd_prometheus INTERFACE ${HERD_PROMETHEUS_CORE})

# Asio and Beast compile once here instead of in every file that includes them, and their headers are read once for all
# targets that say `target_precompile_headers(TARGET REUSE_FROM herd_asio)`.
add_library(herd_asio STATIC ${CMAKE_CURRENT_LIST_DIR}/asio.cpp)
target_link_libraries(herd_asio PUBLIC Boost::headers Threads::Threads)
target_compile_definitions(herd_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                                            BOOST_ASIO_NO_DEPRECATED)
target_include_directories(herd_asio SYSTEM PUBLIC ${Boost_INCLUDE_DIRS})
target_link_libraries(herd_asio PRIVATE herd_flags nlohmann_json::nlohmann_json)
target_precompile_headers(herd_asio PRIVATE
  <boost/asio.hpp> <boost/asio/experimental/awaitable_operators.hpp> <nlohmann/json.hpp>
  <algorithm> <functional> <map> <optional> <string> <variant> <vector>)
