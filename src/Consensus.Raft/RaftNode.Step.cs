using Consensus.Primitives;

namespace Consensus.Raft;

/// <summary>Which message is heard, and what its term does to ours. Raft §5.1.</summary>
public sealed partial class RaftNode
{
    public void Step(Message message)
    {
        if (!IsForThisMember(message))
        {
            return;
        }
        switch (message)
        {
            // A pre-vote changes nobody's term (dissertation §9.6), and a vote only after stickiness was looked at.
            case PreVoteRequest request:
                OnPreVoteRequest(request);
                return;
            case PreVoteResponse response:
                OnPreVoteResponse(response);
                return;
            case VoteRequest request:
                OnVoteRequest(request);
                return;
            default:
                break;
        }
        if (message.Term < Term)
        {
            OnOlderTerm(message);
            return;
        }
        if (message.Term > Term)
        {
            BecomeFollower(message.Term, MemberId.None);
        }
        StepInTerm(message);
    }

    private void StepInTerm(Message message)
    {
        switch (message)
        {
            case VoteResponse response:
                OnVoteResponse(response);
                break;
            case AppendRequest request:
                OnAppendRequest(request);
                break;
            case AppendResponse response:
                OnAppendResponse(response);
                break;
            case HeartbeatRequest request:
                OnHeartbeatRequest(request);
                break;
            case HeartbeatResponse response:
                OnHeartbeatResponse(response);
                break;
            case InstallSnapshotRequest request:
                OnInstallSnapshotRequest(request);
                break;
            case TimeoutNowRequest request:
                OnTimeoutNowRequest(request);
                break;
            case ReadIndexRequest request:
                OnReadIndexRequest(request);
                break;
            case ReadIndexResponse response:
                OnReadIndexResponse(response);
                break;
            default:
                Invariant.Unreachable<int>(message);
                break;
        }
    }

    private bool IsForThisMember(Message message) =>
        message.To == Self
        && message.From != Self
        && !message.From.IsNone
        && (Configuration.Find(message.From) is not null || IsHeardFromStranger(message));

    /// <summary>
    /// Our configuration may be older than the sender's, so a leader and a candidate are heard whether or not we know them (Raft §6). All else from a
    /// stranger is nothing to us, its term least of all: it must not depose a leader that does not even count it.
    /// </summary>
    private bool IsHeardFromStranger(Message message) => message switch
    {
        AppendRequest or HeartbeatRequest or InstallSnapshotRequest or TimeoutNowRequest => true,
        PreVoteRequest or VoteRequest => true,
        ReadIndexResponse => message.From == Leader && message.Term == Term,
        AppendResponse or HeartbeatResponse => message.Term == Term && _progress.Find(message.From) is not null,
        _ => false,
    };

    /// <summary>
    /// A leader of an older term must learn of the newer one, else a member whose term is ahead could never rejoin it: it ignores that leader's
    /// appends, and pre-vote and stickiness keep it from being elected.
    /// </summary>
    private void OnOlderTerm(Message message)
    {
        switch (message)
        {
            case AppendRequest or HeartbeatRequest or InstallSnapshotRequest:
                SendWhenDurable(new AppendResponse(Self, message.From, Term, false, LogIndex.Zero, LogIndex.Zero, Term.Zero, 0));
                break;
            case ReadIndexRequest read:
                SendWhenDurable(new ReadIndexResponse(Self, read.From, Term, read.Context, LogIndex.Zero, Refused: true) { Boot = read.Boot });
                break;
            default:
                break;
        }
    }
}
