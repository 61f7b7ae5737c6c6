using Consensus.Api.Json;
using Consensus.Api.Locks;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary>The rows that tell of one lock, semaphore or election: who holds it, who waits, what was lost last.</summary>
/// <param name="share">The heading over what a holder has of it: its mode, its permits.</param>
internal sealed class HoldRows(string name, string share)
{
    private readonly TextTable _table = new("NAME", "STATE", "OWNER", share, "TOKEN", "LEASE", "EXPIRES IN", "NOTE");

    /// <summary>The first holder, and how many more there are.</summary>
    public static string? Owners(string? first, long count) => count > 1 ? $"{first} and {Plain.Number(count - 1)} more" : first;

    /// <summary>A row about the whole of it.</summary>
    public void AddWhole(string state) => _table.Add(name, state, null, null, null, null, null, null);

    public void AddHolder(string owner, string part, long token, string lease, long expiresInMs, RawJson? metadata, string state = "holds") =>
        _table.Add(name, state, owner, part, Plain.Number(token), lease, Durations.Show(expiresInMs), metadata?.Text);

    public void AddMoreHolders(long count)
    {
        if (count > 0)
        {
            AddWhole($"{Plain.Number(count)} more hold");
        }
    }

    /// <summary>What is kept back for those who lost it.</summary>
    /// <param name="isFree">Nobody holds any of it: it is free where nothing is kept back.</param>
    public void AddDelays(IReadOnlyList<HoldDelayAnswer>? delays, bool isFree)
    {
        foreach (var delay in delays ?? [])
        {
            var part = delay.Count is { } count ? Plain.Number(count) : delay.Mode;
            var note = delay.Owner is null ? "for nobody: several lost it" : "for its last owner only";
            _table.Add(name, "kept back", delay.Owner, part, Plain.Number(delay.FencingToken), null, Durations.Show(delay.DelayMs), note);
        }
        if (isFree && delays is null or [])
        {
            AddWhole("free");
        }
    }

    public void AddWaiter(long position, string owner, string? part) =>
        _table.Add(name, $"waits ({Plain.Number(position)})", owner, part, null, null, null, null);

    public void AddMoreWaiters(long count)
    {
        if (count > 0)
        {
            AddWhole($"{Plain.Number(count)} more wait");
        }
    }

    /// <summary>The last hold that ended without a release, while that is remembered; the table is complete with it.</summary>
    public TextTable AddLoss(HoldLossAnswer? loss)
    {
        if (loss is null)
        {
            return _table;
        }
        var note = $"{loss.Reason} at revision {Plain.Number(loss.Revision)}, {Durations.Show(loss.LostMsAgo)} ago: {Why(loss)}";
        return _table.Add(name, "lost", loss.Owner, null, Plain.Number(loss.FencingToken), null, null, note);
    }

    private static string Why(HoldLossAnswer loss) => loss.Reason switch
    {
        "expired" => $"no renewal came for {Durations.Show(loss.RenewedMsBefore)}, of a TTL of {Durations.Show(loss.TtlMs)}"
            + (loss.LeaderlessMs is { } leaderless ? $"; for {Durations.Show(leaderless)} on top of that the cluster had no leader" : ""),
        "revoked" => $"its lease was revoked{By(loss)}",
        "forced" => $"it was broken by force{By(loss)}",
        "held-too-long" => $"its maxHold of {Durations.Show(loss.MaxHoldMs ?? 0)} was over, though it was renewed {Durations.Show(loss.RenewedMsBefore)} before",
        _ => $"it was renewed {Durations.Show(loss.RenewedMsBefore)} before",
    };

    private static string By(HoldLossAnswer loss) => loss.By is { } who ? $" by {who}" : "";
}
