using Consensus.Node.Ports;
using Consensus.Primitives;
using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Storage.Tests.Support;

/// <summary>What a log holds, kept the plain way: the reference that recovery is compared with.</summary>
internal sealed record ModelLog(HardState HardState, Configuration Configuration, SnapshotMark? Mark, IReadOnlyList<Entry> Entries)
{
    public static readonly ModelLog Empty = new(Make.Vote(0), Make.Initial, null, []);

    public long MarkIndex => Mark?.LastIndex.Value ?? 0;

    public long LastIndex => MarkIndex + Entries.Count;

    public long TermAt(long index) => index == MarkIndex ? Mark?.LastTerm.Value ?? 0 : Entries[(int)(index - MarkIndex) - 1].Term.Value;

    public ModelLog After(IReadOnlyList<PersistRequest> batch) => batch.Aggregate(this, (log, request) => log.After(request));

    private ModelLog After(PersistRequest request)
    {
        var log = this;
        if (request.InstalledSnapshot is { } installed)
        {
            log = log with { Mark = installed, Configuration = installed.Configuration, Entries = [] };
        }
        if (request.HardState is { } hardState)
        {
            log = log with { HardState = hardState };
        }
        if (request.Entries.Count > 0)
        {
            var kept = log.Entries.Where(entry => entry.Index < request.Entries[0].Index);
            log = log with { Entries = [.. kept, .. request.Entries] };
        }
        if (request.TakenSnapshot is { } taken && taken.LastIndex.Value > log.MarkIndex)
        {
            log = log with
            {
                Mark = taken,
                Configuration = taken.Configuration,
                Entries = [.. log.Entries.Where(entry => entry.Index > taken.LastIndex)],
            };
        }
        return log;
    }

    public static ModelLog Of(RecoveredLog recovered)
    {
        for (var i = 0; i < recovered.Entries.Count; i++)
        {
            Invariant.Require(recovered.Entries[i].Index.Value == (recovered.Snapshot?.LastIndex.Value ?? 0) + 1 + i, "recovered entries have no gap");
        }
        return new ModelLog(recovered.HardState, recovered.Configuration, recovered.Snapshot, recovered.Entries);
    }

    /// <summary>Everything in words, so that two logs are equal exactly when their texts are, and a failing test shows the difference.</summary>
    public override string ToString() => string.Join('\n',
    [
        $"hard state {HardState.Term} {HardState.VotedFor}",
        $"configuration {Describe(Configuration)}",
        Mark is null ? "no snapshot" : $"snapshot {Mark.LastIndex} {Mark.LastTerm} {Mark.Stamp} {Describe(Mark.Configuration)}",
        .. Entries.Select(e =>
            $"{e.Index} {e.Term} {e.Kind} {e.Stamp} {e.Request} {e.Principal} {e.FeatureLevel} {Convert.ToHexString(e.Payload.Span)}"),
    ]);

    private static string Describe(Configuration configuration) => string.Join(' ',
    [
        .. configuration.Members.Select(m => $"{m.Id}={m.Name}@{m.PeerAddress}"), "voters",
        .. configuration.Voters.Select(v => v.ToString()), "outgoing",
        .. configuration.OutgoingVoters.Select(v => v.ToString()), "learners",
        .. configuration.Learners.Select(v => v.ToString()),
    ]);
}
