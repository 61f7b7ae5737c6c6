using Consensus.Api.Leases;

namespace Consensus.Client.Sessions;

/// <summary>The answer to one renewal of a session.</summary>
/// <param name="News">What happened under it; null unless it was renewed.</param>
internal readonly record struct SessionRenewal(HoldRenewal Renewal, SessionNewsAnswer? News);
