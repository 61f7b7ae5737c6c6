using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Lists;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;

namespace Consensus.Server.Tests.Lists;

internal sealed class PinnedViewsTests
{
    private static async Task<StateView> ViewAsync() =>
        (await new InProcessNode().ReadAsync(ReadConsistency.Stale, Revision.Zero, CancellationToken.None)).View!;

    [Test]
    public async Task A_view_is_kept_for_its_time_and_no_longer()
    {
        var clock = new ManualClock();
        using var views = new PinnedViews(clock);
        var view = await ViewAsync();
        views.Pin(view);
        clock.Advance(PinnedViews.Lifetime - TimeSpan.FromSeconds(1));
        Assert.That(views.Find(view.Revision), Is.SameAs(view));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(views.Find(view.Revision), Is.Null);
    }

    [Test]
    public async Task The_first_view_of_a_revision_stays_and_its_time_begins_anew()
    {
        var clock = new ManualClock();
        using var views = new PinnedViews(clock);
        var first = await ViewAsync();
        views.Pin(first);
        clock.Advance(TimeSpan.FromMinutes(4));
        views.Pin(await ViewAsync());
        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.That(views.Find(first.Revision), Is.SameAs(first));
    }
}
