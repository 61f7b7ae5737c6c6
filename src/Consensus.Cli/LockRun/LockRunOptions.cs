namespace Consensus.Cli.LockRun;

/// <summary>What <c>lock run</c> was asked for; a <see cref="Wait"/> of null is as long as it takes.</summary>
internal sealed record LockRunOptions(
    string Name, string Owner, TimeSpan Ttl, TimeSpan? Wait, TimeSpan? Grace, IReadOnlyList<string> Command);
