namespace Consensus.Api.Fences;

public sealed record FenceRequest(long FencingToken);

/// <summary>A resource's high-water mark of fencing tokens.</summary>
public sealed record FenceAnswer(string Resource, long HighestToken);

public sealed record FenceListAnswer(IReadOnlyList<FenceAnswer> Items, long Revision, string? NextCursor);

/// <param name="Existed">False when there was no such fence: nothing changed.</param>
public sealed record FenceResetAnswer(string Resource, bool Existed, long Revision);
