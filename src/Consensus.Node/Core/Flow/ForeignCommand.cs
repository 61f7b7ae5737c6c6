using Consensus.Node.Peers;
using Consensus.Primitives;
using Consensus.StateMachine.Wire;

namespace Consensus.Node.Core.Flow;

/// <summary>
/// On the leader: a command that another member forwarded, while it waits to be proposed. It is not answered here: its member sees it applied, or is sent a refusal.
/// </summary>
/// <param name="from">Who forwarded it, as its process <paramref name="boot"/>.</param>
/// <param name="term">In any other nothing is appended.</param>
internal sealed class ForeignCommand(MemberId from, Term term, long boot, in ForwardedCommand command, CommandLane lane)
    : PendingCommand(new RequestId(from, boot, command.Sequence), command.Payload, command.Principal, lane)
{
    private readonly bool _standsInLine = command.StandsInLine;

    public Term Term { get; } = term;

    public int FeatureLevel { get; } = command.FeatureLevel;

    /// <summary>
    /// Reads what an acquire that stands in line asks for, which then counts in its bytes. Only where this member knows such commands,
    /// and leads: others are refused unread.
    /// </summary>
    public void Look()
    {
        if (_standsInLine)
        {
            Acquire = CommandCodec.Read(Payload) with { Principal = Principal };
        }
    }
}
