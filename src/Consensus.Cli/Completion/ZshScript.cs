using System.Text;

namespace Consensus.Cli.Completion;

/// <summary>The completion script for zsh: as bash's, with what each word is for beside it.</summary>
internal static class ZshScript
{
    private const string Functions =
        """
        # Asks the cluster; quick, and silent when it does not answer.
        _consensusctl_names() {
            local -a endpoints tls
            local -i i
            for (( i = 2; i < CURRENT; i++ )); do
                case ${words[i]} in
                    --) break ;;
                    --endpoints) endpoints=(--endpoints "${(Q)words[i + 1]}") ;;
                    --endpoints=*) endpoints=(--endpoints "${(Q)${words[i]#*=}}") ;;
                    --tls) tls=(--tls "${${(Q)words[i + 1]}/#\~/$HOME}") ;;
                    --tls=*) tls=(--tls "${(Q)${words[i]#*=}}") ;;
                esac
            done
            "${words[1]}" completion members "$@" $endpoints $tls 2>/dev/null </dev/null
        }

        # Offers what comes from one source.
        _consensusctl_values() {
            local list=${1#*:}
            case $1 in
                words:*) compadd -- ${(s:,:)list} ;;
                members) compadd -- ${(f)"$(_consensusctl_names)"} ;;
                joiners) compadd -- ${(f)"$(_consensusctl_names --joining)"} ;;
                files) _files ;;
                directories) _files -/ ;;
            esac
        }

        _consensusctl() {
            local at='' value='' word current=${words[CURRENT]}
            local -i i count=0 line=-1
            local -a subs names opts valued args
            _consensusctl_at ''
            for (( i = 2; i < CURRENT; i++ )); do
                word=${words[i]}
                if (( line >= 0 )); then
                    (( ++line ))
                elif [[ -n $value ]]; then
                    value=''
                elif [[ $word == -- ]]; then
                    line=0
                elif [[ $word == -* ]]; then
                    (( ${valued[(Ie)$word]} )) && value=$word
                elif (( count == 0 && ${names[(Ie)$word]} )); then
                    at="${at:+$at }$word"
                    _consensusctl_at "$at"
                else
                    (( ++count ))
                fi
            done
            if (( line >= 0 )); then
                # A command line of its own: the command's name, then files.
                if (( ${args[(Ie)command]} )); then
                    if (( line == 0 )); then _command_names -e; else _files; fi
                fi
            elif [[ -n $value ]]; then
                _consensusctl_values "$(_consensusctl_value "$at" "$value")"
            elif [[ $current == -*=* ]]; then
                value=${current%%=*}
                compset -P '*='
                _consensusctl_values "$(_consensusctl_value "$at" "$value")"
            elif [[ $current == -* ]]; then
                _describe -o 'option' opts
            else
                if (( count == 0 && $#subs )); then _describe 'command' subs; fi
                _consensusctl_values "${args[count + 1]:-}"
                if [[ -z $current ]] && (( $#subs == 0 && $#args <= count )); then _describe -o 'option' opts; fi
            fi
            return 0
        }

        # Read from a directory of $fpath it is the function itself; sourced, it is bound to the command.
        if [[ $funcstack[1] == _consensusctl ]]; then
            _consensusctl "$@"
        else
            compdef _consensusctl consensusctl
        fi
        """;

    public static string Write(IReadOnlyList<CommandPlace> places)
    {
        var script = new StringBuilder("#compdef consensusctl\n# zsh completion of consensusctl. Load it with: source <(consensusctl completion zsh)\n\n");
        script.Append("# What can follow the command $1: words, options, which of them take a value, and where each argument comes from.\n_consensusctl_at() {\n    case $1 in\n");
        foreach (var place in places)
        {
            var options = place.Options.SelectMany(option => option.Names.Select(name => Described(name, option.Summary)));
            var valued = place.Options.Where(option => option.Value is not null).SelectMany(option => option.Names);
            script.Append($"        '{place.Path}')\n");
            script.Append($"            subs=({string.Join(' ', place.Commands.Select(command => Described(command.Name, command.Summary)))})\n");
            script.Append($"            opts=({string.Join(' ', options)})\n");
            script.Append($"            valued=({string.Join(' ', valued)})\n");
            script.Append($"            args=({string.Join(' ', place.Arguments.Select(BashScript.Source))}) ;;\n");
        }
        script.Append("    esac\n    names=(${subs%%:*})\n}\n\n# Where the value of the command $1's option $2 comes from.\n_consensusctl_value() {\n    case \"$1 $2\" in\n");
        foreach (var (pattern, source) in BashScript.OptionValues(places))
        {
            script.Append($"        '{pattern}') echo '{source}' ;;\n");
        }
        script.Append("    esac\n}\n\n").Append(Functions).Append('\n');
        return script.ToString();
    }

    /// <summary>A word and what it is for, as <c>_describe</c> takes them.</summary>
    private static string Described(string word, string summary) =>
        "'" + $"{word.Replace(":", "\\:", StringComparison.Ordinal)}:{summary}".Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
