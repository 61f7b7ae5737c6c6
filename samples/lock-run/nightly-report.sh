#!/usr/bin/env bash
# A job that must never run twice at a time. Usage: nightly-report.sh HOST DIRECTORY
set -euo pipefail
host=$1 directory=$2

# Only to show it: had another copy been at work, this would fail.
mkdir "$directory/at-work" || { echo "$host: another copy is at work"; exit 1; }
echo "$host: begins, lock $CONSENSUS_LOCK, fencing token $CONSENSUS_FENCING_TOKEN"
sleep "${WORK_SECONDS:-1}"
echo "$host $CONSENSUS_FENCING_TOKEN" >>"$directory/report"
echo "$host: done"
rmdir "$directory/at-work"
