using Consensus.Node;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Commands;

/// <summary>Hands commands to the node, with the identity under which the caller may retry them.</summary>
internal sealed class CommandRunner(IConsensusNode node)
{
    /// <summary>Until access control exists, every caller is the same nobody.</summary>
    private const string Principal = "";

    /// <param name="body">The request's body as sent: part of its fingerprint.</param>
    /// <param name="aborted">Only for lock requests: their place in the queue lives as long as the connection.</param>
    public ValueTask<CommandAnswer> ExecuteAsync(
        ApiCall call, RequestIdentity identity, ReadOnlySpan<byte> body, Command command, CancellationToken aborted = default)
    {
        var envelope = identity.IsNone
            ? new CommandEnvelope(command)
            : new CommandEnvelope(command, identity.Key, RequestIdentity.Fingerprint(call, body));
        return node.ExecuteAsync(envelope, Principal, aborted);
    }
}
