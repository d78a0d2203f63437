#!/bin/sh
# Prints the version for `rackui --version`: `0.1.0 (4f2c1aa9d0be)`, with `+` behind the commit where tracked files differ
# from it. Outside of a repository, or without git, the number alone.
cd "$(dirname "$0")/.." || exit 1
version=$(node -p 'require("./package.json").version') || exit 1
# A repository above this directory is somebody else's.
commit=
[ ! -e .git ] || commit=$(git describe --always --exclude='*' --abbrev=12 --dirty=+ 2>/dev/null)
echo "$version${commit:+ ($commit)}"
