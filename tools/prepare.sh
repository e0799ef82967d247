#!/bin/sh
# What the targets of the Makefile need before they begin; runs in the root of the clone. What does not work ends with
# one line that says what to do.
#
#   prepare.sh environment DIRECTORY PYTHON PACKAGE…   makes a virtual environment with these packages; PYTHON: '' for any
#   prepare.sh install DIRECTORY STAMP ARGUMENT…       runs `pip install ARGUMENT…` in it, then touches STAMP
#   prepare.sh browser                                 finds or installs a Chromium for the tests of the console
#   prepare.sh package COMMAND PACKAGE                 installs Debian's PACKAGE unless its COMMAND is there
set -u

fail() {
    echo "$*" >&2
    exit 1
}

pip() {
    "$directory/bin/python" -m pip --quiet --disable-pip-version-check "$@" ||
        fail "pip does not get what it needs, see above: run make again when it reaches its package index"
}

# The version of the Python $1; fails if it is too old, or none.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The Python that $1 names, or the first that is new enough if $1 is empty.
choose_python() {
    [ -n "$1" ] || set -- python3 python3.13 python3.12 python3.11
    for python; do
        ! version_of "$python" >/dev/null || return 0
    done
    version=$(version_of "$1")
    fail "Python 3.11 or newer is needed, and $1 is ${version:-missing}: name one with make PYTHON=/path/to/it"
}

# The file .made holds the version of Python and the place of the clone: if they are others, or an installation was
# interrupted, the environment is made anew. Otherwise .made stays as old as it is.
environment() {
    directory=$1
    wanted=$2
    shift 2
    made=$(version_of "$directory/bin/python")
    if [ "$(cat "$directory/.made" 2>/dev/null)" = "$made $PWD" ]; then
        [ -n "$wanted" ] && [ "$(version_of "$wanted")" != "$made" ] || return 0
    fi
    choose_python "$wanted"
    [ -w . ] || fail "this account cannot write to $PWD: clone into a directory of its own"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no ensurepip: install it (Debian: apt-get install python3-venv)"
    echo "Making a virtual environment in $directory …"
    { rm -rf "$directory" && "$python" -m venv "$directory"; } ||
        fail "$PWD/$directory cannot be made, see above: remove it with the account that owns it"
    pip install --upgrade "$@"
    echo "$(version_of "$python") $PWD" > "$directory/.made"
}

# While pip runs, and after it was interrupted, the environment does not count as made.
install() {
    directory=$1
    stamp=$2
    shift 2
    trap 'exit 130' INT TERM HUP
    mv "$directory/.made" "$directory/.unfinished"
    (pip install "$@")
    status=$?
    mv "$directory/.unfinished" "$directory/.made"
    [ $status = 0 ] || exit 1
    touch "$stamp"
}

browser() {
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        ! command -v "$name" >/dev/null || return 0
        [ -z "${CHROMIUM:-}" ] || fail "CHROMIUM is $name, which cannot be run: set it to the path of a Chromium"
    done
    if ! can_install; then
        fail "The tests of the console need Chromium: have it installed, or make test CHROMIUM=/path/to/a/chromium"
    fi
    debian_install chromium ||
        fail "Chromium was not installed, see above: install it, or make test CHROMIUM=/path/to/a/chromium"
}

package() {
    ! command -v "$1" >/dev/null || return 0
    can_install || fail "The tests need $1: have Debian's package $2 installed"
    debian_install "$2" || fail "The package $2 was not installed, see above: install it"
}

can_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

debian_install() {
    echo "Installing $1 …"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

"$@"
