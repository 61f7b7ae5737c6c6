using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary>The leaders of an election, one after the other, each on a line. A watch that begins anew begins with the present one, who may be the one told last: nothing changed then.</summary>
internal sealed class LeaderLines(CommandSession session)
{
    private bool _hasBegun;
    private (string? Leader, string? Value, long? Token)? _last;

    public EventLines Lines { get; } = new(session.Environment, ("REVISION", 8), ("LEADER", 24), ("VALUE", 24), ("TOKEN", 0));

    public void Show(WatchMessage message)
    {
        if (session.Format != OutputFormat.Json && !_hasBegun)
        {
            Lines.WriteHeadings();
            _hasBegun = true;
        }
        if (message is not WatchLeader { Election: var now } || _last == (now.Leader, now.Value, now.FencingToken))
        {
            return;
        }
        _last = (now.Leader, now.Value, now.FencingToken);
        if (session.Format == OutputFormat.Json)
        {
            Lines.WriteJson(now.Leader is null ? "none" : "leader", JsonNode.Parse(message.Json)!.AsObject());
            return;
        }
        var token = now.FencingToken is { } number ? Plain.Number(number) : null;
        Lines.Write(Plain.Number(now.Revision), now.Leader ?? "(nobody)", now.Value, token);
    }
}
