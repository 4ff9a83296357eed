#!/bin/sh
# Fetches Debian's source package of BoringSSL from the mirrors this machine already uses
# and unpacks it: DIR/source, its version in DIR/version.
#
#   fetch.sh DIR
#
# Debian machines rarely list deb-src. Rather than change the system's lists we derive a
# private one from them, with lists and cache of its own, which needs no privileges. The
# archive's signatures are checked by apt as always.
set -eu

package=android-platform-external-boringssl
dir=$1
say() { echo "boringssl: $*"; }

mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/download"
for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    # deb822: keep the stanzas signed by Debian's own archive keys (third-party ones
    # would cost time and may not answer), with Types turned to deb-src.
    awk 'BEGIN { RS = ""; ORS = "\n\n" }
         /(^|\n)Enabled:[ \t]*no/ { next }
         /debian-archive-|(^|\n)URIs:[^\n]*\/debian(-security)?(\/[0-9TZ]+)?\/?([ \t\n]|$)/ {
             out = ""
             count = split($0, line, "\n")
             for (i = 1; i <= count; i++) {
                 if (line[i] ~ /^#/) continue
                 if (line[i] ~ /^Types:/) line[i] = "Types: deb-src"
                 out = out line[i] "\n"
             }
             print out
         }' "$file" >"$dir/apt/parts/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -e "$file" ] || continue
    sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+((\[[^]]*\][[:space:]]+)?[^[:space:]]+\/debian(-security)?(\/[0-9TZ]+)?\/?[[:space:]].*)$/deb-src \2/p' \
        "$file" | sort -u >>"$dir/apt/parts/classic.list"
done

private_apt_get() {
    apt-get -q -y -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$dir/apt/parts" \
        -o Dir::State::Lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User="$(id -un)" "$@"
}

say "reading the source index of this machine's Debian mirror"
# One list that does not answer is no reason to give up: the package may be in another.
private_apt_get update >"$dir/apt/log" 2>&1 || true
say "fetching $package"
cd "$dir/download"
if ! {
    private_apt_get source --download-only "$package" &&
        dpkg-source --no-check -x ./*.dsc "$dir/source"
} >>"$dir/apt/log" 2>&1; then
    cat "$dir/apt/log"
    say "no source package from this machine's mirrors (see above); -DBORINGSSL_SOURCE=DIR takes a checkout"
    exit 1
fi
sed -n 's/^Version: //p' ./*.dsc | head -n 1 >"$dir/version"
rm -rf "$dir/download" "$dir/apt"
