using System.Text;
using Consensus.Benchmarks.Workloads;
using Consensus.Client;

namespace Consensus.Benchmarks.Library;

/// <summary>
/// As a user of the library writes it. There is a <see cref="ConsensusClient"/> for each member, whose first endpoint it is, since the
/// generator's clients are spread evenly too.
/// </summary>
internal sealed class LibrarySpeaker(PoolTask task) : IPoolSpeaker
{
    private readonly ConsensusClient[] _clients = [.. task.Endpoints.Select((_, first) => New(task.Endpoints, first))];
    private readonly byte[] _value = Encoding.ASCII.GetBytes(KeySpace.Value);

    /// <summary>A client whose first choice is that endpoint.</summary>
    public static ConsensusClient New(IReadOnlyList<string> endpoints, int first) => new(Options(endpoints, first));

    public static ConsensusClientOptions Options(IReadOnlyList<string> endpoints, int first) => new()
    {
        Endpoints = [.. endpoints.Skip(first).Concat(endpoints.Take(first)).Select(endpoint => new Uri(endpoint))],
    };

    public async Task<string?> PutAsync(int client, string key)
    {
        try
        {
            await Of(client).PutAsync(key, _value);
            return null;
        }
        catch (ConsensusException error)
        {
            return error.Message;
        }
    }

    public async Task<string?> LockAsync(int client)
    {
        try
        {
            await using var handle = await Of(client).AcquireLockAsync(LockNames.NameOf(task.Run, client));
            return await handle.ReleaseAsync() ? null : $"the lock was lost: {handle.LossReason}";
        }
        catch (ConsensusException error)
        {
            return error.Message;
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients)
        {
            client.Dispose();
        }
    }

    private ConsensusClient Of(int client) => _clients[client % _clients.Length];
}
