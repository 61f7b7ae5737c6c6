using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>
/// Drawn requests for one lock and for several, against the rule as it is said: in the order of their arrival each is granted what it asks
/// for if all of that is free and nobody before it waits for any of it.
/// </summary>
public sealed class LinesModelTests
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e", "f"];

    private sealed record Asked(string Owner, string[] Names, RequestId Request);

    private Machine _machine = null!;
    private List<Asked> _waiting = null!;
    private Dictionary<string, string> _holders = null!;

    private void Ask(DeterministicRandom random, int number)
    {
        var names = Names.Where(_ => random.Chance(1, 3)).OrderBy(_ => random.Next(100)).ToArray();
        names = names.Length == 0 ? [Names[random.Next(Names.Length)]] : names;
        var (owner, wait) = ($"o{number}", random.Chance(4, 5) ? 600 * Second : 0);
        var asked = names.Length == 1 && random.Chance(1, 2)
            ? (Command)Lock(names[0], owner, number, wait, ttl: 600 * Second)
            : Many(owner, number, names) with { WaitMicros = wait, TtlMicros = 600 * Second };
        _machine.Do(asked);
        if (wait > 0 || names.All(name => !_holders.ContainsKey(name) && !_waiting.Exists(w => w.Names.Contains(name))))
        {
            _waiting.Add(new Asked(owner, names, _machine.Last));
        }
        Serve();
    }

    private void Release(string name)
    {
        _machine.Do(new ReleaseHoldCommand(Machine.Key(name), _machine.View.GetObject(Machine.Key(name)).Holder!.Token, Force: false));
        _holders.Remove(name);
        Serve();
    }

    private void GiveUp(Asked asked)
    {
        _machine.Do(CancelWaitCommand.Of(ObjectName.Lock(Machine.Key(asked.Names[^1])), asked.Request, CancelReason.Disconnected));
        _waiting.Remove(asked);
        Serve();
    }

    private void Serve()
    {
        var taken = _holders.Keys.ToHashSet();
        foreach (var asked in _waiting.ToList())
        {
            if (!asked.Names.Any(taken.Contains))
            {
                asked.Names.ToList().ForEach(name => _holders.Add(name, asked.Owner));
                _waiting.Remove(asked);
            }
            taken.UnionWith(asked.Names);
        }
        var holders = Names.Select(name => (name, _machine.View.GetObject(Machine.Key(name)).Holder?.Owner)).Where(
            h => h.Owner is not null);
        Assert.That(holders, Is.EquivalentTo(_holders.Select(h => (h.Key, (string?)h.Value))));
        Assert.That(_machine.View.Counts.Waiters, Is.EqualTo(_waiting.Sum(w => w.Names.Length)));
    }

    [Test]
    public void Nobody_is_passed_and_nobody_waits_for_ever([Range(1, 100)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        (_machine, _waiting, _holders) = (new Machine(), [], []);
        for (var i = 1; i <= 120; i++)
        {
            switch (random.Next(5))
            {
                case 0 or 1 when _holders.Count > 0:
                    Release(_holders.Keys.Order(StringComparer.Ordinal).ElementAt((int)random.Next(_holders.Count)));
                    break;
                case 2 when _waiting.Count > 0 && random.Chance(1, 3):
                    GiveUp(_waiting[(int)random.Next(_waiting.Count)]);
                    break;
                default:
                    Ask(random, i);
                    break;
            }
            if (random.Chance(1, 20))
            {
                _machine.RestoreFromSnapshot();
            }
        }
        while (_holders.Count > 0)
        {
            Release(_holders.Keys.Order(StringComparer.Ordinal).ElementAt((int)random.Next(_holders.Count)));
        }
        Assert.That(_waiting, Is.Empty, "each release brings the earliest nearer to its turn");
    }
}
