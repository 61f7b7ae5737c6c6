using Consensus.Node.Core;
using Consensus.Node.Runtime;
using Consensus.Primitives;

namespace Consensus.Node.Tests.Runtime;

/// <summary>Whose turn it is, with real threads: never two, and nothing that was posted is left lying.</summary>
public sealed class InboxTests
{
    [Test]
    public void First_turn_is_the_loop_threads()
    {
        using var harness = new Harness();
        Assert.That(harness.Inbox.Post(new PersistedInput(1), out var dropped), Is.False, "nothing turns before the loop thread runs");
        Assert.That(dropped, Is.False);
        harness.Start();
        harness.WaitUntil(() => harness.Seen == 1);
    }

    [Test]
    public void Whoever_posts_while_nobody_turns_has_the_turn()
    {
        using var harness = new Harness();
        harness.Start();
        harness.WaitUntil(() => harness.Turns == 1);
        harness.WaitUntilPosterTurns();
        Assert.That(harness.TurnsOfPosters, Is.GreaterThan(0));
    }

    [Test]
    public void Turns_never_overlap_and_nothing_posted_is_lost_or_seen_twice()
    {
        const int Posters = 6;
        const int Each = 20_000;
        using var harness = new Harness();
        harness.Start();
        var threads = Enumerable.Range(0, Posters).Select(poster => new Thread(() =>
        {
            for (var i = 1; i <= Each; i++)
            {
                // Member and sequence tell the poster and its order.
                var input = new ProcessGoneInput(new MemberId(((long)poster << 32) + i));
                switch (i % 3)
                {
                    case 0:
                        harness.Post(input);
                        break;
                    case 1:
                        harness.PostFromPeer(input, i % 2 == 0 ? 1 << 20 : 100, isLast: i % 7 == 0 || i + 3 > Each);
                        break;
                    default:
                        harness.Inbox.PostToLoop(input);
                        break;
                }
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => Assert.That(thread.Join(Patience.Limit), Is.True));
        harness.WaitUntil(() => harness.Seen == Posters * Each);
        Assert.That(harness.Overlaps, Is.Zero);
        Assert.That(harness.OutOfOrder, Is.Zero, "what one thread posts is seen in its order");
    }

    [Test]
    public void Frames_that_came_together_have_one_turn_and_whatever_else_waits_has_it_with_them()
    {
        var inbox = AfterTheFirstTurn();
        var inputs = Enumerable.Range(1, 4).Select(i => new PersistedInput(i)).ToList();
        Assert.That(inbox.PostFromPeer(inputs[0], 1_000), Is.False, "another may come with it");
        Assert.That(inbox.PostToLoop(inputs[1]), Is.True);
        Assert.That(inbox.PostFromPeer(inputs[2], 2_000), Is.False);
        Assert.That(inbox.BeginTurnIfAny(), Is.True);
        Assert.That(inbox.PostFromPeer(inputs[3], 1_000_000), Is.False, "somebody turns");
        Assert.That(inbox.BeginTurnIfAny(), Is.False, "somebody turns");
        Assert.That(Taken(inbox), Is.EqualTo(inputs));
        Assert.That(inbox.BeginTurnIfAny(), Is.False, "nothing waits");
    }

    [Test]
    public void Frames_that_came_together_wait_for_no_more_than_so_many_bytes([Values(1_000, Inbox.TogetherBytes, 1 << 20)] long max)
    {
        var inbox = AfterTheFirstTurn(max);
        var most = Math.Min(Inbox.TogetherBytes, max);
        for (var turns = 0; turns < 3; turns++)
        {
            // Nobody else turns, so that one which waited for the bound would wait for ever.
            var frames = 0;
            for (var isDue = false; !isDue; frames++)
            {
                isDue = inbox.PostFromPeer(new PersistedInput(1), 100);
                Assert.That(isDue, Is.EqualTo(inbox.PeerBytes > most));
            }
            Assert.That(frames, Is.EqualTo((most / 100) + 1));
            Assert.That(Taken(inbox), Has.Count.EqualTo(frames));
        }
    }

    [Test]
    public void Frame_that_nobody_took_the_turn_for_is_in_the_next_of_anybody()
    {
        var inbox = AfterTheFirstTurn();
        Assert.That(inbox.PostFromPeer(new PersistedInput(1), 100), Is.False);
        Assert.That(inbox.Post(new PersistedInput(2), out _), Is.True);
        Assert.That(Taken(inbox), Is.EqualTo(new[] { new PersistedInput(1), new PersistedInput(2) }));
        Assert.That(inbox.PostFromPeer(new PersistedInput(3), 100), Is.False);
        Assert.That(inbox.WaitForTurn(() => 0, () => long.MaxValue), Is.True, "the loop thread looks");
        Assert.That(Taken(inbox), Is.EqualTo(new[] { new PersistedInput(3) }));
    }

    [Test]
    public void Loop_thread_turns_when_the_time_that_the_last_turn_asked_for_has_come()
    {
        using var harness = new Harness();
        harness.Start();
        harness.WaitUntil(() => harness.Turns == 1);
        // A turn somewhere else asks for an earlier time than the loop thread sleeps for: that of the input itself, and the one that was asked for.
        harness.WakeAfter = 20_000;
        harness.Post(new PersistedInput(1));
        harness.WaitUntil(() => harness.Turns == 3);
        Assert.That(harness.Seen, Is.EqualTo(1));
    }

    [Test]
    public void Commands_that_wait_for_a_turn_are_bounded_in_bytes_and_the_last_tenth_is_for_urgent_ones()
    {
        // Nothing turns: the loop thread stands still, as behind a long turn.
        var inbox = new Inbox(maxCommandBytes: 32 << 20, maxPeerBytes: 32 << 20);
        const int Large = 1_500_000;
        var large = Count(Large, isUrgent: false);
        Assert.That(large, Is.EqualTo((32 << 20) * 9L / 10 / Large));
        Assert.That(Count(1_000, isUrgent: true), Is.GreaterThan(3_000));
        Assert.That(inbox.CommandBytes.Held, Is.InRange((32 << 20) - 1_000, 32 << 20));
        List<NodeInput> inputs = [];
        List<Action> actions = [];
        inbox.Take(ref inputs, ref actions);
        Assert.That(Count(Large, isUrgent: false), Is.EqualTo(large), "what is taken waits no longer");

        long Count(int bytes, bool isUrgent)
        {
            for (var count = 0; ; count++)
            {
                inbox.PostCommand(new PersistedInput(1), bytes, isUrgent, out var dropped, out var isFull);
                Assert.That(dropped, Is.False);
                if (isFull)
                {
                    return count;
                }
            }
        }
    }

    [Test]
    public void After_the_end_an_input_is_dropped_and_its_poster_told()
    {
        var harness = new Harness();
        harness.Start();
        harness.Post(new PersistedInput(1));
        harness.Dispose();
        Assert.That(harness.Seen, Is.EqualTo(1));
        Assert.That(harness.Inbox.Post(new PersistedInput(2), out var dropped), Is.False);
        Assert.That(dropped, Is.True);
    }

    [Test]
    public void After_the_end_frames_of_links_that_still_stand_are_not_kept()
    {
        var harness = new Harness();
        harness.Start();
        harness.Dispose();
        for (var i = 0; i < 100; i++)
        {
            harness.PostFromPeer(new PersistedInput(1), 1 << 20, isLast: true);
        }
        Assert.That((harness.Inbox.HasMore, harness.Inbox.PeerBytes), Is.EqualTo((false, 0L)));
    }

    [Test]
    public void Everything_posted_before_the_end_is_seen_though_threads_post_while_it_closes()
    {
        for (var round = 0; round < 200; round++)
        {
            var harness = new Harness();
            harness.Start();
            var accepted = 0;
            var poster = new Thread(() =>
            {
                while (harness.Post(new PersistedInput(1)))
                {
                    accepted++;
                }
            });
            poster.Start();
            harness.Dispose();
            Assert.That(poster.Join(Patience.Limit), Is.True);
            Assert.That(harness.Seen, Is.EqualTo(accepted));
        }
    }

    /// <summary>An inbox whose loop thread is this one, and has turned.</summary>
    private static Inbox AfterTheFirstTurn(long maxPeerBytes = 32 << 20)
    {
        var inbox = new Inbox(maxCommandBytes: 32 << 20, maxPeerBytes);
        Assert.That(inbox.WaitForTurn(() => 0, () => long.MaxValue), Is.True);
        Assert.That(Taken(inbox), Is.Empty);
        return inbox;
    }

    /// <summary>Has the turn that is this thread's.</summary>
    private static List<NodeInput> Taken(Inbox inbox)
    {
        List<NodeInput> inputs = [];
        List<Action> actions = [];
        inbox.Take(ref inputs, ref actions);
        inbox.Finish(long.MaxValue, onLoopThread: false);
        return inputs;
    }

    private sealed class Harness : IDisposable
    {
        private readonly Thread _loop;
        private readonly Dictionary<long, long> _latest = [];
        private List<NodeInput> _inputs = [];
        private List<Action> _actions = [];
        private long _nextWake = long.MaxValue / 2;
        private int _inTurn;
        private int _seen;
        private int _turns;
        private int _turnsOfPosters;

        public Harness() => _loop = new Thread(RunLoop) { IsBackground = true };

        public Inbox Inbox { get; } = new(maxCommandBytes: 32 << 20, maxPeerBytes: 32 << 20);

        /// <summary>Microseconds after which a turn that took something asks for another; 0 for none.</summary>
        public long WakeAfter { get; set; }

        public int Overlaps { get; private set; }

        public int OutOfOrder { get; private set; }

        public int Seen => Volatile.Read(ref _seen);

        public int Turns => Volatile.Read(ref _turns);

        public int TurnsOfPosters => Volatile.Read(ref _turnsOfPosters);

        private static long Now => Environment.TickCount64 * 1000;

        public void Start() => _loop.Start();

        /// <summary>False once it is dropped.</summary>
        public bool Post(NodeInput input)
        {
            if (Inbox.Post(input, out var dropped))
            {
                TurnAsPoster();
            }
            return !dropped;
        }

        /// <param name="isLast">Of those that came together.</param>
        public void PostFromPeer(NodeInput input, int bytes, bool isLast)
        {
            if (Inbox.PostFromPeer(input, bytes))
            {
                TurnAsPoster();
            }
            if (isLast && Inbox.BeginTurnIfAny())
            {
                TurnAsPoster();
            }
        }

        public void WaitUntil(Func<bool> condition) => Patience.Until(condition, "what is posted has its turn");

        public void WaitUntilPosterTurns() => WaitUntil(() =>
        {
            Post(new PersistedInput(1));
            return TurnsOfPosters > 0;
        });

        public void Dispose()
        {
            Inbox.Close();
            if (_loop.ThreadState.HasFlag(ThreadState.Unstarted))
            {
                return;
            }
            Assert.That(_loop.Join(Patience.Limit), Is.True);
        }

        private void TurnAsPoster()
        {
            Interlocked.Increment(ref _turnsOfPosters);
            Turn();
            Inbox.Finish(_nextWake, onLoopThread: false);
        }

        private void RunLoop()
        {
            while (Inbox.WaitForTurn(() => Now, () => _nextWake))
            {
                Turn();
                Inbox.Finish(_nextWake, onLoopThread: true);
            }
            Inbox.End();
            Turn();
        }

        private void Turn()
        {
            if (Interlocked.Exchange(ref _inTurn, 1) != 0)
            {
                Overlaps++;
            }
            Inbox.Take(ref _inputs, ref _actions);
            _nextWake = _inputs.Count > 0 && WakeAfter > 0 ? Now + WakeAfter : long.MaxValue / 2;
            foreach (var input in _inputs)
            {
                if (input is ProcessGoneInput gone)
                {
                    var (poster, order) = (gone.Peer.Value >> 32, gone.Peer.Value & uint.MaxValue);
                    if (order != _latest.GetValueOrDefault(poster) + 1)
                    {
                        OutOfOrder++;
                    }
                    _latest[poster] = order;
                }
            }
            Interlocked.Add(ref _seen, _inputs.Count);
            Interlocked.Increment(ref _turns);
            Volatile.Write(ref _inTurn, 0);
        }
    }
}
