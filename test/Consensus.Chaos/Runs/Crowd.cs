using System.Globalization;
using Consensus.Chaos.Clients;
using Consensus.Primitives;
using Consensus.Server.Watches;
using Consensus.Simulation.Clients;
using Consensus.StateMachine;

namespace Consensus.Chaos.Runs;

/// <summary>
/// Who asks and who watches in one round. Half of the clients use plain keys and exclusive locks, half everything else, in the simulation's proportions and in names of the round's
/// own; further ones ask under sessions, for the names of the latter. Every second one of each comes through a front. One watch of all keys
/// and one of each election miss nothing; the others come and go.
/// </summary>
internal sealed class Crowd : IDisposable
{
    /// <summary>Clients of other kinds have lower numbers.</summary>
    private const int FirstHolder = 10_000;

    private readonly ChaosClient[] _lookers;

    public Crowd(Record record, ChaosCluster cluster, ChaosOptions options, int round, ulong seed)
    {
        var random = new DeterministicRandom(seed);
        // Names of one round are no prefix of another's.
        var prefix = string.Create(CultureInfo.InvariantCulture, $"r{round}-");
        var plain = new ClientOptions { Prefix = prefix, ShortestTtl = 200_000, LongestTtl = 4_000_000, IdentityPercent = 75 };
        var plan = new CoordinationOptions { Prefix = prefix, PrefixDeleteWeight = 2, ForceWeight = 1 };
        Func<IReadOnlyList<Door>> DoorsOf(int number) => number / 2 % 2 == 0 ? () => cluster.Doors : () => cluster.FrontDoors;
        Clients = [.. Enumerable.Range(0, options.Clients).Select(i => new ChaosClient(
            record,
            DoorsOf(i),
            i,
            round,
            random.NextUInt64(),
            drawn => i % 2 == 0 ? new KeyAndLockWorkload(plain, record.History, i, drawn) : new CoordinationWorkload(plan, plain, record.History, i, drawn)))];
        Holders = [.. Enumerable.Range(0, options.Sessions).Select(i => new ChaosHolder(
            record,
            DoorsOf(2 * i),
            new ChaosSessionPlan(plan, FirstHolder + i),
            round,
            random.NextUInt64()))];
        Reader = new ChaosClient(record, () => cluster.Doors, options.Clients, round, random.NextUInt64());
        var elections = Enumerable.Range(0, plan.Names).Select(i => new WatchTarget(WatchKind.Election, Named($"{prefix}e{i}"), false)).ToList();
        List<WatchTarget> targets =
        [
            new(WatchKind.Prefix, Named($"{prefix}"), false), new(WatchKind.Prefix, Named($"{plan.KeyPrefix}"), false), .. elections,
            .. Enumerable.Range(0, plain.Keys).Select(i => new WatchTarget(WatchKind.Key, Named($"{prefix}k{i}"), false)),
            .. Enumerable.Range(0, plan.Keys).Select(i => new WatchTarget(WatchKind.Key, Named($"{plan.KeyPrefix}{i}"), false)),
        ];
        _lookers = [.. Enumerable.Range(0, 1 + elections.Count + options.Watchers).Select(i => new ChaosClient(record, () => cluster.Doors, options.Clients + 1 + i, round, random.NextUInt64()))];
        var scribes = elections.Prepend(targets[0]).Select((target, i) => Watcher(target, record.Began.Next, isScribe: true, i)).ToList();
        var others = Enumerable.Range(scribes.Count, options.Watchers).Select(i =>
        {
            var target = targets[(int)random.Next(targets.Count)];
            target = target with { WithPrevious = target.Kind != WatchKind.Election && random.Chance(1, 3) };
            return Watcher(target, DrawStart(), isScribe: false, i);
        });
        Watchers = [.. scribes, .. others];

        Revision? DrawStart() => random.Next(3) switch
        {
            // In a long run it is forgotten by then.
            0 => new Revision(1 + random.Next(record.Began.Value)),
            1 => record.Began.Next,
            _ => null,
        };

        ChaosWatcher Watcher(WatchTarget target, Revision? from, bool isScribe, int i) =>
            new(record, DoorsOf(i), _lookers[i], target, from, isScribe, string.Create(CultureInfo.InvariantCulture, $"w{i}"), random.NextUInt64());
    }

    public IReadOnlyList<ChaosClient> Clients { get; }

    /// <summary>Those with a session.</summary>
    public IReadOnlyList<ChaosHolder> Holders { get; }

    public IReadOnlyList<IAsker> Askers => [.. Clients, .. Holders];

    /// <summary>For what is asked once the clients are done.</summary>
    public ChaosClient Reader { get; }

    public IReadOnlyList<ChaosWatcher> Watchers { get; }

    public void Dispose()
    {
        foreach (var client in Askers.Concat(_lookers).Append(Reader))
        {
            client.Dispose();
        }
        foreach (var watcher in Watchers)
        {
            watcher.Dispose();
        }
    }

    private static Key Named(FormattableString name) => Key.FromText(name.ToString(CultureInfo.InvariantCulture));
}
