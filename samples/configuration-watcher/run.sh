#!/usr/bin/env bash
# A program follows its configuration while somebody changes it.
. "$(dirname "$0")/../common.sh"
use_cluster
build samples/configuration-watcher/ConfigurationWatcher.csproj

consensusctl kv delete --prefix samples/config/ >/dev/null
consensusctl kv put samples/config/colour blue >/dev/null
dotnet "$root/samples/configuration-watcher/bin/$configuration/net10.0/ConfigurationWatcher.dll" samples/config/ >"$work/log" &
watcher=$!
started+=("$watcher")
told() { grep -qxF "settings: $1" "$work/log"; }

until_true "the settings are read" told "colour=blue"
say "a change: size=3"
consensusctl kv put samples/config/size 3
until_true "the change is told" told "colour=blue size=3"

say "two changes in one transaction: the program sees both or neither"
consensusctl txn - <<'JSON'
{"success":[{"put":{"key":"samples/config/colour","value":"red"}},{"put":{"key":"samples/config/size","value":"4"}}]}
JSON
until_true "the transaction is told" told "colour=red size=4"

say "a setting goes"
consensusctl kv delete samples/config/size
until_true "the deletion is told" told "colour=red"

kill "$watcher"
wait "$watcher" || fail "the watcher ended with exit code $?"
say "what the program said"
cat "$work/log"
if grep -qxF "settings: colour=red size=3" "$work/log"; then fail "half of a transaction was seen"; fi
