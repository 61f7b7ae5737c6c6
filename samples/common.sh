# Sourced by the samples: a cluster to talk to, the programs, and an end that leaves nothing behind. Linux, bash, and the .NET SDK of global.json.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
configuration=${CONSENSUS_CONFIGURATION:-Release}
work=$(mktemp -d)
started=()
own_cluster=no

say() { printf '\n# %s\n' "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

finish() {
    local code=$? pid
    trap - EXIT INT TERM
    for pid in ${started[@]+"${started[@]}"}; do
        kill -CONT "$pid" 2>/dev/null || true
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    if [[ $own_cluster == yes ]]; then
        "$root/scripts/cluster" stop --dir "$work/cluster" >/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# build PROJECT…: of this repository; CONSENSUS_BUILT=1 says that they are there.
build() {
    local project
    [[ ${CONSENSUS_BUILT:-} == 1 ]] && return
    for project; do
        dotnet build -c "$configuration" -nodeReuse:false -v quiet -clp:NoSummary "$root/$project" >&2
    done
}

# The cluster that CONSENSUS_ENDPOINTS names; else three members on this machine, on ports from 17379 on, for as long as the sample runs.
use_cluster() {
    build src/Consensus.Cli
    if [[ -z ${CONSENSUS_ENDPOINTS:-} ]]; then
        own_cluster=yes
        "$root/scripts/cluster" start --dir "$work/cluster" --base-port 17379 >&2
        export CONSENSUS_ENDPOINTS=http://127.0.0.1:17379,http://127.0.0.1:17479,http://127.0.0.1:17579
    fi
}

consensusctl() { dotnet "$root/src/Consensus.Cli/bin/$configuration/net10.0/consensusctl.dll" "$@"; }

# The bundle that CONSENSUS_TLS names, where the endpoints are https: who this is, and whom to believe.
[[ -z ${CONSENSUS_TLS:-} ]] || export CONSENSUSCTL_TLS=$CONSENSUS_TLS
curl() { command curl ${CONSENSUS_TLS:+--cacert "$CONSENSUS_TLS" --cert "$CONSENSUS_TLS"} "$@"; }

# until_true WHAT COMMAND…: tries again and again, for a minute.
until_true() {
    local what=$1 deadline=$(( SECONDS + 60 ))
    shift
    until "$@"; do
        (( SECONDS < deadline )) || fail "not within a minute: $what"
        sleep 0.1
    done
}
