using System.Globalization;
using System.Text;
using Consensus.Primitives;
using Consensus.Raft.Log;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>How a scenario writes down messages, members and progress.</summary>
internal static class ScenarioPrinter
{
    /// <summary>The message's kind, for printing and for choosing: requests end in a question mark.</summary>
    public static string Kind(Message message) => message switch
    {
        PreVoteRequest => "pre-vote?",
        PreVoteResponse => "pre-vote",
        VoteRequest => "vote?",
        VoteResponse => "vote",
        AppendRequest => "append?",
        AppendResponse => "append",
        HeartbeatRequest => "heartbeat?",
        HeartbeatResponse => "heartbeat",
        InstallSnapshotRequest => "snapshot?",
        TimeoutNowRequest => "timeout-now?",
        ReadIndexRequest => "read-index?",
        ReadIndexResponse => "read-index",
        _ => throw new ArgumentOutOfRangeException(nameof(message), message.GetType().Name),
    };

    public static string Text(Message message) => string.Create(
        CultureInfo.InvariantCulture,
        $"{message.From.Value}>{message.To.Value} {Kind(message)} t{message.Term}{Body(message)}");

    public static string State(Host host, bool isDown)
    {
        if (isDown)
        {
            return Line($"{host.Id.Value}: down, on disk t{host.Disk.HardState.Term} vote={Who(host.Disk.HardState.VotedFor)} log={LogOf(host.Disk.Snapshot, host.Disk.Entries)}");
        }
        var node = host.Node;
        var text = new StringBuilder(Line($"{host.Id.Value}: {Role(node.Role)} t{node.Term} vote={Who(node.HardState.VotedFor)} leader={Who(node.Leader)} log="));
        text.Append(LogOf(node));
        if (node.DurableIndex < node.LastIndex)
        {
            text.Append(Line($" durable={node.DurableIndex}"));
        }
        text.Append(Line($" commit={node.CommitIndex} applied={host.AppliedIndex}"));
        if (!node.TransferTarget.IsNone)
        {
            text.Append(Line($" transfers-to={Who(node.TransferTarget)}"));
        }
        return text.ToString();
    }

    public static string Progress(in ProgressStatus progress) => Line(
        $"{progress.Member.Value}: {progress.State.ToString().ToLowerInvariant()} match={progress.Match} next={progress.Next}{(progress.RecentlyActive ? "" : " silent")}");

    public static string Role(RaftRole role) => role switch
    {
        RaftRole.Follower => "follower",
        RaftRole.PreCandidate => "pre-candidate",
        RaftRole.Candidate => "candidate",
        RaftRole.Leader => "leader",
        _ => throw new ArgumentOutOfRangeException(nameof(role)),
    };

    public static string Who(MemberId member) => member.IsNone ? "-" : member.Value.ToString(CultureInfo.InvariantCulture);

    public static string Read(in ReadState read) =>
        read.Refused ? Line($"read {read.Context} refused") : Line($"read {read.Context} at {read.Index}");

    private static string Body(Message message) => message switch
    {
        PreVoteRequest m => Line($" last={m.LastIndex}:{m.LastTerm}{(m.LeaderGone ? " leader-gone" : "")}{Boot(m.Boot)}"),
        PreVoteResponse m => (m.Granted ? " yes" : " no") + Boot(m.Boot),
        VoteRequest m => Line($" last={m.LastIndex}:{m.LastTerm}{(m.Disruptive ? " disruptive" : "")}"),
        VoteResponse m => m.Granted ? " yes" : " no",
        AppendRequest m => Line($" after={m.PreviousIndex}:{m.PreviousTerm} [{Runs(m.Entries)}] commit={m.Commit}{Round(m.ReadRound)}"),
        AppendResponse { Success: true } m => Line($" ok match={m.MatchIndex}{Round(m.ReadRound)}"),
        AppendResponse m => Line($" no at={m.MatchIndex} hint={m.HintIndex}:{m.HintTerm}{Round(m.ReadRound)}"),
        HeartbeatRequest m => Line($" commit={m.Commit}{Round(m.ReadRound)}"),
        HeartbeatResponse m => Round(m.ReadRound),
        InstallSnapshotRequest m => Line($" through={m.Mark.LastIndex}:{m.Mark.LastTerm}"),
        ReadIndexRequest m => Line($" context={m.Context}{Boot(m.Boot)}"),
        ReadIndexResponse m => Line($" context={m.Context}{Boot(m.Boot)} {(m.Refused ? "refused" : Line($"at={m.Index}"))}"),
        _ => "",
    };

    private static string Round(long round) => round == 0 ? "" : Line($" round={round}");

    /// <summary>The process that asked, if it was not its member's first.</summary>
    private static string Boot(long boot) => boot == 0 ? "" : Line($" boot={boot}");

    private static string LogOf(RaftNode node)
    {
        node.Log.TryGetTerm(node.FirstIndex.Previous, out var before);
        var prefix = node.FirstIndex.Value > 1 ? Line($"(..{node.FirstIndex.Previous}:{before}) ") : "";
        return prefix + Runs(node.Log.Slice(node.FirstIndex, node.LastIndex));
    }

    private static string LogOf(SnapshotMark? snapshot, IReadOnlyList<Entry> entries) =>
        (snapshot is null ? "" : Line($"(..{snapshot.LastIndex}:{snapshot.LastTerm}) ")) + Runs(entries);

    /// <summary>index:term, runs of one term as first..last:term.</summary>
    private static string Runs(IReadOnlyList<Entry> entries)
    {
        var runs = new List<string>();
        for (var first = 0; first < entries.Count;)
        {
            var last = first;
            while (last + 1 < entries.Count && entries[last + 1].Term == entries[first].Term)
            {
                last++;
            }
            runs.Add(first == last
                ? Line($"{entries[first].Index}:{entries[first].Term}")
                : Line($"{entries[first].Index}..{entries[last].Index}:{entries[first].Term}"));
            first = last + 1;
        }
        return runs.Count == 0 ? "-" : string.Join(' ', runs);
    }

    private static string Line(FormattableString text) => FormattableString.Invariant(text);
}
