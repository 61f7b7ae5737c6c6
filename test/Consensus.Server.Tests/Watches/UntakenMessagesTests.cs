using Consensus.Primitives;
using Consensus.Server.Watches;

namespace Consensus.Server.Tests.Watches;

/// <summary>Watches that wait for room to write, and those whose clients are gone meanwhile.</summary>
internal sealed class UntakenMessagesTests
{
    private const int MaxBytes = 1000;

    private readonly ManualClock _clock = new();

    [Test]
    public async Task A_watch_that_is_gone_takes_nobodys_turn()
    {
        using var gone = new CancellationTokenSource();
        var untaken = new UntakenMessages(MaxBytes, _clock);
        var held = untaken.TryHold([Message(MaxBytes)], () => { })!;
        var first = Enumerable.Range(0, 10).Select(_ => untaken.RoomAsync(gone.Token)).ToList();
        var second = untaken.RoomAsync(CancellationToken.None);
        await gone.CancelAsync();
        foreach (var one in first)
        {
            Assert.That(async () => await one.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        }
        Assert.That(second.IsCompleted, Is.False);
        untaken.LetGo(held);
        await second.InTimeAsync();
    }

    [Test]
    public async Task Nobody_is_ended_for_watches_that_are_gone()
    {
        using var gone = new CancellationTokenSource();
        var untaken = new UntakenMessages(MaxBytes, _clock);
        var ended = 0;
        untaken.TryHold([Message(MaxBytes)], () => ended++);
        Assert.That(untaken.TryHold([Message(1)], () => { }), Is.Null);
        var waiting = untaken.RoomAsync(gone.Token);
        await gone.CancelAsync();
        Assert.That(async () => await waiting.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        _clock.Advance(TimeSpan.FromMinutes(1));
        untaken.EndTheSlowest();
        Assert.That(ended, Is.Zero);
        _ = untaken.RoomAsync(CancellationToken.None);
        untaken.EndTheSlowest();
        Assert.That(ended, Is.EqualTo(1));
    }

    [Test]
    public async Task Nobody_waits_for_room_once_the_member_stops()
    {
        var untaken = new UntakenMessages(MaxBytes, _clock);
        untaken.TryHold([Message(MaxBytes)], () => { });
        untaken.WakeAll();
        await untaken.RoomAsync(CancellationToken.None).InTimeAsync();
    }

    [Test]
    public async Task Whoever_waits_is_woken_while_there_is_room_though_the_one_before_keeps_what_it_has()
    {
        var untaken = new UntakenMessages(MaxBytes, _clock);
        var held = untaken.TryHold([Message(MaxBytes)], () => { })!;
        var waiting = Enumerable.Range(0, 5).Select(_ => untaken.RoomAsync(CancellationToken.None)).ToList();
        untaken.LetGo(held);
        foreach (var one in waiting)
        {
            await one.InTimeAsync();
            Assert.That(untaken.TryHold([Message(100)], () => { }), Is.Not.Null);
        }
    }

    [Test]
    public void Nobody_is_ended_who_has_let_go()
    {
        var untaken = new UntakenMessages(MaxBytes, _clock);
        var ended = new List<string>();
        LinkedListNode<UntakenMessages.Holder>? second = null;
        untaken.TryHold([Message(100)], () =>
        {
            ended.Add("first");
            // Meanwhile the other one's client has taken all.
            untaken.LetGo(second!);
        });
        second = untaken.TryHold([Message(100)], () => ended.Add("second"));
        _ = untaken.RoomAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromMinutes(1));
        untaken.EndTheSlowest();
        Assert.That(ended, Is.EqualTo(new[] { "first" }));
    }

    [Test]
    public void So_many_are_ended_that_there_is_room_though_they_write_the_same()
    {
        var untaken = new UntakenMessages(MaxBytes, _clock);
        var (same, ended, held) = (Message(MaxBytes), 0, new List<LinkedListNode<UntakenMessages.Holder>>());
        for (var i = 0; i < 50; i++)
        {
            held.Add(untaken.TryHold([same], () => ended++)!);
        }
        _ = untaken.RoomAsync(CancellationToken.None);
        _clock.Advance(TimeSpan.FromMinutes(1));
        untaken.EndTheSlowest();
        Assert.That(ended, Is.EqualTo(held.Count));
        held.ForEach(untaken.LetGo);
        Assert.That(untaken.TryHold([Message(MaxBytes)], () => { }), Is.Not.Null);
    }

    private static WatchMessage Message(int bytes) => new(new Revision(1), new byte[bytes]);
}
