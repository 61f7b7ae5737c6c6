#!/usr/bin/env bash
# The classic failure of a lock: its holder is paused between its last look at the lock and its write, for longer than the lock lives. First without fencing tokens: an update
# is lost. Then with them: the store refuses the late write.
. "$(dirname "$0")/../common.sh"
use_cluster
build samples/fenced-writer/FencedWriter.csproj

writer() { dotnet "$root/samples/fenced-writer/bin/$configuration/net10.0/FencedWriter.dll" "$@"; }
is_stopped() { [[ $(sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f1) == T ]]; }
balance() { cut -d' ' -f1 "$work/$1"; }

# episode FILE [fenced]: alice adds 10 and is paused before she writes; bob adds 50 meanwhile. Leaves alice's exit code in $late.
episode() {
    local file=$work/$1 mode=${2:-} alice
    writer setup "$file" 100 $mode
    # No shell between: the process that stops is the one that is waited for.
    dotnet "$root/samples/fenced-writer/bin/$configuration/net10.0/FencedWriter.dll" alice "$file" 10 $mode pause &
    alice=$!
    started+=("$alice")
    until_true "alice is paused" is_stopped "$alice"
    echo "(alice is paused; her lock runs out)"
    writer bob "$file" 50 $mode
    echo "(alice goes on)"
    kill -CONT "$alice"
    late=0
    wait "$alice" || late=$?
}

say "without fencing tokens: 100 + 10 + 50 should be 160"
episode without
echo "balance: $(balance without)"
[[ $late -eq 0 && $(balance without) -eq 110 ]] || fail "the failure did not show"
echo "bob's 50 are lost: both held \"the lock\", and the later write knew nothing of the earlier one."

say "with fencing tokens"
episode with fenced
echo "balance: $(balance with)"
[[ $late -eq 3 && $(balance with) -eq 150 ]] || fail "the stale write was not refused"
echo "alice's stale write was refused; she starts over:"
writer alice "$work/with" 10 fenced
echo "balance: $(balance with)"
[[ $(balance with) -eq 160 ]] || fail "the balance is wrong"
