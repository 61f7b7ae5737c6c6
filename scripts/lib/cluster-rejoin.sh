# Sourced by scripts/cluster: brings back a member whose data is lost (docs/membership.md), step by step.

# The members beside NAME that run and pass the test; "any" is the first of them, and is asked to change things.
find_others() { # NAME TEST
    local member
    others=()
    for member in $(members); do
        if [[ $member != "$1" && -n $(running_pid "$member") ]] && "$2" "$member"; then
            others+=("$member")
        fi
    done
    any=${others[0]:-}
}

# Whether so many of the others are ready. They may be electing a leader.
has_ready_others() { # COUNT
    find_others "$name" is_ready
    (( ${#others[@]} >= $1 ))
}

# Prints the id under which NAME is a member, or (joining) under which a process waits; nothing when there is none.
id_of() { # JSON NAME role|peerUrl
    sed -n "s/.*{\"id\":\"\([0-9a-f]*\)\",\"name\":\"$2\",\"$3\":.*/\1/p" <<<"$1" | head -n 1
}

# No answer is not an empty list: whoever took it for one would move the data of a member away.
lists_members() { listed=$(http_get "$any" /v1/cluster) && [[ -n $listed ]]; }
waiting_id() { id_of "$(http_get "$any" /v1/cluster)" "$1" peerUrl; }

# What passes by itself is asked for again: a change that is under way, a leader that is not there yet, a learner that is behind.
change() { # SECONDS METHOD PATH BODY
    local until=$(( SECONDS + $1 ))
    while true; do
        http_send "$2" "$any" "$3" "$4"
        [[ $http_code != 2?? ]] || return 0
        (( SECONDS < until )) || break
        sleep 0.3
    done
    echo "scripts/cluster: $any says: $(field "$http_body" detail) ($http_code)" >&2
    return 1
}

await() { # SECONDS COMMAND…
    local until=$(( SECONDS + $1 ))
    shift
    until "$@"; do
        (( SECONDS < until )) || return 1
        sleep 0.2
    done
}

# The new process is listed under its own id: the one of that name before it may be listed for a few seconds more.
is_listed() {
    local own
    own=$(field "$(http_get "$name" /v1/status)" memberId)
    [[ -n $own && $(waiting_id "$name") == "$own" ]]
}

keep_aside() {
    if [[ -e $dir/$name/data ]]; then
        rm -rf "$dir/$name/data.old"
        mv "$dir/$name/data" "$dir/$name/data.old"
        echo "     what was left of its data is kept in $dir/$name/data.old until the next rejoin"
    fi
}

do_rejoin() {
    local needed=$(( nodes / 2 + 1 )) id listed once_more
    once_more="scripts/cluster rejoin $name$(dir_option)"
    find_others "$name" true
    if (( ${#others[@]} < needed )); then
        die "$name cannot rejoin: without it ${#others[@]} of $nodes members run, and $needed are needed to remove it; nothing was done." \
            "Start the others first, each with: scripts/cluster restart NAME$(dir_option)"
    fi
    await 30 has_ready_others "$needed" \
        || die "$name cannot rejoin: without it only ${#others[@]} of $nodes members are ready, and $needed are needed to remove it; nothing was done. Their logs are in $dir."
    build_server

    if [[ -n $(running_pid "$name") ]]; then
        stop_members "$name"
        echo "1/5  $name is stopped"
    else
        echo "1/5  $name does not run"
    fi
    check_ports_free "$name" 10

    await 15 lists_members || die "$any does not say who the members are; $name is stopped, and nothing else was done. Try again: $once_more"
    id=$(id_of "$listed" "$name" role)
    if [[ -n $id ]]; then
        change 15 DELETE "/v1/cluster/members/$id" "" \
            || die "the old $name ($id) is not removed and keeps its data. Bring it back with it: scripts/cluster restart $name$(dir_option); or try again: $once_more"
        echo "2/5  the old $name ($id) is removed for ever"
    else
        echo "2/5  there is no member $name to remove"
    fi
    keep_aside

    launch "$name"
    await 60 is_listed || {
        has_begun "$name" || died "$name"
        die "$name runs, but does not ask to be added; see $dir/$name/log, and try again: $once_more"
    }
    echo "3/5  $name is started on an empty directory, and asks to be added"

    change 15 POST /v1/cluster/members "{\"name\":\"$name\"}" || die "$name is not added; try again: $once_more"
    wait_ready 120 "$name"
    echo "4/5  $name is added as a learner, and has caught up"

    change 60 PATCH "/v1/cluster/members/$name" '{"role":"voter"}' \
        || die "$name does not vote yet. Let it: consensusctl$(ctl_tls) --endpoints 127.0.0.1:$(client_port "$any") members promote $name; or start over: $once_more"
    echo "5/5  $name votes"
    print_table
}
