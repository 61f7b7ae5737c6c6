namespace Consensus.Cli.LockRun;

/// <summary>A lock that was granted to this process; <see cref="Deadline"/> is its own (rule 3), on the boot clock.</summary>
internal sealed record Hold(string Name, long FencingToken, HoldSchedule Schedule, TimeSpan Deadline);
