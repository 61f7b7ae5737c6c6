using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.Server.Http;
using Consensus.Server.Routing;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>A view that whoever asks may be answered from, or why there is none: one of the two is null.</summary>
internal readonly record struct JudgedView(StateView? View, Problem? Refusal);

/// <summary>
/// Views for endpoints that read. Each says what is needed to be told what it reads, and that is judged on the very view that it is given:
/// before anything is looked at there, and by the policy of that moment, also where what is told is older.
/// </summary>
internal sealed class JudgedReads(IConsensusNode node, AccessGate gate)
{
    public ValueTask<JudgedView> ReadAsync(ApiCall call, ReadOptions options, Access access) => ReadAsync(call, options, [access]);

    /// <param name="accesses">Each is needed; none: whoever is known may be told.</param>
    public async ValueTask<JudgedView> ReadAsync(ApiCall call, ReadOptions options, Access[] accesses)
    {
        var answer = await node.ReadAsync(options.Consistency, options.MinRevision, call.Http.RequestAborted);
        if (answer.View is not { } view)
        {
            return new JudgedView(null, AnswerProblems.Of(answer.Kind, answer.Reason));
        }
        if (gate.Refusal(view, call.Actor, accesses) is { } refusal)
        {
            return new JudgedView(null, refusal);
        }
        if (call.Audit is { } audited)
        {
            await audited.IntendAsync();
        }
        return new JudgedView(view, null);
    }

    /// <summary>
    /// For what never changes, of which this member only has to be so far: while rights are judged that is not enough, for they change.
    /// </summary>
    public ValueTask<JudgedView> ReadUnchangingAsync(ApiCall call, ReadOptions options, Access access) =>
        ReadUnchangingAsync(call, options, [access]);

    /// <inheritdoc cref="ReadUnchangingAsync(ApiCall, ReadOptions, Access)"/>
    public ValueTask<JudgedView> ReadUnchangingAsync(ApiCall call, ReadOptions options, Access[] accesses) =>
        ReadAsync(call, node.Policy.IsEnabled ? options : options with { Consistency = ReadConsistency.Stale }, accesses);

    /// <summary>For what is told from a view that was kept: the refusal by the policy of now, or null.</summary>
    public async ValueTask<Problem?> RefusalNowAsync(ApiCall call, ReadOptions options, Access access) =>
        node.Policy.IsEnabled ? (await ReadAsync(call, options with { MinRevision = Revision.Zero }, access)).Refusal : null;
}
