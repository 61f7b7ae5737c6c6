namespace Consensus.Simulation.Clients;

/// <summary>
/// Clients of everything beyond plain keys and exclusive locks: transactions, shared locks, semaphores, elections, several locks at once, leases of their own, fences. They use
/// names that others do not, so that each is judged by checkers of its own. Times in microseconds; weights are relative.
/// </summary>
public sealed record CoordinationOptions
{
    /// <summary>0 for none.</summary>
    public int Clients { get; init; }

    /// <summary>Before every name.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Of all keys of transactions.</summary>
    public string KeyPrefix => Prefix + CoordinationWorkload.KeyName;

    public int Keys { get; init; } = 4;

    /// <summary>Of locks, of semaphores and of elections.</summary>
    public int Names { get; init; } = 2;

    /// <summary>The limit of every semaphore.</summary>
    public int Permits { get; init; } = 3;

    public int TransactionWeight { get; init; } = 20;

    /// <summary>Transactions that do nothing but delete what has a prefix.</summary>
    public int PrefixDeleteWeight { get; init; }

    public int ReadWeight { get; init; } = 15;

    public int HoldWeight { get; init; } = 30;

    public int LeaseWeight { get; init; } = 10;

    public int FenceWeight { get; init; } = 10;

    /// <summary>An operator breaks holds.</summary>
    public int ForceWeight { get; init; } = 2;

    /// <summary>An operator changes limits of semaphores; clients then ask with the limits that they heard of.</summary>
    public int PermitWeight { get; init; }

    /// <summary>An operator changes settings.</summary>
    public int SettingWeight { get; init; }
}
