namespace Consensus.Client.Tests.Contract;

/// <summary>What every implementation of <see cref="IConsensusClient"/> keeps: the same tests run against the fake and against a real server.</summary>
internal abstract partial class ClientContract : MultiLockContract;
