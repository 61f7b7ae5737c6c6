#!/usr/bin/env bash
# Two workers stand for election; the one that leads is killed with -9, and the other takes over.
. "$(dirname "$0")/../common.sh"
use_cluster
build samples/leader-elected-worker/LeaderElectedWorker.csproj

declare -A pid_of
for name in worker-1 worker-2; do
    dotnet "$root/samples/leader-elected-worker/bin/$configuration/net10.0/LeaderElectedWorker.dll" "$name" >>"$work/log" &
    pid_of[$name]=$!
    started+=($!)
done

works() { grep -q "^$1: step" "$work/log"; }
somebody_works() { works worker-1 || works worker-2; }
waits() { consensusctl elect show samples/worker | grep -q "waits"; }

until_true "somebody works" somebody_works
until_true "the other waits" waits
say "who leads, and who waits"
consensusctl elect show samples/worker

if works worker-1; then first=worker-1 second=worker-2; else first=worker-2 second=worker-1; fi
say "kill -9 $first"
kill -9 "${pid_of[$first]}"
until_true "$second works" works "$second"

say "$second is asked to stop, resigns, and nobody leads"
kill "${pid_of[$second]}"
wait "${pid_of[$second]}" || fail "$second ended with exit code $?"
if consensusctl elect show samples/worker 2>/dev/null; then fail "somebody still leads"; fi
consensusctl kv get samples/worker/progress

say "what they said"
cat "$work/log"
grep -q "^$second: stops" "$work/log" || fail "$second did not stop by itself"
