#!/bin/sh
# Builds the native kernels: build.sh TARGET
# writes TARGET/<os>-<arch>/libbitnet_kernels.so for this machine's platform, and on Linux for the other
# of x86_64 and aarch64 if its cross compiler (aarch64-linux-gnu-gcc, x86_64-linux-gnu-gcc) is there. A
# library that is newer than every source here is kept. Without a C compiler the build of the toolkit
# continues: the kernels in Java remain.
set -eu
target=$1
cd "$(dirname "$0")"

skip() {
  echo "native kernels: $1; the build continues without them"
  exit 0
}

# Only what a set's file is named for may be used in it: dispatch.c runs on every processor.
flags() {
  case $1 in
    avx2) echo "-mavx2 -mfma -mf16c" ;;
    avx512vnni) echo "-mavx512f -mavx512bw -mavx512vl -mavx512vnni -mfma -mf16c" ;;
    amx) echo "$(flags avx512vnni) -mamx-tile -mamx-int8" ;;
    neon) echo "-march=armv8.2-a+dotprod" ;;
    dispatch) ;;
  esac
}

knows() {
  "$compiler" "$@" -fsyntax-only dispatch.c > /dev/null 2>&1
}

compile() {
  source=$1
  shift
  # shellcheck disable=SC2046
  "$compiler" -std=gnu11 -O3 -ffp-contract=off $keep_order -fno-math-errno \
    -fPIC -fvisibility=hidden -Wall -Wextra \
    $(flags "$source") "$@" -c "$source.c" -o "$objects/$source.o"
}

# build OS ARCH: with $compiler; in a subshell, so that skip ends this platform only
build() (
  os=$1 arch=$2
  library=$target/$os-$arch/libbitnet_kernels.so
  if [ -f "$library" ] && [ -z "$(find . -newer "$library")" ]; then
    exit 0
  fi
  case $arch in
    x86_64) sets="avx2 avx512vnni" ;;
    aarch64) sets=neon ;;
  esac
  rm -f "$library" # it would not fit the changed sources
  objects=$(mktemp -d)
  trap 'rm -rf "$objects"' EXIT

  # Products must round as in Java, so no contraction. GCC would reorder sums, which then do not fit
  # the registers; clang does not know that flag.
  keep_order=-fno-tree-reassoc
  knows $keep_order || keep_order=

  # dispatch.c asks Linux for AMX, no other system; compilers learned it late.
  with_amx=
  if [ "$os-$arch" = linux-x86_64 ] && knows -mamx-tile -mamx-int8; then
    sets="$sets amx" with_amx=-DWITH_AMX
  fi

  for source in $sets; do
    compile "$source" || skip "$compiler cannot compile $source.c"
  done
  compile dispatch $with_amx || skip "$compiler cannot compile dispatch.c"
  "$compiler" -shared "$objects"/*.o -o "$objects/library" || skip "$compiler cannot link"
  mkdir -p "$(dirname "$library")"
  mv "$objects/library" "$library"
  echo "native kernels: built $os-$arch ($sets) with $compiler"
)

case $(uname -s) in
  Linux) os=linux ;;
  Darwin) os=macos ;;
  *) skip "no build for $(uname -s)" ;;
esac
case $(uname -m) in
  x86_64 | amd64) arch=x86_64 other=aarch64 ;;
  aarch64 | arm64) arch=aarch64 other=x86_64 ;;
  *) skip "no instruction set of $(uname -m) is supported" ;;
esac

compiler=
for candidate in "${CC:-cc}" gcc clang; do
  if command -v "$candidate" > /dev/null 2>&1; then
    compiler=$candidate
    break
  fi
done
if [ -n "$compiler" ]; then
  build "$os" "$arch"
else
  echo "native kernels: no C compiler (cc, gcc, clang) found; the build continues without them"
fi

cross=$other-linux-gnu-gcc
if [ "$os" = linux ] && command -v "$cross" > /dev/null 2>&1; then
  compiler=$cross
  build linux "$other"
fi
