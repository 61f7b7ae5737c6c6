using Consensus.Transport.Dialing;

namespace Consensus.Transport.Tests.Dialing;

/// <summary>Which addresses of one member are tried, and in which order.</summary>
public sealed class WhereaboutsTests
{
    [Test]
    public void Where_its_process_says_it_is_comes_before_where_the_log_says()
    {
        var where = new Whereabouts("log:1");
        Assert.That(where.IsAt("new:1"), Is.True);
        Assert.That(where.IsAt("new:1"), Is.False);
        Assert.That(where.All, Is.EqualTo(new[] { "new:1", "log:1" }));
    }

    [Test]
    public void What_it_announces_afterwards_leaves_that_one_address()
    {
        var where = new Whereabouts("log:1");
        where.IsAt("new:1");
        Assert.That(where.IsLogged("new:1", isLinked: true), Is.False);
        Assert.That(where.All, Is.EqualTo(new[] { "new:1" }));
    }

    [Test]
    public void The_log_is_news_about_a_member_that_has_no_link_to_us()
    {
        var where = new Whereabouts("log:1");
        where.IsAt("said:1");
        Assert.That(where.IsLogged("log:2", isLinked: false), Is.True);
        Assert.That(where.All, Is.EqualTo(new[] { "log:2", "said:1" }));
        Assert.That(where.IsLogged("log:2", isLinked: false), Is.False);
    }

    [Test]
    public void An_older_announcement_does_not_overrule_a_process_that_is_linked_with_us()
    {
        var where = new Whereabouts("log:1");
        where.IsAt("said:3");
        Assert.That(where.IsLogged("log:2", isLinked: true), Is.False);
        Assert.That(where.All, Is.EqualTo(new[] { "said:3", "log:2" }));
    }

    [Test]
    public void Hearsay_is_tried_last_and_the_latest_of_it_is_kept()
    {
        var where = new Whereabouts("log:1");
        for (var i = 0; i < 10; i++)
        {
            Assert.That(where.MayBeAt($"said:{i}"), Is.True);
            Assert.That(where.MayBeAt($"said:{i}"), Is.False);
        }
        Assert.That(where.All, Has.Count.EqualTo(Whereabouts.Most));
        Assert.That(where.First, Is.EqualTo("log:1"));
        Assert.That(where.All, Does.Contain("said:9"));
    }

    [Test]
    public void However_often_it_moves_the_addresses_are_bounded_and_the_logs_is_among_them()
    {
        var where = new Whereabouts("log:1");
        for (var i = 0; i < 10; i++)
        {
            where.IsAt($"said:{i}");
        }
        Assert.That(where.All, Has.Count.EqualTo(Whereabouts.Most));
        Assert.That(where.First, Is.EqualTo("said:9"));
        Assert.That(where.All, Does.Contain("log:1"));
    }
}
