namespace Consensus.Exploration.Members;

/// <summary>What can happen to one member.</summary>
internal enum InputKind
{
    /// <summary>A message arrives.</summary>
    Hear,

    /// <summary>Time passes until the next thing falls due: an election, a heartbeat, the end of a leadership that hears of nobody.</summary>
    TimeOut,

    /// <summary>Time passes until just before that.</summary>
    Lapse,

    /// <summary>The oldest write is durable.</summary>
    Persist,

    /// <summary>The process ends, what was not durable is lost, and the next process starts.</summary>
    Restart,

    Propose,

    Read,

    Change,

    /// <summary>It hears that another member's process is gone: its link closed, and a new connection was refused.</summary>
    Notice,
}

/// <param name="Argument">The message's number, the proposal's, the change's, or whose process is gone.</param>
internal readonly record struct Input(InputKind Kind, int Argument = 0);
