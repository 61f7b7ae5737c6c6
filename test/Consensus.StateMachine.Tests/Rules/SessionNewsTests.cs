using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using static Consensus.StateMachine.Tests.Rules.Asks;

namespace Consensus.StateMachine.Tests.Rules;

/// <summary>A session's version rises whenever a hold or a place under it begins or ends, and what happened since a version is told.</summary>
public sealed class SessionNewsTests
{
    private static readonly LeaseId Session = new(50);
    private Machine _machine = null!;

    [SetUp]
    public void Open() => Start(null);

    private void Start(Limits? limits)
    {
        _machine = new Machine(limits);
        _machine.Do(new GrantLeaseCommand(Session, 3600 * Second) { IsSession = true });
    }

    private static AcquireCommand Ask(string name, long wait = 0) => Lock(name, "me", 0, wait, ttl: 0) with { SharedLease = Session };

    private Outcome Do(long number, Command command) => _machine.Do(command, session: new SessionRequest(Session, number, 0));

    private SessionNews News(long since = 0, long? after = null) => News(since, after ?? since, Thousand);

    private SessionNews News(long since, long after, NewsRoom room) => _machine.View.GetSessionNews(Session, since, after, room)!;

    private static NewsRoom Thousand { get; } = new(1_000, static _ => 1);

    private static IEnumerable<(string, long)> Of(IEnumerable<SessionPart> parts) => parts.Select(part => (part.Object.Name.ToString(), part.Token.Value));

    private static IEnumerable<(string, long, SessionEnd)> Of(IEnumerable<(SessionPart Part, SessionEnd Reason)> ended) =>
        ended.Select(e => (e.Part.Object.Name.ToString(), e.Part.Token.Value, e.Reason));

    [Test]
    public void Every_beginning_and_every_end_raises_the_version_and_is_told_to_whoever_knew_the_version_before()
    {
        var first = _machine.Granted(Ask("a"));
        var second = _machine.Granted(Ask("b"));
        Assert.That((News().Version, Of(News().Began)), Is.EqualTo((2, new[] { ("a", first.Token.Value), ("b", second.Token.Value) })));
        Assert.That(Of(News(1).Began), Is.EqualTo(new[] { ("b", second.Token.Value) }));
        _machine.Do(Release(first));
        _machine.Do(Release(second, force: true));
        _machine.RestoreFromSnapshot();
        Assert.That((News(2).Version, News(2).Began.Length), Is.EqualTo((4, 0)));
        Assert.That(Of(News(2).Ended), Is.EqualTo(new[] { ("a", first.Token.Value, SessionEnd.Released), ("b", second.Token.Value, SessionEnd.Forced) }));
        Assert.That(Of(News(3).Ended), Is.EqualTo(new[] { ("b", second.Token.Value, SessionEnd.Forced) }));
        Assert.That((News(4).Ended, News().Ended), Is.EqualTo((News(5).Ended, News(4).Ended)), "nothing, as for who knows of nothing");
    }

    [Test]
    public void What_the_session_asked_for_under_a_number_raises_the_version_and_is_not_told()
    {
        var held = ((HoldGranted)Do(1, Ask("a"))).Hold;
        Do(2, Release(held));
        var passed = ((HoldGranted)Do(3, Ask("b"))).Hold;
        _machine.Queued(Lock("b", "you", 7, 60 * Second));
        Do(4, HandOver(passed, "you"));
        Assert.That((News(1).Version, News(1).Ended.Length, News().Began.Length), Is.EqualTo((4, 0, 0)));
    }

    [Test]
    public void A_place_that_becomes_a_hold_begins_anew_with_its_number_and_one_that_comes_to_nothing_ends()
    {
        var held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        Do(7, Ask("l", 60 * Second));
        Do(8, Ask("l", 10 * Second));
        Assert.That(News().Began, Is.EqualTo(new[] { 7L, 8L }.Select(number => new SessionPart(held.Object, FencingToken.None, number))));
        _machine.Expire(11 * Second);
        Assert.That(News(2).Ended, Is.EqualTo(new[] { (new SessionPart(held.Object, FencingToken.None, 8), SessionEnd.WaitOver) }));
        _machine.Do(Release(held));
        var granted = _machine.View.GetObject(Machine.Key("l")).Holder!;
        Assert.That(News(3).Began, Is.EqualTo(new[] { new SessionPart(held.Object, granted.Token, 7) }));
        Assert.That((News(3).Version, News(3).Ended.Length), Is.EqualTo((4, 0)), "the place is no loss");
        Do(9, Ask("l", 60 * Second));
        _machine.Do(new SettleCommand(Session, 9));
        Assert.That(News(5).Ended, Is.EqualTo(new[] { (new SessionPart(held.Object, FencingToken.None, 9), SessionEnd.GivenUp) }));
    }

    [Test]
    public void A_place_that_waits_for_more_permits_than_there_are_now_was_refused_and_not_given_up()
    {
        var held = _machine.Granted(Semaphore("s", "you", 1, 1, 5));
        Do(7, Semaphore("s", "me", 0, 5, 5, 60 * Second) with { SharedLease = Session, TtlMicros = 0 });
        _machine.Do(new ChangePermitsCommand(held.Name, 3));
        _machine.RestoreFromSnapshot();
        Assert.That(News(1).Ended, Is.EqualTo(new[] { (new SessionPart(held.Object, FencingToken.None, 7), SessionEnd.Refused) }));
    }

    [Test]
    public void A_hold_that_is_passed_on_or_held_for_too_long_is_told_why()
    {
        var passed = _machine.Granted(Ask("a"));
        _machine.Queued(Lock("a", "you", 7, 600 * Second));
        _machine.Granted(Ask("b") with { MaxHoldMicros = 30 * Second });
        _machine.Granted(Ask("c") with { MaxHoldMicros = 20 * Second });
        Assert.That(News().HoldsUntil, Is.EqualTo(_machine.Now.PlusMicros(20 * Second)));
        _machine.Do(HandOver(passed, "you"));
        _machine.Expire(25 * Second);
        Assert.That(News(3).Ended.Select(e => (e.Part.Object.Name.ToString(), e.Reason)), Is.EqualTo(new[] { ("a", SessionEnd.HandedOver), ("c", SessionEnd.HeldTooLong) }));
        Assert.That(News().HoldsUntil, Is.EqualTo(_machine.Now.PlusMicros(5 * Second)));
        _machine.Expire(5 * Second);
        Assert.That(News().HoldsUntil, Is.EqualTo(ClusterTime.Never));
    }

    [Test]
    public void When_more_ended_than_is_remembered_all_that_there_is_must_be_listed()
    {
        Start(Limits.Default with { MaxSessionEnds = 3 });
        var kept = _machine.Granted(Ask("kept"));
        for (var i = 0; i < 5; i++)
        {
            _machine.Do(Release(_machine.Granted(Ask("l"))));
        }
        _machine.RestoreFromSnapshot();
        Assert.That((News(1).MustList, News(4).MustList, News(5).MustList, News(0).MustList), Is.EqualTo((true, true, false, false)));
        Assert.That(News(5).Ended, Has.Length.EqualTo(3));
        Assert.That(Of(News(0).Began), Is.EqualTo(new[] { ("kept", kept.Token.Value) }));
        Assert.That(News(News().Version + 1).MustList, Is.True, "a version that it never had");
        Assert.That(_machine.State.Counts.SessionEnds, Is.EqualTo(3));
    }

    [Test]
    public void Ends_of_other_leases_and_of_the_session_itself_are_nobodys_news()
    {
        _machine.Do(new GrantLeaseCommand(new LeaseId(51), 3600 * Second));
        _machine.Do(new GrantLeaseCommand(new LeaseId(52), 3600 * Second) { IsSession = true });
        _machine.Do(Release(_machine.Granted(Ask("a") with { SharedLease = new LeaseId(51) })));
        _machine.Do(Release(_machine.Granted(Ask("a") with { SharedLease = new LeaseId(52) })));
        Assert.That((News().Version, News(0).Ended.Length), Is.EqualTo((0, 0)));
        Assert.That(_machine.View.GetSessionNews(new LeaseId(51), 0, 0, Thousand), Is.Null);
        _machine.Granted(Ask("a"));
        _machine.Do(new RevokeLeaseCommand(Session));
        Assert.That(_machine.View.GetSessionNews(Session, 0, 0, Thousand), Is.Null);
        Assert.That(_machine.State.Counts.SessionEnds, Is.EqualTo(1), "of the one that lives");
    }

    [Test]
    public void Holds_that_the_session_broke_without_their_tokens_are_told()
    {
        var shared = Ask("l") with { Mode = LockMode.Shared };
        var (first, second) = (_machine.Granted(shared), _machine.Granted(shared));
        var known = News().Version;
        Do(1, new ReleaseHoldCommand(first.Name, FencingToken.None, Force: true));
        Assert.That(Of(News(known).Ended), Is.EqualTo(new[]
        {
            ("l", first.Token.Value, SessionEnd.Forced),
            ("l", second.Token.Value, SessionEnd.Forced),
        }));
        var third = _machine.Granted(Ask("l"));
        known = News().Version;
        Do(2, Release(third, force: true));
        Assert.That((News(known).Version, News(known).Ended.Length), Is.EqualTo((known + 1, 0)), "its token was named");
    }

    [Test]
    public void Ends_that_have_no_room_in_an_answer_make_all_that_there_is_be_listed()
    {
        var kept = _machine.Granted(Ask("kept"));
        var ended = new List<(string, long, SessionEnd)>();
        for (var i = 0; i < 8; i++)
        {
            var hold = _machine.Granted(Ask($"{i}"));
            _machine.Do(Release(hold));
            ended.Add(($"{i}", hold.Token.Value, SessionEnd.Released));
        }
        var room = new NewsRoom(8, static _ => 1);
        var all = News(1, 1, new NewsRoom(12, static _ => 1));
        Assert.That((all.MustList, all.Ended.Length), Is.EqualTo((false, 8)));
        var news = News(1, 1, room);
        Assert.That((news.MustList, news.Version), Is.EqualTo((true, 17)));
        Assert.That(Of(news.Ended), Is.EqualTo(ended[2..]), "the newest of them");
        Assert.That(Of(News(0, 0, room).Began), Is.EqualTo(new[] { ("kept", kept.Token.Value) }));
    }

    [Test]
    public void What_there_is_is_told_one_by_one_where_each_is_larger_than_the_room_for_all()
    {
        string[] names = ["a", "b", "c"];
        foreach (var name in names)
        {
            _machine.Granted(Ask(name));
        }
        var told = new List<string>();
        for (long? after = 0; after is { } from;)
        {
            var news = News(0, from, new NewsRoom(8, static _ => 100));
            told.Add(news.Began.Single().Object.Name.ToString());
            after = news.Next;
        }
        Assert.That(told, Is.EqualTo(names));
    }

    [Test]
    public void A_hold_that_began_after_the_session_was_heard_of_is_told_only_with_another_renewal()
    {
        var held = _machine.Granted(Lock("l", "you", 1, ttl: 3600 * Second));
        Do(7, Ask("l", 60 * Second));
        _machine.Do(new RenewLeasesCommand([Session]));
        Assert.That(News().MustRenew, Is.False, "a place");
        _machine.Do(Release(held));
        Assert.That((News().MustRenew, News(News().Version).MustRenew), Is.EqualTo((true, false)), "a hold, and nothing");
        _machine.RestoreFromSnapshot();
        Assert.That(News().MustRenew, Is.True);
        _machine.Do(new RenewLeasesCommand([Session]));
        Assert.That(News().MustRenew, Is.False);
    }

    [Test]
    public void What_there_is_is_told_a_thousand_at_a_time()
    {
        var tokens = new List<long>();
        for (var i = 0; i < 1_500; i++)
        {
            tokens.Add(_machine.Granted(Ask($"l{i}")).Token.Value);
        }
        var first = News();
        var rest = News(0, first.Next);
        Assert.That((first.Began.Length, rest.Began.Length, rest.Next), Is.EqualTo((1_000, 500, (long?)null)));
        Assert.That(first.Began.Concat(rest.Began).Select(part => part.Token.Value), Is.EqualTo(tokens));
    }
}
