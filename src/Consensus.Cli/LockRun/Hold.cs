namespace Consensus.Cli.LockRun;

/// <summary>What was granted to this process; <see cref="Deadline"/> is its own (rule 3), on the boot clock.</summary>
internal sealed record Hold(IHoldTarget Target, long FencingToken, HoldSchedule Schedule, TimeSpan Deadline);
