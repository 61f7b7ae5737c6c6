using Consensus.Api.Watches;

namespace Consensus.Client;

/// <summary>Who leads, and what it proclaims.</summary>
/// <param name="Leader">Null when nobody leads; then there is neither value nor token.</param>
/// <param name="Revision">As of which revision.</param>
public sealed record ElectionState(string Name, string? Leader, string? Value, long? FencingToken, long Revision)
{
    internal static ElectionState Of(ElectionEventData data) => new(data.Name, data.Leader, data.Value, data.FencingToken, data.Revision);
}
