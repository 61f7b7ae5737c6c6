using Consensus.Server.Audit;

namespace Consensus.Server.Options;

/// <summary>What a member records of who asked it for what.</summary>
/// <param name="File">Where; as given.</param>
/// <param name="IsRequired">What is to be recorded is not done while it cannot be.</param>
public sealed record AuditOptions(string File, bool IsRequired)
{
    /// <summary>In a directory that is given.</summary>
    public const string FileName = "audit.log";

    internal AuditLevels Levels { get; init; } = AuditLevels.Default;
}
