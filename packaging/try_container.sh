#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# packaging/try_container.sh [BUILD OPTION ...]: builds the container and tries what docs/install.md says of it, on the
# processor. Needs podman, catatonit (for --init) and openssl. Leaves the image maskedit-trial: the next time is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=maskedit-trial
scratch="$(mktemp -d)"

clean_up() {
    podman rm --force --time 0 "$name" >/dev/null 2>&1 || true
    podman volume rm --force "$name" >/dev/null 2>&1 || true
    podman secret rm "$name-cert" "$name-key" "$name-token" >/dev/null 2>&1 || true
    rm -rf "$scratch"
}

fail() {
    printf '✗ %s\n' "$1" >&2
    podman logs "$name" 2>&1 | tail -5 >&2
    exit 1
}

holds() { # WORDS COMMAND ...
    "${@:2}" >"$scratch/said" 2>&1 || fail "$1: $(tail -1 "$scratch/said")"
    printf '✓ %s\n' "$1"
}

inside() { podman exec "$name" "$@"; }
over_tls() { inside "$@" --server localhost:50443 --tls-ca /tls/cert.pem; }
stranger() { over_tls env --unset=MASKEDIT_TOKEN MASKEDIT_DATA_DIR=/tmp maskedit jobs list; }
stranger_is_refused() { (set +o pipefail && stranger 2>&1 | grep "refused the token"); }
has_a_job() { over_tls maskedit jobs list | grep succeeded; }
is_healthy() { podman healthcheck run "$name"; }

serves() {
    for _ in $(seq 60); do
        is_healthy && return
        sleep 1
    done
    return 1
}

stops_in_time() {
    local began=$SECONDS
    podman stop "$name" && [ $((SECONDS - began)) -lt 15 ] || return
    [ "$(podman inspect --format '{{.State.ExitCode}}' "$name")" = 0 ]
}

orphans_are_reaped() {
    inside sh -c '(sleep 0.1 & exec true); sleep 1; ! grep -l "^State:.Z" /proc/[0-9]*/status'
}

trap clean_up EXIT
podman build "$@" --file packaging/Containerfile --tag "$name" .

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$name" \
    -addext subjectAltName=DNS:localhost -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>/dev/null
podman secret create "$name-cert" "$scratch/cert.pem" >/dev/null
podman secret create "$name-key" "$scratch/key.pem" >/dev/null
openssl rand -hex 32 | tr -d '\n' | podman secret create "$name-token" - >/dev/null
podman run --detach --name "$name" --init --read-only --cap-drop all --stop-timeout 20 --volume "$name:/data" \
    --secret "$name-cert,target=/tls/cert.pem,uid=1000,mode=0400" \
    --secret "$name-key,target=/tls/key.pem,uid=1000,mode=0400" \
    --secret "$name-token,type=env,target=MASKEDIT_TOKEN" \
    --health-cmd 'maskedit jobs list --limit 1 --server localhost:50443 --tls-ca /tls/cert.pem' \
    --health-timeout 10s "$name" >/dev/null

holds "it serves, and the health check says so" serves
holds "who has no token is refused" stranger_is_refused
holds "nobody is root in it" inside sh -c '[ "$(id -u)" = 1000 ] && [ "$(stat -c %u /data)" = 1000 ]'
holds "nothing but /data and /tmp can be written to" inside sh -c '! touch /x && ! touch ~/x && touch /data/x /tmp/x'
holds "what a dead process leaves is reaped" orphans_are_reaped
holds "doctor is content" inside maskedit doctor
holds "it edits" over_tls maskedit demo --preset draft --out /tmp/demo
holds "SIGTERM stops it in time" stops_in_time
podman start "$name" >/dev/null
holds "it serves again" serves
holds "its job is still there" has_a_job
podman kill "$name" >/dev/null
podman start "$name" >/dev/null
holds "it serves again after SIGKILL" serves
podman image inspect --format 'The image takes {{.Size}} bytes.' "$name"
