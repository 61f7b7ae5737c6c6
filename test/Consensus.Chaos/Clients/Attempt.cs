namespace Consensus.Chaos.Clients;

/// <summary>What is not part of a request: each attempt of it may have another.</summary>
/// <param name="SliceMs">Whoever still waits after this time is told its place; null: the connection is there for as long as the wait.</param>
/// <param name="Acked">Up to which number of its session the client knows the answers.</param>
internal readonly record struct Attempt(long? SliceMs = null, long Acked = 0);
