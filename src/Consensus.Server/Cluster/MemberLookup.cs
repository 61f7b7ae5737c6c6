using System.Globalization;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Auth;
using Consensus.Server.Commands;
using Consensus.Server.Routing;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Cluster;

/// <summary>
/// Who a request means by a name or an id. A name can pass to another member, so it is looked up in the cluster as it is now, not as this member last
/// heard of it: else a removal by name could find the former bearer, removed already, and succeed.
/// </summary>
/// <remarks>
/// On that very view it is judged whether whoever asks may change any of it: what was judged at the door may be over since.
/// </remarks>
internal sealed class MemberLookup(IConsensusNode node, AccessGate gate)
{
    private const int IdDigits = 16;

    /// <summary>
    /// The members as of now, for a request that has been read whole and is done next; a problem when that cannot be known, and when the
    /// request is not allowed.
    /// </summary>
    public async ValueTask<(IReadOnlyList<MemberStatus> Members, Problem? Problem)> ForChangeAsync(ApiCall call)
    {
        var read = await node.ReadAsync(ReadConsistency.Linearizable, Revision.Zero, call.Http.RequestAborted);
        return read.View is not { } view ? ([], AnswerProblems.Of(read.Kind, read.Reason))
            : gate.Refusal(view, call.Actor, Access.ToCluster(SystemRights.Operate)) is { } refused ? ([], refused)
            : (node.Status.Members, null);
    }

    public static MemberStatus? Find(IReadOnlyList<MemberStatus> members, string nameOrId) =>
        members.FirstOrDefault(member => member.Name == nameOrId) ?? members.FirstOrDefault(member => member.Id.ToString() == nameOrId);

    /// <summary>An id need not be a member's any more: who was removed may be removed again.</summary>
    public static MemberId? Resolve(IReadOnlyList<MemberStatus> members, string nameOrId) =>
        Find(members, nameOrId)?.Id
        ?? (nameOrId.Length == IdDigits && long.TryParse(nameOrId, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var id) && id > 0
            ? new MemberId(id)
            : null);

    public static Problem NoSuchMember(string nameOrId) => Problem.NotFound($"there is no member \"{Excerpt.Of(nameOrId)}\"");
}
