using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Simulation.Clients;

namespace Consensus.Chaos.Runs;

/// <summary>What a run did.</summary>
public sealed class ChaosReport
{
    private readonly SortedDictionary<OperationKind, (long All, long Unknown)> _kinds = [];

    public int Rounds { get; internal set; }

    public long Operations => _kinds.Values.Sum(kind => kind.All);

    public long Unknown => _kinds.Values.Sum(kind => kind.Unknown);

    /// <summary>How many of each kind were asked.</summary>
    public IReadOnlyDictionary<OperationKind, long> Kinds => _kinds.ToDictionary(kind => kind.Key, kind => kind.Value.All);

    public int Undecided { get; private set; }

    public long LeasesJudged { get; private set; }

    /// <summary>Lines that were left by who waited in them.</summary>
    public long WaitsLeft { get; private set; }

    /// <summary>Attempts under the identity of what was over.</summary>
    public long SentAgain { get; private set; }

    /// <summary>Slices of waits that were over before these.</summary>
    public long Slices { get; private set; }

    /// <summary>
    /// What was judged of sessions: numbers that came to something, those of them that were settled before, news, and pairs in line.
    /// </summary>
    public (long Numbers, long Fenced, long News, long Turns) Sessions { get; private set; }

    /// <summary>Attempts under a number of a session that came late.</summary>
    public long Late { get; private set; }

    /// <summary>Streams of watches, of which so many went on behind one that was cut off, and so many began anew because what came next was forgotten.</summary>
    public (long Opened, long Resumed, long Compacted) Watches { get; private set; }

    /// <summary>Messages that watches were told.</summary>
    public long Told { get; private set; }

    /// <summary>Over links that were slow, lossy or narrow.</summary>
    public long PacketsCarried { get; internal set; }

    public long PacketsLost { get; internal set; }

    /// <summary>Segments on rough links that were turned into the end of their connection.</summary>
    public long Resets { get; internal set; }

    /// <summary>Connections of clients that were ended on their way.</summary>
    public long ClientResets { get; internal set; }

    /// <summary>How often two members were at one index, and in the same state.</summary>
    public long StatesCompared { get; internal set; }

    public SortedDictionary<string, int> Injected { get; } = new(StringComparer.Ordinal);

    public TimeSpan Took { get; internal set; }

    /// <summary>What this machine does not allow, and so was not tried.</summary>
    public List<string> Skipped { get; } = [];

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Rounds} rounds in {Took.TotalMinutes:0.0} minutes: {Operations} operations, {Unknown} of unknown fate, {Undecided} histories undecided; {KindsText}; "
        + $"{WaitsLeft} waits left, {SentAgain} requests sent again after their end, {LeasesJudged} expired leases judged; "
        + $"{Slices} slices of waits; {Sessions.Numbers} numbers of sessions, {Sessions.Fenced} of them fenced, {Late} late attempts, {Sessions.News} news, {Sessions.Turns} turns in line judged; "
        + $"{Watches.Opened} watches opened, {Watches.Resumed} to go on after a cut, {Watches.Compacted} begun anew, {Told} messages; {StatesCompared} states compared; "
        + $"{string.Join(", ", Injected.Select(fault => $"{fault.Value} × {fault.Key}"))}; "
        + $"{PacketsCarried} packets carried over rough links, {PacketsLost} lost, {Resets} resets; {ClientResets} connections of clients ended");

    private string KindsText => string.Join(", ", _kinds.Select(kind => string.Create(
        CultureInfo.InvariantCulture, $"{kind.Key} {kind.Value.All}{(kind.Value.Unknown > 0 ? string.Create(CultureInfo.InvariantCulture, $" ({kind.Value.Unknown} unknown)") : "")}")));

    /// <summary>A round that was judged.</summary>
    internal void Add(Record record, Crowd crowd, IReadOnlyDictionary<string, int> injected)
    {
        foreach (var ofKind in record.Operations.GroupBy(operation => operation.Kind))
        {
            var (all, unknown) = _kinds.GetValueOrDefault(ofKind.Key);
            _kinds[ofKind.Key] = (all + ofKind.Count(), unknown + ofKind.Count(operation => operation.Status == OperationStatus.Unknown));
        }
        Undecided += record.Undecided;
        LeasesJudged += record.LeasesJudged;
        WaitsLeft += crowd.Clients.Sum(client => client.WaitsLeft);
        SentAgain += crowd.Clients.Sum(client => client.SentAgain);
        Slices += crowd.Clients.Sum(client => client.Slices) + crowd.Holders.Sum(holder => holder.Slices);
        Late += crowd.Holders.Sum(holder => holder.Late);
        var judged = record.SessionsJudged;
        Sessions = (
            Sessions.Numbers + judged.Numbers,
            Sessions.Fenced + judged.Fenced,
            Sessions.News + judged.News,
            Sessions.Turns + judged.Turns);
        var sessions = record.Sessions;
        Watches = (
            Watches.Opened + sessions.Count,
            Watches.Resumed + sessions.Count(session => session.IsResumed),
            Watches.Compacted + sessions.Count(session => session.IsCompacted));
        Told += sessions.Sum(session => session.Messages);
        foreach (var (fault, count) in injected)
        {
            Injected[fault] = Injected.GetValueOrDefault(fault) + count;
        }
    }
}
