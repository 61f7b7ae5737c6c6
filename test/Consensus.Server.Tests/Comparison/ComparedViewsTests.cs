using Consensus.Primitives;
using Consensus.Server.Comparison;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Commands;

namespace Consensus.Server.Tests.Comparison;

internal sealed class ComparedViewsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly InProcessNode _node = new();
    private readonly ManualClock _clock = new();
    private ComparedViews _views = null!;

    [SetUp]
    public void Begin() => _views = new ComparedViews(_clock);

    [TearDown]
    public void End() => _views.Dispose();

    private async Task<StateView> NextAsync()
    {
        _node.Propose(new PutCommand(Key.FromText("k"), default, LeaseId.None, KeyCondition.None));
        return (await _node.ViewAtAsync(_node.Status.AppliedIndex)).View!;
    }

    [Test]
    public async Task A_view_is_kept_for_30_s_after_each_question_and_for_2_min_at_most()
    {
        var view = await NextAsync();
        Assert.That(_views.TryPin(view));
        for (var passed = ComparedViews.IdleTime - Second; passed < ComparedViews.Lifetime; passed += ComparedViews.IdleTime - Second)
        {
            _clock.Advance(ComparedViews.IdleTime - Second);
            Assert.That(_views.Find(view.AppliedIndex), Is.SameAs(view));
        }
        _clock.Advance(ComparedViews.IdleTime - Second);
        Assert.That(_views.Find(view.AppliedIndex), Is.Null, "two minutes are over");

        var other = await NextAsync();
        Assert.That(_views.TryPin(other));
        _clock.Advance(ComparedViews.IdleTime);
        Assert.That(_views.Find(other.AppliedIndex), Is.Null, "nobody asked");
        Assert.That(_views.Count, Is.Zero);
    }

    [Test]
    public async Task Where_all_are_at_work_another_is_refused_and_an_idle_one_makes_room()
    {
        var kept = new List<StateView>();
        for (var i = 0; i < ComparedViews.Capacity; i++)
        {
            kept.Add(await NextAsync());
            Assert.That(_views.TryPin(kept[i]));
            Assert.That(_views.Find(kept[i].AppliedIndex), Is.Not.Null);
        }
        var next = await NextAsync();
        Assert.That(_views.TryPin(next), Is.False);
        Assert.That(_views.TryPin(kept[0]), "who is there already needs no room");
        _clock.Advance(ComparedViews.WorkTime - Second);
        kept.Skip(1).ToList().ForEach(view => _views.Find(view.AppliedIndex));
        _clock.Advance(Second);
        Assert.That(_views.TryPin(next));
        Assert.That(_views.Find(kept[0].AppliedIndex), Is.Null, "it was idle");
        Assert.That(kept.Skip(1).Append(next).Select(view => _views.Find(view.AppliedIndex)), Is.All.Not.Null);
        Assert.That(_views.Count, Is.EqualTo(ComparedViews.Capacity));
    }

    [Test]
    public async Task Those_about_whose_ranges_nobody_asked_make_room_for_newer_ones()
    {
        var atWork = await NextAsync();
        Assert.That(_views.TryPin(atWork));
        Assert.That(_views.Find(atWork.AppliedIndex), Is.Not.Null);
        for (var i = 0; i < 3 * ComparedViews.Capacity; i++)
        {
            Assert.That(_views.TryPin(await NextAsync()));
            Assert.That(_views.Count, Is.LessThanOrEqualTo(ComparedViews.Capacity));
        }
        Assert.That(_views.Find(atWork.AppliedIndex), Is.SameAs(atWork));
    }
}
