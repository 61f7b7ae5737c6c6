using Consensus.StateMachine.Comparison;

namespace Consensus.Server.Comparison;

/// <summary>What is asked of one range: exactly one of the three.</summary>
/// <param name="Parts">To be cut into so many; 0 when that is not the question.</param>
/// <param name="Items">To be listed; 0 when that is not the question.</param>
internal sealed record RangeQuestion(PlaceRange Range, int Parts, IReadOnlyList<ReadOnlyMemory<byte>>? Cuts, int Items)
{
    public IEnumerable<ReadOnlyMemory<byte>> Places
    {
        get
        {
            foreach (var end in (ReadOnlyMemory<byte>?[])[Range.From, Range.To])
            {
                if (end is { } place)
                {
                    yield return place;
                }
            }
            foreach (var cut in Cuts ?? [])
            {
                yield return cut;
            }
        }
    }
}
