namespace Consensus.Chaos.Clients;

/// <summary>Where a client reaches a member: at its own address, or through a front that resets and stalls connections.</summary>
/// <param name="Host">The member's own, which is all that it answers to.</param>
internal readonly record struct Door(string Url, string Host);
