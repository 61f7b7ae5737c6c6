using Consensus.Exploration.Members;
using Consensus.Exploration.Models;
using Consensus.Exploration.Search;
using Consensus.Exploration.States;
using Consensus.Primitives;
using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Tests;

/// <summary>What the search rests on: a copy is a copy, and two states that are taken for one behave as one.</summary>
public sealed class StateTests
{
    private const int Enough = 800;

    private static IEnumerable<string> Names() => AllModels.InOrder.Select(m => m.Name);

    [TestCaseSource(nameof(Names))]
    public void What_is_taken_for_one_state_behaves_as_one(string name)
    {
        var steps = WalkAbout(name, out var twins);
        Assert.That(twins, Has.Count.GreaterThan(300));
        foreach (var (number, twin) in twins)
        {
            foreach (var input in InputsOf(steps, twin))
            {
                Assert.That(WhatComesOf(steps, twin, input), Is.EqualTo(WhatComesOf(steps, steps.MemberOf(number), input)), $"{name}: {input}");
            }
        }
    }

    [TestCaseSource(nameof(Names))]
    public void A_step_of_a_copy_leaves_the_state_as_it_was(string name)
    {
        var steps = WalkAbout(name, out _);
        var writer = new StateWriter(new Meaning(AllModels.Elections.Options));
        var states = Enumerable.Range(0, Math.Min(steps.Members, 400)).Select(steps.MemberOf).ToList();
        foreach (var state in states)
        {
            var before = writer.Write(state).ToArray();
            var copy = StateCopier.Copy(state, seed: 1);
            Assert.That(writer.Write(copy).ToArray(), Is.EqualTo(before));
            foreach (var input in InputsOf(steps, state))
            {
                WhatComesOf(steps, state, input);
            }
            Assert.That(writer.Write(state).ToArray(), Is.EqualTo(before));
        }
    }

    [Test]
    public void How_long_a_member_has_run_tells_no_states_apart_and_what_falls_due_does()
    {
        var writer = new StateWriter(new Meaning(Make.Options));
        var (one, other) = (Make.Leader(1, Make.Voters(3)), Make.Leader(1, Make.Voters(3)));
        Assert.That(writer.HashOf(other), Is.EqualTo(writer.HashOf(one)));
        other.Tick(10);
        Assert.That(writer.HashOf(other), Is.Not.EqualTo(writer.HashOf(one)), "its next heartbeat is nearer");
        for (var i = 0; i < 30; i++)
        {
            foreach (var host in new[] { one, other })
            {
                host.AcknowledgeAll(2, 3);
                host.TickToTimeout();
                host.Sent.Clear();
            }
        }
        Assert.That(writer.HashOf(other), Is.EqualTo(writer.HashOf(one)));
    }

    [Test]
    public void A_number_that_is_not_there_is_another_state_than_0_and_a_fraction_ends_the_search()
    {
        var writer = new StateWriter(new Meaning(Make.Options));
        Assert.That(writer.HashOf(new Sample(null, null)), Is.Not.EqualTo(writer.HashOf(new Sample(0, null))));
        Assert.That(writer.HashOf(new Sample(null, null)), Is.Not.EqualTo(writer.HashOf(new Sample(null, false))));
        Assert.That(() => writer.HashOf(new Fraction(0.25)), Throws.TypeOf<InvariantViolationException>());
    }

    private sealed record Sample(long? Number, bool? Flag);

    private sealed record Fraction(double Part);

    private static Steps WalkAbout(string name, out List<(int Number, Member Twin)> twins)
    {
        var model = AllModels.InOrder.Single(m => m.Name == name);
        var search = new ExhaustiveSearch(model, model.Large with { Lapses = true }, new Wiring(), maxStates: 20_000);
        search.Space.Steps.Twins = [];
        search.Run();
        twins = [.. search.Space.Steps.Twins.Take(Enough)];
        search.Space.Steps.Twins = null;
        return search.Space.Steps;
    }

    /// <summary>In words, so that two can be compared. A message may come that could never come to this state: what an invariant says of it is compared too.</summary>
    private static string WhatComesOf(Steps steps, Member member, Input input)
    {
        try
        {
            var outcome = steps.Work(member, input);
            var committed = outcome.Committed.Select(e => $"{e.Index} of {e.Term}");
            return $"{outcome.Next}, sent {string.Join(',', outcome.Sent)}, committed {string.Join(',', committed)}, read {string.Join(',', outcome.Reads)}, asked {outcome.AskedContext}";
        }
        catch (InvariantViolationException broken)
        {
            return broken.Message;
        }
    }

    private static List<Input> InputsOf(Steps steps, Member member)
    {
        List<Input> inputs = [new(InputKind.TimeOut), new(InputKind.Restart), new(InputKind.Read), new(InputKind.Propose, 1), new(InputKind.Notice, 1)];
        if (member.Host.Node.TicksUntilNextTimeout() > 1)
        {
            inputs.Add(new Input(InputKind.Lapse));
        }
        if (member.Host.Disk.Waiting > 0)
        {
            inputs.Add(new Input(InputKind.Persist));
        }
        for (var i = 0; i < Math.Min(steps.Messages, 40); i++)
        {
            if (steps.MessageOf(i).To == member.Host.Id)
            {
                inputs.Add(new Input(InputKind.Hear, i));
            }
        }
        return inputs;
    }
}
