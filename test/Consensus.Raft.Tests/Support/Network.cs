using Consensus.Primitives;

namespace Consensus.Raft.Tests.Support;

/// <summary>Hosts that hear each other at once, except over links that are cut. Time passes only when a test says so.</summary>
internal sealed class Network
{
    private readonly List<Host> _hosts;
    private readonly HashSet<(MemberId From, MemberId To)> _cut = [];

    public Network(params Host[] hosts) => _hosts = [.. hosts];

    public Host this[int number] => _hosts.Single(h => h.Id == Make.Id(number));

    public IReadOnlyList<Host> Hosts => _hosts;

    /// <summary>Messages that a test wants lost.</summary>
    public Func<Message, bool> Drops { get; set; } = _ => false;

    /// <summary>Members 1 to <paramref name="count"/>, all voting, with empty logs.</summary>
    public static Network OfVoters(int count, RaftOptions? options = null)
    {
        var configuration = Make.Voters(count);
        return new Network([.. Enumerable.Range(1, count).Select(n => Make.Host(n, configuration, options: options))]);
    }

    public void Isolate(int number)
    {
        foreach (var other in _hosts)
        {
            Cut(number, (int)other.Id.Value);
        }
    }

    public void Cut(int one, int other)
    {
        _cut.Add((Make.Id(one), Make.Id(other)));
        _cut.Add((Make.Id(other), Make.Id(one)));
    }

    public void Heal() => _cut.Clear();

    /// <summary>Delivers until nothing is on its way.</summary>
    public void Settle()
    {
        for (var rounds = 0; rounds < 10_000; rounds++)
        {
            var moved = false;
            foreach (var host in _hosts)
            {
                host.Pump();
                Message[] messages = [.. host.Sent];
                host.Sent.Clear();
                foreach (var message in messages)
                {
                    moved = true;
                    if (!_cut.Contains((message.From, message.To)) && !Drops(message))
                    {
                        Deliver(message);
                    }
                }
            }
            if (!moved)
            {
                return;
            }
        }
        Assert.Fail("the members never stop talking");
    }

    public void Tick(int ticks, params int[] numbers)
    {
        for (var i = 0; i < ticks; i++)
        {
            foreach (var host in _hosts)
            {
                if (numbers.Length == 0 || numbers.Contains((int)host.Id.Value))
                {
                    host.Tick(1);
                }
            }
            Settle();
        }
    }

    /// <summary>Lets this member's election timeout pass alone, and everything that follows happen.</summary>
    public void Elect(int number)
    {
        for (var i = 0; i < 4 * Make.T && this[number].Node.Role != RaftRole.Leader; i++)
        {
            this[number].Tick(1);
            Settle();
        }
        Assert.That(this[number].Node.Role, Is.EqualTo(RaftRole.Leader));
    }

    private void Deliver(Message message)
    {
        var target = _hosts.SingleOrDefault(h => h.Id == message.To);
        if (target is null)
        {
            return;
        }
        target.Step(message);
        if (message is InstallSnapshotRequest install)
        {
            var sender = _hosts.Single(h => h.Id == message.From);
            sender.Node.ReportSnapshotSent(install, SnapshotReport.Taken);
        }
    }
}
