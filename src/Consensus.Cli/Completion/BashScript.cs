using System.Text;

namespace Consensus.Cli.Completion;

/// <summary>The completion script for bash, 3.2 and later; it needs nothing beside bash itself.</summary>
internal static class BashScript
{
    /// <summary>
    /// Finds the command that the words so far have chosen, then offers what can stand at the cursor. Names are compared and never evaluated: some come from a server.
    /// </summary>
    private const string Functions =
        """
        # Asks the cluster; quick, and silent when it does not answer.
        _consensusctl_names() {
            local endpoints=() tls=() i
            for (( i = 1; i + 1 < ${#words[@]}; i++ )); do
                case ${words[i]} in
                    --) break ;;
                    --endpoints) endpoints=(--endpoints "${words[i + 1]}") ;;
                    --endpoints=*) endpoints=(--endpoints "${words[i]#*=}") ;;
                    --tls) tls=(--tls "${words[i + 1]/#\~/$HOME}") ;;
                    --tls=*) tls=(--tls "${words[i]#*=}") ;;
                esac
            done
            "${words[0]}" completion members "$@" ${endpoints[@]+"${endpoints[@]}"} ${tls[@]+"${tls[@]}"} 2>/dev/null </dev/null
        }

        # Offers those of the words on standard input, one in a line, that begin as the current one does.
        _consensusctl_offer() {
            local candidate
            while IFS= read -r candidate; do
                [[ -n $candidate && $candidate == "$current"* ]] && COMPREPLY+=("$candidate")
            done
        }

        # Offers what comes from one source.
        _consensusctl_values() {
            local list=${1#*:}
            case $1 in
                words:*) _consensusctl_offer <<<"${list//,/$'\n'}" ;;
                members) _consensusctl_offer < <(_consensusctl_names) ;;
                joiners) _consensusctl_offer < <(_consensusctl_names --joining) ;;
                files) _consensusctl_paths -f ;;
                directories) _consensusctl_paths -d ;;
            esac
        }

        _consensusctl_paths() {
            compopt -o filenames 2>/dev/null
            local candidate
            while IFS= read -r candidate; do
                COMPREPLY+=("$candidate")
            done < <(compgen "$@" -- "$current")
        }

        _consensusctl() {
            COMPREPLY=()
            # Readline also splits words at ':' and '='; here they are whole again.
            local words=() part glue=0 i
            for (( i = 0; i <= COMP_CWORD; i++ )); do
                part=${COMP_WORDS[i]}
                if [[ -n $part && -z ${part//[:=]/} ]] && (( i > 1 )); then
                    words[${#words[@]} - 1]+=$part
                    glue=1
                elif (( glue )); then
                    words[${#words[@]} - 1]+=$part
                    glue=0
                else
                    words+=("$part")
                fi
            done
            local last=$(( ${#words[@]} - 1 ))
            local current=${words[last]}
            local at='' value='' count=0 line=-1 word subcommands options valued arguments
            _consensusctl_at ''
            for (( i = 1; i < last; i++ )); do
                word=${words[i]}
                if (( line >= 0 )); then
                    (( ++line ))
                elif [[ -n $value ]]; then
                    value=''
                elif [[ $word == -- ]]; then
                    line=0
                elif [[ $word == -* ]]; then
                    [[ " $valued " == *" $word "* ]] && value=$word
                elif [[ " $subcommands " == *" $word "* ]] && (( count == 0 )); then
                    at="${at:+$at }$word"
                    _consensusctl_at "$at"
                else
                    (( ++count ))
                fi
            done
            if (( line >= 0 )); then
                # A command line of its own: the command's name, then files.
                if [[ " $arguments " == *' command '* ]]; then
                    if (( line == 0 )); then _consensusctl_paths -c; else _consensusctl_paths -f; fi
                fi
                return 0
            fi
            local whole=$current
            if [[ -n $value ]]; then
                _consensusctl_values "$(_consensusctl_value "$at" "$value")"
            elif [[ $current == -*=* ]]; then
                value=${current%%=*}
                current=${current#*=}
                _consensusctl_values "$(_consensusctl_value "$at" "$value")"
                # Where '=' does not break words, the whole word is replaced.
                if [[ $COMP_WORDBREAKS != *'='* ]]; then
                    COMPREPLY=(${COMPREPLY[@]+"${COMPREPLY[@]/#/$value=}"})
                fi
            elif [[ $current == -* ]]; then
                _consensusctl_offer <<<"${options// /$'\n'}"
            else
                if (( count == 0 )); then _consensusctl_offer <<<"${subcommands// /$'\n'}"; fi
                local sources=($arguments)
                _consensusctl_values "${sources[count]:-}"
                if [[ -z $current && -z $subcommands && ${#sources[@]} -le $count ]]; then
                    _consensusctl_offer <<<"${options// /$'\n'}"
                fi
            fi
            return 0
        }

        complete -F _consensusctl consensusctl
        """;

    public static string Write(IReadOnlyList<CommandPlace> places)
    {
        var script = new StringBuilder("# bash completion of consensusctl. Load it with: source <(consensusctl completion bash)\n\n");
        script.Append("# What can follow the command $1: words, options, which of them take a value, and where each argument comes from.\n_consensusctl_at() {\n    case $1 in\n");
        foreach (var place in places)
        {
            var options = place.Options.SelectMany(option => option.Names);
            var valued = place.Options.Where(option => option.Value is not null).SelectMany(option => option.Names);
            script.Append($"        '{place.Path}')\n");
            script.Append($"            subcommands='{string.Join(' ', place.Commands.Select(command => command.Name))}'\n");
            script.Append($"            options='{string.Join(' ', options)}'\n");
            script.Append($"            valued='{string.Join(' ', valued)}'\n");
            script.Append($"            arguments='{string.Join(' ', place.Arguments.Select(Source))}' ;;\n");
        }
        script.Append("    esac\n}\n\n# Where the value of the command $1's option $2 comes from.\n_consensusctl_value() {\n    case \"$1 $2\" in\n");
        foreach (var (pattern, source) in OptionValues(places))
        {
            script.Append($"        '{pattern}') echo '{source}' ;;\n");
        }
        script.Append("    esac\n}\n\n").Append(Functions).Append('\n');
        return script.ToString();
    }

    public static IEnumerable<(string Pattern, string Source)> OptionValues(IEnumerable<CommandPlace> places) =>
        from place in places
        from option in place.Options
        where option.Value is { Kind: not ValueKind.Free }
        from name in option.Names
        select ($"{place.Path} {name}", Source(option.Value!));

    public static string Source(PlaceValues values) => values.Kind switch
    {
        ValueKind.Words => "words:" + string.Join(',', values.Words),
        ValueKind.File => "files",
        ValueKind.Directory => "directories",
        ValueKind.Member => "members",
        ValueKind.Joiner => "joiners",
        ValueKind.CommandLine => "command",
        _ => "free",
    };
}
