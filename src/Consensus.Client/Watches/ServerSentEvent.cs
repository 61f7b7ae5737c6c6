namespace Consensus.Client.Watches;

/// <summary>One block of an event stream (WHATWG HTML §9.2.6).</summary>
/// <param name="Event">Empty for a block without data: a comment, or an id that moves the place to go on from.</param>
/// <param name="Id">Null when the block has none.</param>
internal readonly record struct ServerSentEvent(string Event, string? Id, string Data)
{
    public bool HasData => Event.Length > 0;
}
