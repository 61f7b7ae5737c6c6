using Consensus.Node.Ports;
using Consensus.Transport.Joining;
using Consensus.Transport.Tests.Support;

namespace Consensus.Transport.Tests.Joining;

public sealed class JoinerListTests
{
    private readonly ManualClock _clock = new();
    private JoinerList _list = null!;

    [SetUp]
    public void Start() => _list = new JoinerList(_clock);

    private void Hear(string name, long incarnation = 1, string address = "127.0.0.1:1") =>
        _list.Heard(Identities.Unformed(name, incarnation) with { Address = address });

    private IEnumerable<string> Names() => _list.List(_ => true).Select(joiner => joiner.Name);

    [Test]
    public void Joiners_are_listed_by_name_with_id_and_address_formed_or_not()
    {
        Hear("n5", address: "127.0.0.1:5");
        _list.Heard(Identities.OnWire(Identities.Formed("n4"), address: "127.0.0.1:4"));
        Assert.That(_list.List(_ => true), Is.EqualTo(new[]
        {
            new JoiningMember(Identities.Formed("n4").Member, "n4", "127.0.0.1:4"),
            new JoiningMember(Identities.Formed("n5").Member, "n5", "127.0.0.1:5"),
        }));
    }

    [Test]
    public void A_joiner_is_forgotten_some_time_after_its_last_call()
    {
        Hear("n4");
        Hear("n5");
        _clock.Advance(JoinerList.ForgottenAfter - TimeSpan.FromSeconds(1));
        Hear("n5");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(Names(), Is.EqualTo(new[] { "n4", "n5" }));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.That(Names(), Is.EqualTo(new[] { "n5" }));
    }

    [Test]
    public void A_process_with_a_new_directory_takes_the_place_of_the_one_before_it()
    {
        Hear("n4", incarnation: 1);
        Hear("n4", incarnation: 2, address: "127.0.0.1:9");
        Assert.That(_list.List(_ => true), Is.EqualTo(new[] { new JoiningMember(Identities.Formed("n4", 2).Member, "n4", "127.0.0.1:9") }));
    }

    [Test]
    public void There_are_at_most_so_many_and_the_one_silent_longest_goes()
    {
        for (var i = 0; i < JoinerList.MaxJoiners; i++)
        {
            Hear($"n{i:00}");
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }
        Hear("n00");
        Hear("n99");
        var names = Names().ToList();
        Assert.That(names, Has.Count.EqualTo(JoinerList.MaxJoiners));
        Assert.That(names, Does.Contain("n00").And.Contain("n99").And.Not.Contain("n01"));
    }

    [Test]
    public void Who_was_added_or_removed_is_forgotten()
    {
        Hear("n4");
        Hear("n5");
        var added = Identities.Formed("n4").Member;
        Assert.That(_list.List(member => member != added).Single().Name, Is.EqualTo("n5"));
        Assert.That(Names(), Is.EqualTo(new[] { "n5" }));
    }
}
