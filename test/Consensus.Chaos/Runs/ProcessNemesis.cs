using System.Collections.Concurrent;
using Consensus.Chaos.Machines;
using Consensus.Primitives;

namespace Consensus.Chaos.Runs;

/// <summary>One fault after another, drawn from a seed; each ends by itself or with the next healing.</summary>
internal sealed class ProcessNemesis : IDisposable
{
    private readonly ChaosCluster _cluster;
    private readonly DeterministicRandom _random;
    private readonly ConcurrentDictionary<string, int> _injected = new(StringComparer.Ordinal);
    private readonly Churn _churn;
    private readonly ConnectionCuts _cuts;
    private long? _roughUntilMs;

    public ProcessNemesis(ChaosCluster cluster, ulong seed)
    {
        (_cluster, _random) = (cluster, new DeterministicRandom(seed));
        _churn = new Churn(cluster, _random.NextUInt64(), Count);
        _cuts = new ConnectionCuts(cluster, _random.NextUInt64(), Count);
    }

    public IReadOnlyDictionary<string, int> Injected => _injected;

    public void Dispose() => _churn.Dispose();

    /// <summary>Once all else is healed: a change of the membership that is under way comes to its end.</summary>
    public Task FinishAsync(TimeSpan limit) => _churn.FinishAsync(limit);

    public async Task RunAsync(CancellationToken stop)
    {
        var cutting = Task.Run(() => _cuts.RunAsync(stop), CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            await Pause(300, 3_000);
            if (stop.IsCancellationRequested)
            {
                break;
            }
            if (_roughUntilMs <= Environment.TickCount64)
            {
                EndRoughLinks();
            }
            await InjectAsync();
        }
        EndRoughLinks();
        await cutting;
    }

    private async Task InjectAsync()
    {
        var members = _cluster.Members;
        var member = members[(int)_random.Next(members.Count)];
        switch (_random.Next(24))
        {
            case 0 or 1:
                Count("kill -9");
                member.Kill();
                await Pause(0, 4_000);
                member.Start();
                break;
            case 2:
                Count("kill -9 of all members");
                foreach (var one in members)
                {
                    one.Kill();
                }
                await Pause(0, 1_000);
                _cluster.Heal();
                break;
            case 3:
                Count("clean restart");
                await member.StopAsync(TimeSpan.FromSeconds(10));
                await Pause(0, 2_000);
                member.Start();
                break;
            case 4:
                Count("rolling restart");
                foreach (var one in members)
                {
                    await one.StopAsync(TimeSpan.FromSeconds(10));
                    one.Start();
                    await Pause(500, 1_500);
                }
                break;
            case 5 or 6:
                Count("SIGSTOP");
                member.Freeze();
                await Pause(200, 5_000);
                member.Thaw();
                break;
            case 7 or 8 or 9 when _cluster.Network.IsCuttable:
                await PartitionAsync(members, member);
                break;
            case 10 when Member.CanChangeWallClock:
                Count("jump of the wall clock");
                member.JumpWallClock(_random.Next(-100_000, 100_000));
                break;
            case 11 when _cluster.Disk.IsMounted:
                Count("full disk");
                _cluster.Disk.Fill();
                await Pause(1_000, 5_000);
                _cluster.Disk.Empty();
                members.FirstOrDefault(m => m.Slot == 0)?.Start();
                break;
            case 12 or 13 or 14 or 15 or 16 when !_churn.IsUnderWay:
                await _churn.BeginAsync();
                break;
            case 17:
                await _churn.HandOverAsync();
                break;
            case 18 or 19 or 20 when _cluster.Network.Rough is not null && _roughUntilMs is null:
                RoughenLinks(member);
                break;
            case 21:
                Count("clients' connections reset");
                SomeOf(members, member).ForEach(one => _cluster.FrontOf(one).Reset());
                break;
            case 22:
                Count("answers torn");
                SomeOf(members, member).ForEach(one => _cluster.FrontOf(one).TearAfter((int)_random.Next(1, 1_000)));
                break;
            case 23:
                Count("clients' connections stalled");
                SomeOf(members, member).ForEach(one => _cluster.FrontOf(one).Stall((int)_random.Next(200, 6_000)));
                break;
            default:
                // Not possible here, or under way already.
                await InjectAsync();
                break;
        }
    }

    private List<Member> SomeOf(IReadOnlyList<Member> members, Member one) => _random.Chance(1, 3) ? [.. members] : [one];

    private async Task PartitionAsync(IReadOnlyList<Member> members, Member victim)
    {
        var others = members.Where(m => m != victim).ToList();
        var kind = _random.Next(4);
        foreach (var other in kind == 2 ? others.Take(1) : others)
        {
            if (kind != 1)
            {
                _cluster.Network.Cut(victim.Slot, other.Slot);
            }
            if (kind != 0)
            {
                _cluster.Network.Cut(other.Slot, victim.Slot);
            }
        }
        Count(kind switch
        {
            0 => "cut: a member is not heard",
            1 => "cut: a member hears nobody",
            2 => "cut: two members apart",
            _ => "cut: a member alone",
        });
        await Pause(500, 6_000);
        _cluster.Network.Heal();
    }

    /// <summary>Of all members, or of one to and from all others, or in one direction only; other faults go on meanwhile.</summary>
    private void RoughenLinks(Member victim)
    {
        var (what, link) = _random.Next(5) switch
        {
            0 => ("slow", new RoughLink { DelayMs = (int)_random.Next(5, 300) }),
            1 => ("lossy", new RoughLink { LostPerMille = (int)_random.Next(10, 300) }),
            2 => ("that reorder and double", new RoughLink { DelayMs = (int)_random.Next(50), JitterMs = (int)_random.Next(5, 200), TwicePerMille = 50 }),
            3 => ("that reset connections", new RoughLink { DelayMs = (int)_random.Next(20), ResetPerMille = (int)_random.Next(5, 100) }),
            _ => ("narrow", new RoughLink { DelayMs = (int)_random.Next(20), BytesPerSecond = (int)_random.Next(10_000, 200_000) }),
        };
        var whose = _random.Next(4);
        var places = _cluster.Network.Places;
        for (var from = 0; from < places; from++)
        {
            for (var to = 0; to < places; to++)
            {
                var isOfVictim = (from == victim.Slot && whose != 2) || (to == victim.Slot && whose != 1);
                if (from != to && (whose == 0 || isOfVictim))
                {
                    _cluster.Network.Roughen(from, to, link);
                }
            }
        }
        _roughUntilMs = Environment.TickCount64 + _random.Next(2_000, 12_000);
        Count($"links {what}{(whose is 1 or 2 ? ", one way" : "")}");
    }

    private void EndRoughLinks()
    {
        _cluster.Network.Smooth();
        _roughUntilMs = null;
    }

    private void Count(string fault) => _injected.AddOrUpdate(fault, 1, (_, before) => before + 1);

    private Task Pause(int fromMs, int toMs) => Task.Delay((int)_random.Next(fromMs, toMs));
}
