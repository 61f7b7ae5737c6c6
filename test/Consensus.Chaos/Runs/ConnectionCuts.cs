using Consensus.Primitives;

namespace Consensus.Chaos.Runs;

/// <summary>
/// Cuts connections between clients and members one by one while other faults go on, at a rate that is drawn: by a reset, or without a
/// word, so that the member learns of it up to 15 s later, as it would by its TCP keep-alive.
/// </summary>
/// <param name="count">Told of each cut.</param>
internal sealed class ConnectionCuts(ChaosCluster cluster, ulong seed, Action<string> count)
{
    private readonly DeterministicRandom _random = new(seed);

    public async Task RunAsync(CancellationToken stop)
    {
        // From one in 30 ms to one in 2 s on average; of a hundred so many without a word.
        var meanMs = 30 << (int)_random.Next(7);
        var silentPercent = (int)_random.Next(80);
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay((int)_random.Next(1, 2 * meanMs), CancellationToken.None);
            var members = cluster.Members;
            var front = cluster.FrontOf(members[(int)_random.Next(members.Count)]);
            var which = (int)_random.Next(int.MaxValue);
            if (_random.Chance(silentPercent, 100))
            {
                Note(front.Silence(which, (int)_random.Next(1_000, 15_000)), "a client's connection gone silent");
            }
            else
            {
                Note(front.Cut(which), "a client's connection cut");
            }
        }
    }

    private void Note(bool isDone, string what)
    {
        if (isDone)
        {
            count(what);
        }
    }
}
