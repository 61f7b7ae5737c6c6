using Consensus.Api.Leases;
using Consensus.Client.Holding;
using Consensus.Client.Sessions;

namespace Consensus.Client.Tests.Sessions;

/// <summary>What news make of holds that are known, of those whose answers are under way, and of those that nobody has.</summary>
internal sealed class SessionHoldsTests
{
    private static readonly HoldName Name = HoldName.Lock("a");

    private readonly List<HeldPart> _givenBack = [];
    private readonly List<Action<bool>> _ends = [];
    private HoldKeeper _keeper = null!;
    private KeptHold _session = null!;
    private SessionNumbers _numbers = null!;
    private SessionHolds _holds = null!;

    [SetUp]
    public void Start()
    {
        _givenBack.Clear();
        _ends.Clear();
        _keeper = new HoldKeeper(TimeProvider.System);
        _session = new KeptHold(
            new LeaseSchedule(TimeSpan.FromHours(9), TimeSpan.Zero), TimeSpan.Zero, TimeSpan.Zero, _keeper.ToUtc,
            (_, _) => new HoldRenewal(HoldRenewalOutcome.Unanswered, ""))
        { IsSession = true };
        _keeper.Add(_session);
        _numbers = new SessionNumbers("1f", _ => { }, _ => { });
        _holds = new SessionHolds(_keeper, (part, ended) =>
        {
            _givenBack.Add(part);
            _ends.Add(ended);
        });
    }

    [TearDown]
    public void Stop() => _keeper.Dispose();

    [Test]
    public void A_hold_that_ended_is_lost_with_its_reason_and_no_other_is()
    {
        var (lost, kept) = (Hold(7), Hold(8));

        Tell(ended: [Ended(7, "forced")]);

        Assert.That(lost.LossReason, Does.Contain("forced"));
        Assert.That(lost.IsEndedByCluster, Is.True);
        Assert.That(kept.LossReason, Is.Null);
    }

    [Test]
    public void What_nobody_has_is_given_back_once()
    {
        Tell(began: [Began(7)]);
        Tell(began: [Began(7)]);
        Assert.That(_givenBack, Is.EqualTo(new[] { new HeldPart(Name, 7) }));

        _ends[0](false);
        Tell();
        Assert.That(_givenBack, Has.Count.EqualTo(2), "nobody answered: it is given back again with the next news");

        _ends[1](true);
        Tell();
        Assert.That(_givenBack, Has.Count.EqualTo(2));
    }

    [Test]
    public void What_a_request_that_is_under_way_may_have_been_granted_is_left_alone_until_that_is_over()
    {
        var asked = _holds.TryAsk([Name])!;
        Tell(began: [Began(7)]);
        Assert.That(_givenBack, Is.Empty);

        Hold(7);
        asked.Dispose();
        Tell();
        Assert.That(_givenBack, Is.Empty, "it was granted it");
    }

    [Test]
    public void What_was_there_before_a_request_was_sent_is_not_its_own()
    {
        using var other = _holds.TryAsk([HoldName.Lock("b")]);
        var asked = _holds.TryAsk([Name])!;
        Tell(began: [Began(7)]);
        using var later = _holds.TryAsk([Name]);
        Tell();
        Assert.That(_givenBack, Is.Empty, "the first may have been granted it");

        asked.Dispose();
        Tell();
        Assert.That(_givenBack, Is.EqualTo(new[] { new HeldPart(Name, 7) }), "else the second would stand in line behind it for ever");
    }

    [Test]
    public void A_hold_that_ended_before_the_answer_that_granted_it_is_lost_when_that_comes()
    {
        using (_holds.TryAsk([Name]))
        {
            Tell(ended: [Ended(7, "forced")]);
            Assert.That(_holds.Add([new HeldPart(Name, 7)], New(7)), Does.Contain("forced"));
        }
        Tell(ended: [Ended(8, "forced")]);
        Assert.That(_holds.Add([new HeldPart(Name, 8)], New(8)), Is.Null, "nothing is remembered for nobody");
    }

    [Test]
    public void What_is_missing_in_the_whole_list_is_lost_unless_it_came_after_the_question()
    {
        var lost = Hold(7);
        var askedAt = _holds.Moment;
        var later = Hold(8);

        Assert.That(_holds.IsMissingIn([], askedAt), Is.True);
        _holds.Take([], [], isWhole: true, askedAt, _numbers);

        Assert.That(lost.LossReason, Is.Not.Null);
        Assert.That(later.LossReason, Is.Null);
    }

    [Test]
    public void A_whole_list_that_came_before_the_answer_to_a_request_is_asked_for_again()
    {
        using (_holds.TryAsk([Name]))
        {
            // The hold 7 was granted and broken, and a whole list tells no ends.
            _holds.Take([], [], isWhole: true, _holds.Moment, _numbers);
            var ended = Hold(7);
            Assert.That(_holds.TakeMustList(), Is.True);
            Assert.That(_holds.TakeMustList(), Is.False, "once");

            _holds.Take([], [], isWhole: true, _holds.Moment, _numbers);
            Assert.That(ended.LossReason, Is.Not.Null);
        }
        using (_holds.TryAsk([Name]))
        {
            Hold(8);
            Assert.That(_holds.TakeMustList(), Is.False, "every end since it was asked for is among the news");
            _holds.Take([], [Began(8), Began(9)], isWhole: true, _holds.Moment, _numbers);
            Hold(9);
            Assert.That(_holds.TakeMustList(), Is.False, "it was there");
        }
    }

    [Test]
    public void A_place_of_a_number_under_way_may_be_passed_and_that_of_another_is_forsaken()
    {
        _numbers.TryTake(out var waiting);

        var forsaken = Tell(began: [new SessionItem("lock", "a") { Seq = waiting }, new SessionItem("lock", "a") { Seq = 5 }]);

        Assert.That(_numbers.Acked, Is.EqualTo(waiting));
        Assert.That(forsaken, Is.EqualTo(new[] { 5L }));
    }

    [Test]
    public void No_more_is_asked_for_under_a_session_than_a_lease_carries()
    {
        for (var token = 1; token <= 9_999; token++)
        {
            Hold(token);
        }
        using var last = _holds.TryAsk([Name]);

        Assert.That(last, Is.Not.Null);
        Assert.That(_holds.TryAsk([Name]), Is.Null);
    }

    private KeptHold Hold(long token)
    {
        var hold = New(token);
        Assert.That(_holds.Add(hold.Parts!.Items, hold), Is.Null);
        _keeper.Add(hold);
        return hold;
    }

    private KeptHold New(long token) => new(
        _session, new HeldParts(_holds, [new HeldPart(Name, token)]), new LeaseSchedule(TimeSpan.FromHours(9), null), TimeSpan.Zero,
            TimeSpan.Zero, _keeper.ToUtc);

    private IReadOnlyList<long> Tell(SessionEndedItem[]? ended = null, SessionItem[]? began = null) =>
        _holds.Take(ended ?? [], began ?? [], isWhole: false, _holds.Moment, _numbers);

    private static SessionItem Began(long token) => new("lock", "a") { FencingToken = token };

    private static SessionEndedItem Ended(long token, string reason) => new("lock", "a", reason) { FencingToken = token };
}
