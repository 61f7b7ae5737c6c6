using System.Collections.Concurrent;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.Client;

/// <summary>An election is observed through a member that says "compacted" to every watch.</summary>
internal sealed class ObservedElectionTests
{
    private const int Watches = 6;

    [Test]
    public async Task Endless_refusals_as_compacted_are_asked_again_after_longer_and_longer_pauses()
    {
        var asked = 0;
        var time = new ImpatientClock();
        using var server = new FakeServer(_ => ++asked <= Watches
            ? FakeAnswer.Problem(410, "compacted", "compacted")
            : FakeAnswer.Problem(400, "bad-request", "that is all"));
        using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [server.Endpoint], TimeProvider = time });
        await using var observed = client.ObserveLeaderAsync("e").GetAsyncEnumerator();

        await Assert.ThrowsAsync<ConsensusException>(async () => await observed.MoveNextAsync());

        Assert.That(time.Pauses, Has.Count.EqualTo(Watches));
        Assert.That(time.Pauses.First(), Is.GreaterThan(TimeSpan.FromMilliseconds(30)));
        Assert.That(time.Pauses.Last(), Is.GreaterThan(TimeSpan.FromMilliseconds(700)));
    }

    /// <summary>Notes what is waited for, and is there at once.</summary>
    private sealed class ImpatientClock : TimeProvider
    {
        public ConcurrentQueue<TimeSpan> Pauses { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Pauses.Enqueue(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
