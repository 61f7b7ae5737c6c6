using Consensus.Node.Core;
using Consensus.Node.Formation;
using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft.Membership;

namespace Consensus.Node.Runtime;

/// <summary>Membership changes on their way in, and what a turn tells the outside about them.</summary>
public sealed partial class ConsensusNode
{
    private static readonly MembershipAnswer NotReady = new(AnswerKind.NotDone, default, "", NotDoneReason.NotReady);

    private int _toldRemoved;

    public IReadOnlyList<JoiningMember> Joiners => _transport?.Joiners ?? [];

    public ValueTask<MembershipAnswer> ChangeMembershipAsync(MembershipChange change, string principal)
    {
        if (_ended)
        {
            return ValueTask.FromResult(NotReady);
        }
        var pending = new AwaitedChange(new RequestId(_options.Self, _options.Boot, Interlocked.Increment(ref _sequence)), change, principal);
        return _inbox.PostToLoop(new MembershipInput(pending))
            ? new ValueTask<MembershipAnswer>(pending.Task)
            : ValueTask.FromResult(NotReady);
    }

    /// <summary>By any thread: from its own log, or because another member says so.</summary>
    private void TellRemoved()
    {
        if (Interlocked.Exchange(ref _toldRemoved, 1) == 0)
        {
            _outside.Removed?.Invoke(MemberRemovedException.Sentence(_options.Name, _options.Cluster));
        }
    }
}
