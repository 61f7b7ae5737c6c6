using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Routing;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;

namespace Consensus.Server.Commands;

/// <summary>Hands commands to the node, with the identity under which the caller may retry them.</summary>
internal sealed class CommandRunner(IConsensusNode node)
{
    /// <summary>A random 63-bit id is taken already once in a very long time; more than twice running is no accident.</summary>
    private const int MaxIdAttempts = 3;

    /// <param name="body">The request's body as sent: part of its fingerprint.</param>
    public ValueTask<CommandAnswer> ExecuteAsync(ApiCall call, RequestIdentity identity, ReadOnlySpan<byte> body, Command command) =>
        ExecuteAsync(RequestMark.Of(call, identity, body), command);

    /// <param name="aborted">Only for lock requests: their place in the queue lives as long as the connection.</param>
    public ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, Command command, CancellationToken aborted = default) =>
        node.ExecuteAsync(
            new CommandEnvelope(command, mark.Key, mark.Fingerprint) { Principal = mark.Principal, Session = mark.Session },
            aborted);

    /// <summary>Executes a command that brings a lease of its own, again under another id while the drawn one is taken.</summary>
    /// <param name="with">The command with that lease. Static, so that no request has a delegate made for it.</param>
    /// <param name="aborted">As of <see cref="ExecuteAsync(RequestMark, Command, CancellationToken)"/>.</param>
    public async ValueTask<CommandAnswer> WithNewLeaseAsync<T>(
        RequestMark mark, T asked, Func<T, LeaseId, T> with, CancellationToken aborted = default)
        where T : Command
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await ExecuteAsync(mark, with(asked, node.NewLeaseId()), aborted);
            if (answer.Outcome is not LeaseIdTaken || attempt == MaxIdAttempts)
            {
                return answer;
            }
        }
    }
}
