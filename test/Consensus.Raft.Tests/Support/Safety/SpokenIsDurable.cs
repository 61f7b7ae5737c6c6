using Consensus.Primitives;

namespace Consensus.Raft.Tests.Support.Safety;

/// <summary>What a member says is on its disk already (rule 5).</summary>
internal static class SpokenIsDurable
{
    public static void Require(Disk disk, Message message)
    {
        var saved = disk.HardState;
        switch (message)
        {
            case VoteRequest request:
                Invariant.Require(
                    saved.Term > request.Term || (saved.Term == request.Term && saved.VotedFor == request.From),
                    "a candidate's term and vote are on disk before it asks");
                break;
            case VoteResponse { Granted: true } response:
                Invariant.Require(
                    saved.Term > response.Term || (saved.Term == response.Term && saved.VotedFor == response.To),
                    "a vote is on disk before it is told");
                break;
            case AppendResponse { Success: true } response:
                Invariant.Require(saved.Term >= response.Term, "a term is on disk before it is told");
                Invariant.Require(disk.LastIndex >= response.MatchIndex, "what is acknowledged is on disk");
                break;
            case PreVoteRequest request:
                Invariant.Require(saved.Term >= new Term(request.Term.Value - 1), "a term is on disk before it is told");
                break;
            case PreVoteResponse { Granted: true } or ReadIndexRequest:
                break;
            default:
                Invariant.Require(saved.Term >= message.Term, "a term is on disk before it is told");
                break;
        }
    }
}
