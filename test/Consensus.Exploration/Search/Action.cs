using Consensus.Exploration.Members;
using Consensus.Primitives;
using Consensus.Raft;

namespace Consensus.Exploration.Search;

/// <summary>What can happen next.</summary>
internal enum ActionKind
{
    /// <summary>A message arrives, and is gone.</summary>
    Hear,

    /// <summary>A message arrives, and once more later.</summary>
    HearAndKeep,

    Lose,
    TimeOut,
    Lapse,
    Persist,
    Restart,
    Propose,
    Read,
    Change,
    Notice,
}

/// <param name="Member">To whom it happens, from 0.</param>
/// <param name="Message">The message's number, or the argument of the member's input.</param>
internal readonly record struct Action(ActionKind Kind, int Member, int Message = 0)
{
    public Input Input => Kind switch
    {
        ActionKind.Hear or ActionKind.HearAndKeep => new Input(InputKind.Hear, Message),
        ActionKind.TimeOut => new Input(InputKind.TimeOut),
        ActionKind.Lapse => new Input(InputKind.Lapse),
        ActionKind.Persist => new Input(InputKind.Persist),
        ActionKind.Restart => new Input(InputKind.Restart),
        ActionKind.Propose => new Input(InputKind.Propose, Message),
        ActionKind.Read => new Input(InputKind.Read),
        ActionKind.Change => new Input(InputKind.Change, Message),
        ActionKind.Notice => new Input(InputKind.Notice, Message),
        _ => Invariant.Unreachable<Input>(Kind),
    };

    public string Describe(Steps steps, MemberId member) => Kind switch
    {
        ActionKind.Hear => $"n{member.Value} hears {Text(steps.MessageOf(Message))}",
        ActionKind.HearAndKeep => $"n{member.Value} hears, and will hear again, {Text(steps.MessageOf(Message))}",
        ActionKind.Lose => $"lost: {Text(steps.MessageOf(Message))}",
        ActionKind.TimeOut => $"n{member.Value}: something falls due",
        ActionKind.Lapse => $"n{member.Value}: time passes",
        ActionKind.Persist => $"n{member.Value}: the oldest write is durable",
        ActionKind.Restart => $"n{member.Value} restarts",
        ActionKind.Propose => $"n{member.Value} is asked to log command {Message}",
        ActionKind.Read => $"n{member.Value} is asked for a read",
        ActionKind.Change => $"n{member.Value} is asked for change {Message + 1}",
        ActionKind.Notice => $"n{member.Value} notices that the process of n{Message} is gone",
        _ => Invariant.Unreachable<string>(Kind),
    };

    private static string Text(Message message) =>
        $"{message.GetType().Name} of n{message.From.Value} in term {message.Term}" + message switch
        {
            AppendRequest request => $" (after {request.PreviousIndex}, {request.Entries.Count} entries, commit {request.Commit})",
            AppendResponse response => $" ({(response.Success ? "match" : "conflict")} {response.MatchIndex})",
            HeartbeatRequest request => $" (commit {request.Commit}, round {request.ReadRound})",
            HeartbeatResponse response => $" (round {response.ReadRound})",
            VoteRequest request => $" (log ends with {request.LastIndex} of term {request.LastTerm})",
            PreVoteRequest request => $" (log ends with {request.LastIndex} of term {request.LastTerm})",
            VoteResponse response => response.Granted ? " (granted)" : " (denied)",
            PreVoteResponse response => response.Granted ? " (granted)" : " (denied)",
            ReadIndexResponse response => $" (index {response.Index})",
            _ => "",
        };
}
