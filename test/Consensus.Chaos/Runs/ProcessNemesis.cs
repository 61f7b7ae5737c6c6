using Consensus.Chaos.Machines;
using Consensus.Primitives;

namespace Consensus.Chaos.Runs;

/// <summary>One fault after another, drawn from a seed; each ends by itself or with the next healing.</summary>
internal sealed class ProcessNemesis(ChaosCluster cluster, ulong seed)
{
    private readonly DeterministicRandom _random = new(seed);
    private readonly SortedDictionary<string, int> _injected = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> Injected => _injected;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Pause(300, 3_000);
            if (stop.IsCancellationRequested)
            {
                break;
            }
            await InjectAsync();
        }
    }

    private async Task InjectAsync()
    {
        var members = cluster.Members;
        var victim = (int)_random.Next(members.Count);
        var member = members[victim];
        switch (_random.Next(12))
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
                cluster.Heal();
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
            case 7 or 8 or 9 when cluster.Network.IsCuttable:
                await PartitionAsync(victim);
                break;
            case 10 when Member.CanChangeWallClock:
                Count("jump of the wall clock");
                member.JumpWallClock(_random.Next(-100_000, 100_000));
                break;
            case 11 when cluster.Disk.IsMounted:
                Count("full disk");
                cluster.Disk.Fill();
                await Pause(1_000, 5_000);
                cluster.Disk.Empty();
                members[0].Start();
                break;
            default:
                Count("kill -9");
                member.Kill();
                member.Start();
                break;
        }
    }

    private async Task PartitionAsync(int victim)
    {
        var others = Enumerable.Range(0, cluster.Members.Count).Where(i => i != victim).ToList();
        var kind = _random.Next(4);
        foreach (var other in kind == 2 ? others.Take(1) : others)
        {
            if (kind != 1)
            {
                cluster.Network.Cut(victim, other);
            }
            if (kind != 0)
            {
                cluster.Network.Cut(other, victim);
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
        cluster.Network.Heal();
    }

    private void Count(string fault) => _injected[fault] = _injected.GetValueOrDefault(fault) + 1;

    private Task Pause(int fromMs, int toMs) => Task.Delay((int)_random.Next(fromMs, toMs));
}
