#!/bin/sh
# Builds BoringSSL once and prints, alone on standard output, the folder that holds its
# include/ and lib/. Everything else it has to say goes to standard error.
#
#   build.sh CACHE COMPILER_ID CC CXX [SOURCE]
#
# Without SOURCE it is built from Debian's source package (see fetch.sh) into
# CACHE/boringssl-<version>-<compiler id>; with SOURCE from that upstream checkout, by its
# own CMake. A folder appears under its final name only when complete.
set -eu

cache=$1 id=$2 cc=$3 cxx=$4 source=${5:-}
here=$(cd "$(dirname "$0")" && pwd)
say() { echo "boringssl: $*" >&2; }

finished() { # PATTERN: a complete build that matches, the last by name
    found=
    for dir in $1; do
        if [ -e "$dir/complete" ]; then
            found=$dir
        fi
    done
    [ -n "$found" ] && echo "$found"
}

cmake_install() { # SOURCE PREFIX BUILD [ARGUMENT...]
    from=$1 prefix=$2 build=$3
    shift 3
    say "building with $cc (once, about a minute)"
    if ! {
        cmake -S "$from" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_ASM_COMPILER="$cc" \
            -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib "$@" &&
            cmake --build "$build" &&
            cmake --install "$build"
    } >"$build.log" 2>&1; then
        tail -n 40 "$build.log" >&2
        say "the build failed"
        exit 1
    fi
}

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

if [ -n "$source" ]; then
    source=$(cd "$source" && pwd)
    revision=$(git -C "$source" rev-parse --short=12 HEAD 2>/dev/null) ||
        revision=$(printf '%s' "$source" | cksum | cut -d' ' -f1)
    version="upstream.$revision"
    pattern="$cache/boringssl-$version-$id"
else
    version=
    pattern="$cache/boringssl-[0-9]*-$id"
fi

finished "$pattern" && exit 0

# Several build folders may be configured at once: one builds, the others wait for it.
exec 9>"$cache/boringssl.lock"
flock 9
finished "$pattern" && exit 0

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$source" ]; then
    cmake_install "$source" "$work/root" "$work/build" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DBUILD_TESTING=OFF -DCMAKE_C_FLAGS=-fvisibility=hidden -DCMAKE_CXX_FLAGS=-fvisibility=hidden
else
    "$here/fetch.sh" "$work" >&2
    version=$(cat "$work/version")
    cmake_install "$here" "$work/root" "$work/build" -DBORINGSSL_ROOT="$work/source"
    cp "$work/source/NOTICE" "$work/root/"
fi

touch "$work/root/complete"
rm -rf "$cache/boringssl-$version-$id"
mv "$work/root" "$cache/boringssl-$version-$id"
say "kept in $cache/boringssl-$version-$id"
echo "$cache/boringssl-$version-$id"
