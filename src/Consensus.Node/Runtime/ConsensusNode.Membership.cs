using Consensus.Node.Core;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Membership;

namespace Consensus.Node.Runtime;

/// <summary>Membership changes on their way in.</summary>
public sealed partial class ConsensusNode
{
    private static readonly MembershipAnswer NotReady = new(AnswerKind.NotDone, default, "", NotDoneReason.NotReady);

    private volatile IPeerTransport? _transport;

    public IReadOnlyList<JoiningMember> Joiners => _transport?.Joiners ?? [];

    public ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change)
    {
        if (_ended)
        {
            return ValueTask.FromResult(NotReady);
        }
        var pending = new AwaitedChange(new RequestId(_options.Self, _options.Boot, Interlocked.Increment(ref _sequence)), change);
        return _inbox.PostToLoop(new MembershipInput(pending))
            ? new ValueTask<MembershipAnswer>(pending.Task)
            : ValueTask.FromResult(NotReady);
    }
}
