using System.Globalization;
using Consensus.Node;
using Consensus.Server.Audit;
using Consensus.Server.Tls;
using Consensus.Server.WebTokens;
using Consensus.Storage;
using Consensus.Storage.Encryption;

namespace Consensus.Server.Cluster;

/// <summary>What an operator has to look at on this member: the node's own alarms, and what is running out. One sentence each, without a full stop.</summary>
internal sealed class MemberAlarms(
    Func<DiskRoom?> disk, ServerTls? tls = null, KeyRing? keys = null, AuditLog? audit = null, WebTokenReload? webTokens = null)
{
    /// <summary>Four log segments: the log allocates one at a time, and a snapshot needs room beside it.</summary>
    private const long LeastFreeBytes = 256L << 20;

    private const int FullPercent = 90;

    /// <summary>Of the largest snapshot that a member takes: what is added until somebody reads the alarm has to fit as well.</summary>
    private const int LargeSnapshotPercent = 75;

    private static readonly long MaxSnapshotBytes = new StorageOptions().MaxSnapshotBytes;

    public DiskRoom? Disk => disk();

    public IReadOnlyList<string> Of(NodeStatus status)
    {
        var room = Disk;
        var isTight = room is { } seen && seen.FreeBytes < Math.Max(LeastFreeBytes, 2 * status.SnapshotBytes);
        var (used, quota) = (status.Counts.StateBytes, status.Counts.QuotaBytes);
        var percent = quota > 0 ? (long)(100m * used / quota) : 0;
        var isLarge = status.SnapshotBytes >= MaxSnapshotBytes / 100 * LargeSnapshotPercent;
        var certificates = tls?.Alarms ?? [];
        var keyFile = keys?.Trouble;
        var auditAlarm = audit?.Alarm;
        var issuers = webTokens?.Refusal;
        if (!isTight && percent < FullPercent && !isLarge && certificates.Count == 0 && keyFile is null && auditAlarm is null
            && issuers is null)
        {
            return status.Alarms;
        }
        List<string> alarms = [.. status.Alarms, .. certificates];
        if (isTight)
        {
            alarms.Add($"the disk of its data directory has {MiB(room!.Value.FreeBytes)} MiB left of {MiB(room.Value.TotalBytes)}: "
                + "the member ends when the log finds no more room; free some space there");
        }
        if (percent >= FullPercent)
        {
            alarms.Add($"the state takes {percent} % of the {MiB(quota)} MiB that the store may hold: "
                + "writes that need more are refused (507) when it is full, deletes still pass; delete what is not needed, or, where every member has the memory, "
                + "give it more (consensusctl settings set quota-bytes)");
        }
        if (isLarge)
        {
            alarms.Add($"its snapshot has {MiB(status.SnapshotBytes)} MiB, and no member takes one of more than {MiB(MaxSnapshotBytes)} MiB from another: "
                + "past that nobody can join, be replaced or catch up; delete what is not needed");
        }
        if (keyFile is not null)
        {
            alarms.Add($"{keyFile}; the keys of before are used, and a start would be refused");
        }
        if (issuers is not null)
        {
            alarms.Add($"{issuers}; the issuers and keys from before go on, and a start would be refused");
        }
        if (auditAlarm is not null)
        {
            alarms.Add(auditAlarm);
        }
        return alarms;
    }

    private static string MiB(long bytes) => (bytes >> 20).ToString("N0", CultureInfo.InvariantCulture);
}
