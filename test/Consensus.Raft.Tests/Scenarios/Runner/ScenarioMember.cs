using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Raft.Tests.Scenarios.Runner;

/// <summary>One member, and what was last printed of it.</summary>
internal sealed class ScenarioMember(Host host)
{
    private Facts _printed = Facts.Of(host);
    private bool _printedDown;

    public Host Host { get; } = host;

    public bool IsDown { get; set; }

    /// <summary>The last one to each follower.</summary>
    public Dictionary<MemberId, InstallSnapshotRequest> SentSnapshots { get; } = [];

    /// <summary>One line when anything changed since the last call, and one for each read that was answered.</summary>
    public IEnumerable<string> TakeChanges()
    {
        var lines = new List<string>();
        var now = Facts.Of(Host);
        if (IsDown)
        {
            if (!_printedDown)
            {
                lines.Add($"{Host.Id.Value}: down");
            }
        }
        else if (now != _printed || _printedDown)
        {
            lines.Add($"{Host.Id.Value}: {string.Join(", ", now.Since(_printedDown ? null : _printed))}");
        }
        (_printed, _printedDown) = (now, IsDown);
        lines.AddRange(Host.Reads.Select(read => $"{Host.Id.Value}: {ScenarioPrinter.Read(read)}"));
        Host.Reads.Clear();
        return lines;
    }

    private sealed record Facts(
        RaftRole Role, Term Term, MemberId Vote, MemberId Leader, LogIndex Last, LogIndex Commit, LogIndex Applied, MemberId TransferTarget)
    {
        public static Facts Of(Host host) => new(
            host.Node.Role,
            host.Node.Term,
            host.Node.HardState.VotedFor,
            host.Node.Leader,
            host.Node.LastIndex,
            host.Node.CommitIndex,
            host.AppliedIndex,
            host.Node.TransferTarget);

        public IEnumerable<string> Since(Facts? before)
        {
            if (Role != before?.Role || Term != before.Term)
            {
                yield return $"{ScenarioPrinter.Role(Role)} t{Term}";
            }
            if (Vote != before?.Vote)
            {
                yield return $"vote={ScenarioPrinter.Who(Vote)}";
            }
            if (Leader != before?.Leader)
            {
                yield return $"leader={ScenarioPrinter.Who(Leader)}";
            }
            if (Last != before?.Last)
            {
                yield return $"last={Last}";
            }
            if (Commit != before?.Commit)
            {
                yield return $"commit={Commit}";
            }
            if (Applied != before?.Applied)
            {
                yield return $"applied={Applied}";
            }
            if (TransferTarget != (before?.TransferTarget ?? MemberId.None))
            {
                yield return $"transfers-to={ScenarioPrinter.Who(TransferTarget)}";
            }
        }
    }
}
