using Consensus.Node.Peers;
using Consensus.Raft;

namespace Consensus.Simulation.Network;

/// <summary>Messages as one line of a trace.</summary>
internal static class MessageText
{
    public static string Of(PeerMessage message) => message switch
    {
        RaftPeerMessage raft => Of(raft.Message),
        ForwardCommands forward => $"forward {forward.Commands.Count} commands to the leader of term {forward.Term}",
        ForwardRefused refused => $"refused {refused.Sequences.Count} commands of term {refused.Term}: {refused.Reason}",
        _ => message.ToString() ?? "",
    };

    private static string Of(Message message) => message switch
    {
        AppendRequest m => $"append t{m.Term} after {m.PreviousIndex}/t{m.PreviousTerm} +{m.Entries.Count} commit {m.Commit} round {m.ReadRound}",
        AppendResponse m => $"append answer t{m.Term} {(m.Success ? "match" : "conflict at")} {m.MatchIndex} hint {m.HintIndex}/t{m.HintTerm} round {m.ReadRound}",
        HeartbeatRequest m => $"heartbeat t{m.Term} commit {m.Commit} round {m.ReadRound}",
        HeartbeatResponse m => $"heartbeat answer t{m.Term} round {m.ReadRound}",
        VoteRequest m => $"vote? t{m.Term} last {m.LastIndex}/t{m.LastTerm}{(m.Disruptive ? " disruptive" : "")}",
        VoteResponse m => $"vote t{m.Term} {(m.Granted ? "granted" : "denied")}",
        PreVoteRequest m => $"pre-vote? t{m.Term} last {m.LastIndex}/t{m.LastTerm}{(m.LeaderGone ? " leader gone" : "")}",
        PreVoteResponse m => $"pre-vote t{m.Term} {(m.Granted ? "granted" : "denied")}",
        ReadIndexRequest m => $"read index? t{m.Term} context {m.Context}",
        ReadIndexResponse m => $"read index t{m.Term} context {m.Context}: {(m.Refused ? "refused" : m.Index)}",
        InstallSnapshotRequest m => $"snapshot t{m.Term} up to {m.Mark.LastIndex}",
        TimeoutNowRequest m => $"time out now t{m.Term}",
        _ => message.ToString() ?? "",
    };
}
