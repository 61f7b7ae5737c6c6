using System.Runtime.InteropServices;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Audit;
using Consensus.Server.Auth;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;

namespace Consensus.Server.Commands;

/// <summary>
/// Hands commands to the node, with the identity under which the caller may retry them, unless the caller may not ask for them.
/// </summary>
internal sealed class CommandRunner(IConsensusNode node)
{
    /// <summary>A random 63-bit id is taken already once in a very long time; more than twice running is no accident.</summary>
    private const int MaxIdAttempts = 3;

    [ThreadStatic]
    private static List<Access>? _accesses;

    /// <param name="body">The request's body as sent: part of its fingerprint.</param>
    public ValueTask<CommandAnswer> ExecuteAsync(ApiCall call, RequestIdentity identity, ReadOnlySpan<byte> body, Command command) =>
        ExecuteAsync(RequestMark.Of(call, identity, body), command);

    /// <param name="aborted">Only for lock requests: their place in the queue lives as long as the connection.</param>
    public ValueTask<CommandAnswer> ExecuteAsync(RequestMark mark, Command command, CancellationToken aborted = default) =>
        Denial(mark.Actor, command) is null ? ProposeAsync(mark, command, aborted) : AskOrProposeAsync(mark, command, aborted);

    private ValueTask<CommandAnswer> ProposeAsync(RequestMark mark, Command command, CancellationToken aborted) =>
        mark.Audit is { } audited ? RecordAndHandOverAsync(audited, mark, command, aborted) : HandOverAsync(mark, command, aborted);

    private async ValueTask<CommandAnswer> RecordAndHandOverAsync(
        AuditedRequest audited, RequestMark mark, Command command, CancellationToken aborted)
    {
        await audited.IntendAsync(command);
        return await HandOverAsync(mark, command, aborted);
    }

    private ValueTask<CommandAnswer> HandOverAsync(RequestMark mark, Command command, CancellationToken aborted) => node.ExecuteAsync(
        new CommandEnvelope(command, mark.Key, mark.Fingerprint) { Principal = mark.Actor.Principal, Session = mark.Session },
        aborted);

    /// <summary>
    /// What the roles do not allow by the policy that this member has: whatever is refused for that takes no place in the log, however
    /// often it is asked. Whose holds and leases are is judged where the command is applied, and so is all of it once more.
    /// </summary>
    private Denial? Denial(Actor actor, Command command)
    {
        var policy = node.Policy;
        if (!policy.IsEnabled)
        {
            return null;
        }
        var accesses = _accesses ??= [];
        accesses.Clear();
        return Accesses.Add(command, accesses) ? policy.Judge(actor, CollectionsMarshal.AsSpan(accesses)) : null;
    }

    /// <summary>
    /// This member may be behind: whoever was given the right a moment ago is not told that it has none. So it is judged again after a read
    /// index, and a request of which something came, or may come, is answered in apply (rule 21).
    /// </summary>
    private async ValueTask<CommandAnswer> AskOrProposeAsync(RequestMark mark, Command command, CancellationToken aborted)
    {
        var read = await node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, aborted);
        if (read.View is not { } view)
        {
            return new CommandAnswer(read.Kind, null, read.Reason, RequestId.None);
        }
        return view.Judge(mark.Actor, [.. Accesses.Of(command) ?? []]) is { } denial
                && (denial.Reason == DenialReason.Revoked || !RequestReads.Knows(view, mark.Actor.Name, mark.Key, mark.Session))
            ? new CommandAnswer(AnswerKind.Done, Denials.OutcomeOf(denial, view.Revision), NotDoneReason.None, RequestId.None)
            : await ProposeAsync(mark, command, aborted);
    }

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
