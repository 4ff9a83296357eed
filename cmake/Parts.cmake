# The parts we build on, each as an imported target.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Libev REQUIRED)
find_package(PkgConfig REQUIRED)

foreach(part IN ITEMS
    "yaml yaml-0.1>=0.2" "jansson jansson>=2.13" "ldns ldns>=1.8" "sqlite3 sqlite3>=3.35"
    "pcre2 libpcre2-8>=10.36" "nghttp2 libnghttp2>=1.43" "cares libcares>=1.18" "curl libcurl>=7.85"
    "cmocka cmocka>=1.1")
  separate_arguments(part)
  list(GET part 0 name)
  list(GET part 1 module)
  pkg_check_modules(${name} REQUIRED QUIET IMPORTED_TARGET "${module}")
endforeach()

include(BuildBoringSSL)
