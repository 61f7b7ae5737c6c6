using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.LockRun;

/// <summary>What was granted to this process. The client renews it; its instants are by the boot clock, since its start.</summary>
internal sealed record Hold(IHoldTarget Target, HoldHandle Handle, long FencingToken, HoldSchedule Schedule)
{
    /// <summary>From here on whatever works under it is told to end. A renewal moves it.</summary>
    public TimeSpan TerminateAt => Handle.SafeUntilOnClock;

    /// <summary>From here on it must be dead.</summary>
    public TimeSpan KillAt => TerminateAt + Schedule.Grace;

    /// <summary>One sentence about a hold that cannot be kept.</summary>
    public string Reason => !Handle.IsEndedByCluster && Handle.IsAtItsLongest && Target.Options.MaxHold is { } longest
        ? $"its --max-hold of {Durations.Show((long)longest.TotalMilliseconds)} is over."
        : Handle.WhyOver;

    /// <summary>Whether work under it must end now; judged by the clock, not by whether a timer had its turn.</summary>
    public bool IsOver(TimeProvider clock) => Handle.LossReason is not null || clock.SinceStart() >= TerminateAt;
}
