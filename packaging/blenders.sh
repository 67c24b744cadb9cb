# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by `./run test`: the Blenders that the tests drive, shared by all checkouts, in
#   ${MASKEDIT_TEST_BLENDERS:-~/.cache/maskedit-blenders}/VERSION   bpy in an environment of its own; `ready` when whole
#   …/tools-311, …/tools-313                                        what tests inside Blender import beside it

blenders="${MASKEDIT_TEST_BLENDERS:-${XDG_CACHE_HOME:-$HOME/.cache}/maskedit-blenders}"
blender_tools=(grpcio protobuf typing_extensions pytest pluggy iniconfig packaging pygments hypothesis sortedcontainers av)
# A Blender takes a gigabyte; this much has to be left for the work.
gigabytes_to_spare=5

# A Python of exactly this version that can make environments, or nothing.
python_of_version() {
    local candidate
    for candidate in "python$1" python3 "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$candidate" -c "import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

# `fetch WHAT COMMAND ...`: silent, or one sentence with what the command said last.
fetch() {
    local output
    output="$("${@:2}" 2>&1)" || fail "$1 cannot be fetched: see that the package index answers and the disk has room, \
then run this again ($(tail -n 1 <<<"$output"))."
}

install_blender() {
    local version="$1" python="$2" folder="$blenders/$1"
    [ ! -e "$folder/ready" ] || return 0
    echo "Fetching Blender $version for the tests (once for all checkouts; 400 MB)" >&2
    "$python" -m venv --clear "$folder"
    fetch "Blender $version" "$folder/bin/python" -m pip install --quiet --no-cache-dir --only-binary=:all: "bpy==$version"
    touch "$folder/ready"
}

# `install_blender_tools BLENDER FOLDER`: anew whenever a pin has changed.
install_blender_tools() {
    local python="$blenders/$1/bin/python" folder="$blenders/$2" pins
    pins="$(grep -iE "^($(IFS='|' && echo "${blender_tools[*]}"))==" "$root/packaging/constraints.txt")"
    [ "$(cat "$folder/pins" 2>/dev/null)" != "$pins" ] || return 0
    rm -rf "$folder.new" "$folder.old"
    # shellcheck disable=SC2086
    fetch "What tests inside Blender need" "$python" -m pip install --quiet --no-deps --only-binary=:all: \
        --target "$folder.new" $pins
    echo "$pins" >"$folder.new/pins"
    [ ! -e "$folder" ] || mv "$folder" "$folder.old"
    mv "$folder.new" "$folder"
    rm -rf "$folder.old"
}

has_room() {
    [ "$(df --output=avail --block-size=1G "$blenders" | tail -n 1)" -gt "$gigabytes_to_spare" ]
}

install_blenders() {
    local python
    mkdir -p "$blenders"
    # Two checkouts may come at once: the second waits, then finds everything done.
    exec 8>"$blenders/lock"
    flock 8
    python="$(python_of_version 3.11)"
    if [ -z "$python" ]; then
        install_system_packages python3.11 python3.11-venv
        python="$(python_of_version 3.11)"
    fi
    install_blender 4.5.15 "$python"
    install_blender 5.0.1 "$python"
    if has_room; then
        install_blender 4.2.23 "$python"
    fi
    install_blender_tools 4.5.15 tools-311
    python="$(python_of_version 3.13)"
    if [ -n "$python" ] && has_room; then
        install_blender 5.2.3 "$python"
    fi
    if [ -e "$blenders/5.2.3/ready" ]; then
        install_blender_tools 5.2.3 tools-313
    fi
    exec 8>&-
}

# Blender with its window, on a screen that nobody sees.
install_blender_window() {
    if type blender xvfb-run import xdotool >/dev/null 2>&1; then
        return
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "The tests of Blender's window are left out: they need blender, xvfb, imagemagick and xdotool." >&2
        return
    fi
    install_system_packages blender xvfb imagemagick xdotool || fail \
        "Blender's window cannot be fetched: see that the system's packages can be had, then run this again."
}
