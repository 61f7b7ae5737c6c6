using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.StateMachine.Outcomes;
using Google.Protobuf;

namespace Consensus.StateMachine.Tests.Model;

/// <summary>Drawn commands against a naive model of the promises, and against the same commands with a snapshot in between.</summary>
public sealed class ModelTests
{
    private static readonly Limits Tight = new()
    {
        MaxObjectsPerCommand = 3,
        MaxObjectsPerStep = 3,
        MaxRememberedTokens = 2,
        MaxUnheldFacts = 3,
        MaxHoldersPerObject = 4,
        MaxWaitersPerObject = 5,
        MaxObjects = 6,
    };

    [Test]
    public void Promises_hold_for_drawn_commands([Range(1, 200)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine(seed % 3 == 0 ? Tight : null);
        var lastToken = 0L;
        for (var i = 0; i < 250; i++)
        {
            machine.Pass(random.Next(400_000));
            var before = machine.View;
            var command = DrawnCommands.Draw(random, machine);
            var seen = machine.All.Count;
            (command, var session) = DrawnCommands.Number(random, machine, command);
            var identity = session.IsNone && random.Chance(1, 6) ? $"id{random.Next(30)}" : "";
            var outcome = machine.Do(command, identity, (byte)random.Next(1, 3), session: session);
            var after = machine.View;
            var step = new HoldStep(before, after, command, outcome, [.. machine.All.Skip(seen)], machine.Now);
            foreach (var granted in step.NewHolds.OrderBy(h => h.Token))
            {
                Assert.That(granted.Token.Value, Is.GreaterThan(lastToken), "tokens rise");
                Assert.That(granted.Token.Value, Is.LessThanOrEqualTo(after.Revision.Value));
                lastToken = granted.Token.Value;
            }
            HoldInvariants.Check(step, machine.State.NextDeadline);
            CheckLeases(step);
            CheckCounts(after);
            Assert.That(after.Revision.Value, Is.GreaterThanOrEqualTo(before.Revision.Value));
            if (step.NewHolds.Count == 0
                && outcome is ConditionFailed or HoldRefused or LeaseMissing or NotHolder or LeasesRenewed or HoldQueued or IdempotencyMismatch or LeaseGranted
                    or PermitsMismatch or PermitsOut or SemaphoreUnused or NoSuchWaiter or KeyWrittenTwice or TooManyObjects)
            {
                Assert.That(after.Revision, Is.EqualTo(before.Revision), $"{command} changed nothing that has a revision");
            }
            Assert.That(machine.State.NextDeadline, Is.LessThanOrEqualTo(after.ListLeases(LeaseId.None).Select(l => l.Deadline).DefaultIfEmpty(ClusterTime.Never).Min()));
        }
    }

    /// <summary>No lease ends early: only by its revocation, its lock's end, or an expiry at or past its deadline; no deadline moves back.</summary>
    private static void CheckLeases(HoldStep step)
    {
        var (before, after, command, now) = (step.Before, step.After, step.Command, step.Now);
        foreach (var old in before.ListLeases(LeaseId.None))
        {
            var lease = after.GetLease(old.Id);
            if (lease is null)
            {
                var lostItsHolds = old.Id.Value >= DrawnCommands.FirstOwnLease && HoldStep.HoldsOf(before).All(
                    h => h.Value.Lease != old.Id || HoldStep.Find(after, h.Key) is null);
                var allowed = command switch
                {
                    ExpireCommand => old.Deadline <= now || (lostItsHolds && HoldStep.HoldsOf(before).Any(h => h.Value.Lease == old.Id && h.Value.Until <= now)),
                    RevokeLeaseCommand c => c.Id == old.Id,
                    ReleaseHoldCommand or CancelWaitCommand or HandOverCommand => lostItsHolds,
                    WithdrawCommand => lostItsHolds || (step.Outcome is Withdrawn { Result: WithdrawResult.Released } && old.Id.Value < DrawnCommands.FirstOwnLease),
                    _ => false,
                };
                Assert.That(allowed, $"{command} ended lease {old} at {now}");
            }
            else
            {
                Assert.That(lease.Deadline, Is.GreaterThanOrEqualTo(old.Deadline));
            }
        }
    }

    private static void CheckCounts(StateView view)
    {
        var objects = Enum.GetValues<HoldSpace>().SelectMany(space => view.ListObjects(space, default, null)).ToList();
        Assert.That(objects.Sum(o => o.HolderCount), Is.EqualTo(view.Counts.HoldsInUse));
        Assert.That(objects.Sum(o => o.WaiterCount), Is.EqualTo(view.Counts.Waiters));
        Assert.That(view.ListLeases(LeaseId.None).Sum(l => l.HoldCount), Is.EqualTo(view.Counts.HoldsInUse), "every hold hangs on a living lease");
        Assert.That(
            view.ListLeases(LeaseId.None).Sum(l => l.KeyCount),
            Is.EqualTo(view.ListKeys(default, null).Count(k => !k.Record.Lease.IsNone)),
            "every leased key hangs on a living lease");
        Assert.That(view.CountKeys(Machine.Key("a")), Is.EqualTo(view.ListKeys(Machine.Key("a"), null).Count()));
    }

    [Test]
    public void Snapshots_are_written_as_their_proto_file_says([Range(1, 20)] int seed)
    {
        var random = new DeterministicRandom((ulong)seed);
        var machine = new Machine();
        machine.Do(new AnnounceMemberCommand(new MemberId(4), "n", 5, "u", "p", "v", 6));
        for (var i = 0; i < 300; i++)
        {
            machine.Pass(random.Next(400_000));
            var (command, session) = DrawnCommands.Number(random, machine, DrawnCommands.Draw(random, machine));
            machine.Do(command, session.IsNone && random.Chance(1, 4) ? $"id{random.Next(20)}" : "", session: session);
        }
        foreach (var (kind, body) in SnapshotBuffer.Of(machine.View).Sections)
        {
            IMessage message = kind switch
            {
                1 => V1.Snapshot.Meta.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                2 => V1.Snapshot.Leases.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                3 => V1.Snapshot.Keys.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                4 => V1.Snapshot.Objects.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                5 => V1.Snapshot.Waiters.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                6 => V1.Snapshot.KeptOutcomes.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                11 => V1.Snapshot.ForgottenOutcomes.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                12 => V1.Snapshot.BriefAnswers.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                10 => V1.Snapshot.Holds.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                8 => V1.Snapshot.History.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                14 => V1.Snapshot.Sessions.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                15 => V1.Snapshot.ReleasedRuns.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                16 => V1.Snapshot.Outages.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                17 => V1.Snapshot.SessionAnswers.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                18 => V1.Snapshot.SessionEnds.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                19 => V1.Snapshot.Detachings.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                13 => V1.Snapshot.Settings.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                9 => V1.Snapshot.Fences.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                7 => V1.Snapshot.Members.Parser.WithDiscardUnknownFields(true).ParseFrom(body),
                _ => throw new AssertionException($"a section of the kind {kind}"),
            };
            Assert.That(message.ToByteArray(), Is.EqualTo(body), $"section kind {kind}");
        }
    }

    [Test]
    public void A_restored_snapshot_goes_on_exactly_as_the_original([Range(1, 100)] int seed)
    {
        var original = new Machine(seed % 3 == 0 ? Tight : null);
        var restored = new Machine(seed % 3 == 0 ? Tight : null);
        var draws = new DeterministicRandom((ulong)seed);
        var cut = draws.Next(200);
        for (var i = 0; i < 200; i++)
        {
            var pause = draws.Next(400_000);
            original.Pass(pause);
            restored.Pass(pause);
            var (command, session) = DrawnCommands.Number(draws, original, DrawnCommands.Draw(draws, original));
            var identity = session.IsNone && draws.Chance(1, 4) ? $"id{draws.Next(20)}" : "";
            original.Do(command, identity, session: session);
            restored.Do(command, identity, session: session);
            if (i == cut)
            {
                var bytes = restored.Snapshot();
                restored.RestoreFromSnapshot();
                Assert.That(restored.Snapshot(), Is.EqualTo(bytes), "a snapshot of the restored state is the same");
            }
            Assert.That(restored.State.Hash, Is.EqualTo(original.State.Hash), $"step {i}: {command}");
        }
        Assert.That(restored.Snapshot(), Is.EqualTo(original.Snapshot()));
    }
}
