#!/usr/bin/env bash
# Every primitive of the HTTP API with curl alone: each request is shown with its answer, and must have the status that is expected.
. "$(dirname "$0")/../common.sh"
use_cluster
base=${CONSENSUS_ENDPOINTS%%,*}
base=${base%/}

# ask STATUS METHOD PATH [CURL ARGUMENT…]: leaves the body in $answer.
ask() {
    local expected=$1 method=$2 path=$3 status shown='' argument
    shift 3
    for argument; do
        # As one would type it.
        if [[ $argument == *[!A-Za-z0-9_./:=-]* ]]; then shown+=" '$argument'"; else shown+=" $argument"; fi
    done
    printf '\n$ curl -X %s%s %s\n' "$method" "$shown" "'$base$path'"
    status=$(curl -sS --max-time 30 -o "$work/answer" -w '%{http_code}' -X "$method" "$@" "$base$path")
    answer=$(<"$work/answer")
    printf '%s %s\n' "$status" "$answer"
    [[ $status == "$expected" ]] || fail "$expected was expected"
}

# field NAME: a number or a string of the last answer.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$answer" | head -1; }

# follow FILE PATH: an event stream in the background; returns when it has begun.
follow() {
    printf '\n$ curl -N -H '\''Accept: text/event-stream'\'' %s &\n' "'$base$2'"
    curl -sS -N --max-time 60 -H 'Accept: text/event-stream' "$base$2" >"$work/$1" &
    started+=($!)
    until_true "the stream of $2 begins" grep -q '^event: ' "$work/$1"
}

say "keys: put, get, compare-and-set, delete"
ask 200 PUT /v1/kv/samples/curl/greeting --data-binary hello
revision=$(field modRevision)
ask 200 GET /v1/kv/samples/curl/greeting
ask 200 GET /v1/kv/samples/curl/greeting -H 'Accept: application/octet-stream'
ask 200 PUT /v1/kv/samples/curl/greeting -H "If-Match: \"$revision\"" --data-binary 'hello again'
ask 412 PUT /v1/kv/samples/curl/greeting -H "If-Match: \"$revision\"" --data-binary 'too late'
ask 412 PUT /v1/kv/samples/curl/greeting -H 'If-None-Match: *' --data-binary 'only if absent'
ask 200 GET "/v1/kv/samples/curl/greeting?revision=$revision"
ask 200 GET '/v1/kv/?prefix=samples/curl/&keysOnly=true'

say "a write that is sent twice is done once"
ask 200 PUT /v1/kv/samples/curl/once -H "Idempotency-Key: $RANDOM$RANDOM$RANDOM" --data-binary 1
once=$(field modRevision)
ask 200 GET /v1/kv/samples/curl/once
[[ $(field modRevision) == "$once" ]] || fail "it was written again"

say "a transaction: both keys or neither"
ask 200 POST /v1/txn -d '{"compare":[{"key":"samples/curl/once","target":"exists","operand":true}],"success":[{"put":{"key":"samples/curl/a","value":"1"}},{"put":{"key":"samples/curl/b","value":"2"}}],"failure":[{"get":{"key":"samples/curl/once"}}]}'
[[ $(field succeeded) == true ]] || fail "the compare held"

say "a watch: changes as they come"
follow changes '/v1/kv/?prefix=samples/curl/'
ask 200 PUT /v1/kv/samples/curl/a --data-binary 3
ask 200 DELETE '/v1/kv/?prefix=samples/curl/'
until_true "the deletion is told" grep -q '^event: changes' "$work/changes"
cat "$work/changes"

say "a lease: its keys go when nobody renews it, or when it is revoked"
ask 201 POST /v1/leases -d '{"ttl":"15s"}'
lease=$(field id)
ask 200 PUT "/v1/kv/samples/curl/alive?lease=$lease" --data-binary yes
ask 200 POST "/v1/leases/$lease/keepalive"
ask 200 GET "/v1/leases/$lease"
ask 200 DELETE "/v1/leases/$lease"
ask 404 GET /v1/kv/samples/curl/alive
ask 410 POST "/v1/leases/$lease/keepalive"

say "a lock: granted with a fencing token, renewed, waited for, released"
ask 200 POST /v1/locks/samples/curl -d '{"owner":"alice","ttl":"15s"}'
token=$(field fencingToken)
ask 409 POST /v1/locks/samples/curl -d '{"owner":"bob","ttl":"15s"}'
ask 200 PUT /v1/locks/samples/curl -d "{\"fencingToken\":$token}"
printf '\n(bob waits; alice releases)\n'
curl -sS --max-time 60 -X POST -d '{"owner":"bob","ttl":"15s","wait":"30s"}' "$base/v1/locks/samples/curl" >"$work/bob" &
bob=$!
started+=("$bob")
waits() { curl -sS "$base/v1/locks/samples/curl" | grep -q '"owner":"bob","position":1'; }
until_true "bob waits" waits
ask 204 DELETE "/v1/locks/samples/curl?fencingToken=$token"
wait "$bob"
answer=$(<"$work/bob")
printf '%s\n' "$answer"
later=$(field fencingToken)
(( later > token )) || fail "tokens rise"
ask 412 PUT /v1/locks/samples/curl -d "{\"fencingToken\":$token}"

say "a guarded write: done only by who holds the lock now"
ask 200 POST /v1/txn -d "{\"compare\":[{\"lock\":\"samples/curl\",\"fencingToken\":$token}],\"success\":[{\"put\":{\"key\":\"samples/curl/guarded\",\"value\":\"stale\"}}]}"
[[ $(field succeeded) == false ]] || fail "alice holds it no more"

say "a fence, for a store that cannot compare tokens itself"
ask 200 PUT /v1/fences/samples/curl -d "{\"fencingToken\":$later}"
ask 412 PUT /v1/fences/samples/curl -d "{\"fencingToken\":$token}"
ask 200 GET /v1/fences/samples/curl
ask 204 DELETE "/v1/locks/samples/curl?fencingToken=$later"

say "a shared lock: readers beside each other"
ask 200 POST /v1/locks/samples/curl-readers -d '{"owner":"r1","ttl":"15s","mode":"shared"}'
first=$(field fencingToken)
ask 200 POST /v1/locks/samples/curl-readers -d '{"owner":"r2","ttl":"15s","mode":"shared"}'
ask 204 DELETE "/v1/locks/samples/curl-readers?fencingToken=$(field fencingToken)"
ask 204 DELETE "/v1/locks/samples/curl-readers?fencingToken=$first"

say "several locks at once, or none"
ask 200 POST /v1/multilock -d '{"names":["samples/curl/from","samples/curl/to"],"owner":"alice","ttl":"15s"}'
lease=$(field lease)
ask 409 POST /v1/multilock -d '{"names":["samples/curl/other","samples/curl/to"],"owner":"bob","ttl":"15s"}'
ask 200 DELETE "/v1/leases/$lease"

say "a semaphore: two permits"
ask 200 POST /v1/semaphores/samples/curl -d '{"owner":"a","permits":2,"ttl":"15s"}'
first=$(field fencingToken)
ask 200 POST /v1/semaphores/samples/curl -d '{"owner":"b","permits":2,"ttl":"15s"}'
second=$(field fencingToken)
ask 409 POST /v1/semaphores/samples/curl -d '{"owner":"c","permits":2,"ttl":"15s"}'
ask 204 DELETE "/v1/semaphores/samples/curl?fencingToken=$first"
ask 204 DELETE "/v1/semaphores/samples/curl?fencingToken=$second"

say "an election: lead, proclaim, resign, while somebody observes"
ask 200 POST /v1/elections/samples/curl -d '{"candidate":"host-1","value":"http://host-1","ttl":"15s"}'
token=$(field fencingToken)
follow leaders /v1/elections/samples/curl
ask 200 PUT /v1/elections/samples/curl -d "{\"fencingToken\":$token,\"value\":\"http://host-1:8080\"}"
ask 200 GET /v1/elections/samples/curl
ask 204 DELETE "/v1/elections/samples/curl?fencingToken=$token"
ask 404 GET /v1/elections/samples/curl
until_true "the resignation is told" grep -q '^event: none' "$work/leaders"
cat "$work/leaders"

say "the cluster"
ask 200 GET /v1/cluster
ask 200 GET /v1/status
ask 200 GET '/readyz?verbose'
say "done: every request was answered as expected"
