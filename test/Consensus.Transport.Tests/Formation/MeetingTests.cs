using Consensus.Node.Formation;
using Consensus.Primitives;
using Consensus.Transport.Formation;
using Consensus.Transport.Handshake;

namespace Consensus.Transport.Tests.Formation;

/// <summary>The agreement of a first start, without sockets.</summary>
public sealed class MeetingTests
{
    private const string Token = "a token";

    [Test]
    public void A_single_member_decides_alone()
    {
        var decision = NewMeeting(["a"], "a", 1).Decision!;
        Assert.That(decision.Member, Is.EqualTo(ClusterIdentity.MemberIdOf("a", 1)));
        Assert.That(decision.Cluster, Is.EqualTo(ClusterIdentity.ClusterIdOf(Token, [new InitialMember("a", "h:1", 1)])));
        Assert.That(decision.Members.Single().PeerAddress, Is.EqualTo("h:1"));
    }

    [Test]
    public void Having_met_everyone_is_not_enough_to_decide()
    {
        var a = NewMeeting(["a", "b", "c"], "a", 1);
        a.Answered("b", 1, View(("b", 1)));
        a.Answered("c", 1, View(("c", 1)));
        Assert.That(a.Decision, Is.Null);
        a.Answered("b", 1, View(("a", 1), ("b", 1), ("c", 1)));
        Assert.That(a.Awaited.Select(peer => peer.Name), Is.EqualTo(new[] { "c" }));
        a.Heard("c", 1, View(("a", 1), ("b", 1), ("c", 1)));
        Assert.That(a.Decision, Is.Not.Null);
    }

    [Test]
    public void One_who_reports_another_incarnation_of_somebody_is_waited_for()
    {
        var a = NewMeeting(["a", "b", "c"], "a", 1);
        a.Answered("b", 1, View(("a", 1), ("b", 1), ("c", 1)));
        a.Answered("c", 1, View(("a", 1), ("b", 2), ("c", 1)));
        Assert.That(a.Decision, Is.Null);
    }

    [Test]
    public void A_replaced_incarnation_counts_when_dialled_and_not_when_heard()
    {
        var a = NewMeeting(["a", "b"], "a", 1);
        a.Answered("b", 1, View(("b", 1)));
        Assert.That(a.Heard("b", 2, View(("a", 1), ("b", 2))), Is.True, "it has to be dialled");
        Assert.That(a.View, Is.EquivalentTo(View(("a", 1), ("b", 1))));
        a.Answered("b", 2, View(("a", 1), ("b", 2)));
        Assert.That(a.Decision!.Members.Select(member => member.Id), Does.Contain(ClusterIdentity.MemberIdOf("b", 2)));
    }

    [Test]
    public void A_decision_never_changes()
    {
        var a = NewMeeting(["a", "b"], "a", 1);
        a.Answered("b", 1, View(("a", 1), ("b", 1)));
        var decision = a.Decision;
        Assert.That(a.Answered("b", 2, View(("a", 1), ("b", 2))), Is.False);
        Assert.That(a.Decision, Is.SameAs(decision));
        Assert.That(a.View, Is.EquivalentTo(View(("a", 1), ("b", 1))));
        Assert.That(a.Join(new ClusterId(5), View(("a", 1), ("b", 2))), Is.Not.Null);
    }

    [Test]
    public void A_formed_cluster_is_joined_only_by_the_incarnation_that_it_knows()
    {
        Assert.That(NewMeeting(["a", "b"], "a", 1).Join(new ClusterId(5), View(("a", 2), ("b", 1))), Is.Not.Null);
        Assert.That(NewMeeting(["a", "b"], "a", 1).Join(new ClusterId(5), View(("a", 1))), Is.Not.Null);
        Assert.That(NewMeeting(["a", "b"], "a", 1).Join(new ClusterId(5), View(("a", 1), ("b", 1), ("c", 1))), Is.Not.Null);
        var joined = NewMeeting(["a", "b"], "a", 1);
        Assert.That(joined.Join(new ClusterId(5), View(("b", 7), ("a", 1))), Is.Null);
        Assert.That(joined.Decision!.Cluster, Is.EqualTo(new ClusterId(5)));
        Assert.That(joined.Decision.Members.Single(member => member.Name == "b").Id, Is.EqualTo(ClusterIdentity.MemberIdOf("b", 7)));
    }

    [TestCase("a=h:1", "b", "does not name")]
    [TestCase("a=h:1,a=h:2", "a", "more than once")]
    [TestCase("a=h:1,b=h:1", "a", "more than one member")]
    [TestCase("a=h", "a", "is not host:port")]
    [TestCase("a=h:0", "a", "is not host:port")]
    [TestCase("a=h:65536", "a", "is not host:port")]
    [TestCase("a=h\u0001:5", "a", "is not host:port")]
    [TestCase("a b=h:1", "a b", "is not 1 to 63 of")]
    [TestCase("", "a", "does not name")]
    public void A_list_that_cannot_work_is_refused_with_one_sentence(string list, string self, string reason)
    {
        var peers = list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(item => item.Split('=')).Select(item => new InitialPeer(item[0], item[1]));
        Assert.That(() => InitialCluster.Of(self, [.. peers]), Throws.ArgumentException.With.Message.Contains(reason));
    }

    /// <summary>
    /// Members meet in any order; Hellos arrive late or with their answer lost; processes restart; data directories are replaced. No two
    /// members that kept their directories ever form different clusters; and once the faults end, all members form one, unless a member
    /// that a formed cluster counts on was replaced.
    /// </summary>
    [Test]
    public void Under_any_schedule_there_is_one_cluster()
    {
        for (ulong seed = 1; seed <= 3000; seed++)
        {
            var random = new DeterministicRandom(seed);
            var world = new World(names: [.. "abcde"[..(int)random.Next(2, 6)].Select(c => c.ToString())]);
            for (var step = 0; step < 120; step++)
            {
                world.Step(random);
                world.AssertOneCluster(seed);
            }
            world.Heal();
            world.AssertOneCluster(seed);
            world.AssertProgress(seed);
        }
    }

    private static List<KnownMember> View(params (string Name, long Incarnation)[] members) =>
        [.. members.Select(m => new KnownMember(m.Name, ClusterIdentity.MemberIdOf(m.Name, m.Incarnation)))];

    private static Meeting NewMeeting(string[] names, string self, long incarnation) =>
        new(InitialCluster.Of(self, [.. names.Select((name, i) => new InitialPeer(name, $"h:{i + 1}"))]), incarnation, Token);

    private sealed class World
    {
        private readonly string[] _names;
        private readonly Dictionary<string, Node> _nodes;

        /// <summary>Hellos under way: to a process, from an incarnation, with the view it had.</summary>
        private readonly List<(Node To, string From, long Incarnation, IReadOnlyList<KnownMember> View)> _late = [];

        public World(string[] names)
        {
            _names = names;
            _nodes = names.ToDictionary(name => name, name => new Node(name, 1, NewMeeting(names, name, 1)));
        }

        public void Step(DeterministicRandom random)
        {
            var from = _nodes[_names[random.Next(_names.Length)]];
            var to = _nodes[_names[random.Next(_names.Length)]];
            switch (random.Next(20))
            {
                case 0 when random.Chance(1, 3):
                    _nodes[from.Name] = new Node(from.Name, from.Incarnation + 1, NewMeeting(_names, from.Name, from.Incarnation + 1));
                    break;
                case 1 or 2 when from.Durable is null:
                    _nodes[from.Name] = new Node(from.Name, from.Incarnation, NewMeeting(_names, from.Name, from.Incarnation));
                    break;
                case 3 or 4 or 5 when from.Durable is null && from != to:
                    _late.Add((to, from.Name, from.Incarnation, from.Meeting.View));
                    break;
                case 6 or 7 or 8 when _late.Count > 0:
                    var at = (int)random.Next(_late.Count);
                    var late = _late[at];
                    _late.RemoveAt(at);
                    // A connection to a process that has ended does not reach its successor.
                    if (_nodes[late.To.Name] == late.To && late.To.Durable is null)
                    {
                        late.To.Meeting.Heard(late.From, late.Incarnation, late.View);
                    }
                    break;
                case 9 or 10:
                    from.Durable ??= from.Meeting.Decision;
                    break;
                default:
                    Dial(from, to);
                    break;
            }
        }

        public void Heal()
        {
            for (var round = 0; round < 10; round++)
            {
                foreach (var from in _nodes.Values)
                {
                    foreach (var to in _nodes.Values)
                    {
                        Dial(from, to);
                    }
                    from.Durable ??= from.Meeting.Decision;
                }
            }
        }

        public void AssertOneCluster(ulong seed)
        {
            var formed = _nodes.Values.Select(node => node.Durable).Where(decision => decision is not null);
            Assert.That(formed.Select(decision => decision!.Cluster).Distinct().Count(), Is.LessThanOrEqualTo(1), $"seed {seed}");
        }

        public void AssertProgress(ulong seed)
        {
            var current = _nodes.Values.Select(node => ClusterIdentity.MemberIdOf(node.Name, node.Incarnation)).ToHashSet();
            var formed = _nodes.Values.Select(node => node.Durable).FirstOrDefault(decision => decision is not null);
            Assert.That(formed is not null || _nodes.Values.Any(node => node.Meeting.Decision is not null), Is.True, $"seed {seed}: nobody formed");
            if (formed is null || !formed.Members.All(member => current.Contains(member.Id)))
            {
                return;
            }
            Assert.That(_nodes.Values.All(node => node.Durable?.Cluster == formed.Cluster), Is.True, $"seed {seed}: not all formed");
        }

        private static void Dial(Node from, Node to)
        {
            if (from == to || from.Durable is not null)
            {
                return;
            }
            if (to.Durable is { } formed)
            {
                var known = formed.Members.Select(member => new KnownMember(member.Name, member.Id)).ToList();
                if (known.Any(member => member.Member == from.Meeting.Self))
                {
                    from.Meeting.Join(formed.Cluster, known);
                }
                return;
            }
            to.Meeting.Heard(from.Name, from.Incarnation, from.Meeting.View);
            from.Meeting.Answered(to.Name, to.Incarnation, to.Meeting.View);
        }

        /// <summary>A process; <see cref="Durable"/> is what its data directory holds, and outlives the process.</summary>
        private sealed class Node(string name, long incarnation, Meeting meeting)
        {
            public string Name { get; } = name;

            public long Incarnation { get; } = incarnation;

            public Meeting Meeting { get; } = meeting;

            public FormationResult? Durable { get; set; }
        }
    }
}
