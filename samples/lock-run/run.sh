#!/usr/bin/env bash
# Three hosts start the same job at the same time; the lock lets one after the other do it.
. "$(dirname "$0")/../common.sh"
here=$(cd "$(dirname "$0")" && pwd)
use_cluster

say "three hosts run: consensusctl lock run samples/reports/nightly -- nightly-report.sh"
for host in host-1 host-2 host-3; do
    consensusctl lock run samples/reports/nightly --owner "$host" -- "$here/nightly-report.sh" "$host" "$work" &
    started+=($!)
done
for pid in "${started[@]}"; do
    wait "$pid" || fail "a job ended with exit code $?"
done
started=()

say "what they wrote: a host and its token in each line"
cat "$work/report"
[[ $(wc -l <"$work/report") -eq 3 ]] || fail "three reports were to be there"
cut -d' ' -f2 "$work/report" | sort -n -c || fail "tokens rise with each grant"
say "the lock is free again"
consensusctl lock show samples/reports/nightly
