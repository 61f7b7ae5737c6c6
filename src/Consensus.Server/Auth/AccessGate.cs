using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Commands;
using Consensus.StateMachine;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Auth;

/// <summary>
/// The door in front of the endpoints: whatever is judged neither on a view nor as a command is judged here, before anything of the request
/// is read.
/// </summary>
/// <param name="isOpenToOthers">
/// It can be reached by others, and knows nobody: in a cluster that judges rights it serves none of them, be they bound as anonymous.
/// </param>
/// <param name="awaitsForming">
/// A new cluster judges rights from its first entries on: until this member has applied them it serves nobody.
/// </param>
internal sealed class AccessGate(IConsensusNode node, bool isOpenToOthers, bool awaitsForming)
{
    private volatile bool _isFormed = !awaitsForming;

    /// <summary>The refusal by what this member knows; null where nothing is judged, or not yet.</summary>
    public Problem? Refusal(Needs needs, Actor actor)
    {
        var policy = node.Policy;
        if (!policy.IsEnabled || needs.By == JudgedBy.Nothing)
        {
            return null;
        }
        if (RefusalOfAll(policy, actor) is { } ofAll)
        {
            return ofAll;
        }
        if (needs.By is not (JudgedBy.Credential or JudgedBy.Here))
        {
            return null;
        }
        var rights = policy.RightsOf(actor);
        var denial = needs.By == JudgedBy.Credential
            ? rights.Refusal is { } refusal ? new Denial(refusal, default) : null
            : rights.Judge([Access.ToCluster(needs.Right)]);
        return denial is { } missing ? Denials.ProblemOf(missing, Revision.Zero) : null;
    }

    /// <summary>The refusal by what the view says; null when it allows all of this.</summary>
    public Problem? Refusal(StateView view, Actor actor, params ReadOnlySpan<Access> accesses) =>
        RefusalOfAll(view.Policy, actor) ?? Denials.Refusal(view, actor, accesses);

    /// <summary>
    /// Whether <see cref="RefusalAsync"/> is to be asked. What is done to the cluster is judged by the cluster's policy, whoever asks and
    /// be this member's so old that it judges nobody.
    /// </summary>
    public bool Asks(Needs needs) =>
        needs.By == JudgedBy.Cluster || (!_isFormed && needs.By != JudgedBy.Nothing && !node.Policy.IsEnabled);

    /// <summary>The refusal by what the cluster knows now; null when it allows it.</summary>
    public async ValueTask<Problem?> RefusalAsync(Needs needs, Actor actor, CancellationToken aborted)
    {
        if (!_isFormed && !node.Policy.IsEnabled)
        {
            // The member that leads first tells who it is, and with that whether rights are judged: there is nothing to be read of a time
            // before.
            var known = await node.ReadAsync(ReadConsistency.Stale, Revision.Zero, aborted);
            if (known.View?.ListMembers().Any() != true)
            {
                return Problem.NotReady("the cluster is being formed, and nobody's rights are known yet; nothing was done");
            }
            _isFormed = true;
        }
        if (needs.By != JudgedBy.Cluster)
        {
            return null;
        }
        var read = await node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, aborted);
        return read.View is { } view
            ? Refusal(view, actor, Access.ToCluster(needs.Right))
            : AnswerProblems.Of(read.Kind, read.Reason);
    }

    /// <summary>The policy that the cluster has now; null where this member does not hear it.</summary>
    public async ValueTask<Policy?> PresentPolicyAsync(CancellationToken aborted) =>
        (await node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, aborted)).View?.Policy;

    /// <summary>Who comes by the socket in the data directory is known, on every member.</summary>
    private Problem? RefusalOfAll(Policy policy, Actor actor) =>
        isOpenToOthers && policy.IsEnabled && actor.Credential != Actor.LocalCredential
        ? Problem.NotReady($"this cluster demands authentication, and {node.Status.Name} was started with --insecure; nothing was done")
        : null;
}
