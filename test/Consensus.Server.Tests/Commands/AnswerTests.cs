using System.Net;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Node;
using Consensus.Primitives;
using Consensus.Server.Tests.Support;
using Consensus.StateMachine;
using Consensus.StateMachine.Outcomes;
using Consensus.StateMachine.Policies;
using Consensus.Translation;

namespace Consensus.Server.Tests.Commands;

/// <summary>What is said when the node cannot say what came of a request (rule 19), and of every outcome.</summary>
internal sealed class AnswerTests : ContractTest
{
    private static readonly (string Method, string Target, string? Body)[] Writes =
    [
        ("PUT", "/v1/kv/a", "x"),
        ("DELETE", "/v1/kv/a", null),
        ("DELETE", "/v1/kv/?prefix=a", null),
        ("POST", "/v1/leases", """{"ttl":"15s"}"""),
        ("POST", "/v1/leases/1/keepalive", null),
        ("POST", "/v1/leases/keepalive", """{"ids":["1"]}"""),
        ("DELETE", "/v1/leases/1", null),
        ("POST", "/v1/leases/1/settle", """{"seq":1}"""),
        ("POST", "/v1/locks/l", """{"owner":"me","ttl":"15s"}"""),
        ("PUT", "/v1/locks/l", """{"fencingToken":2}"""),
        ("PATCH", "/v1/locks/l", """{"handOverTo":"you","fencingToken":2}"""),
        ("DELETE", "/v1/locks/l?fencingToken=2", null),
        ("POST", "/v1/multilock", """{"names":["l"],"owner":"me","ttl":"15s"}"""),
        ("POST", "/v1/semaphores/s", """{"owner":"me","ttl":"15s","permits":1}"""),
        ("PUT", "/v1/semaphores/s", """{"fencingToken":2}"""),
        ("PATCH", "/v1/semaphores/s", """{"handOverTo":"you","fencingToken":2}"""),
        ("DELETE", "/v1/semaphores/s?force=true", null),
        ("POST", "/v1/elections/e", """{"candidate":"me","ttl":"15s"}"""),
        ("PUT", "/v1/elections/e", """{"fencingToken":2,"value":"v"}"""),
        ("PATCH", "/v1/elections/e", """{"handOverTo":"you","fencingToken":2}"""),
        ("DELETE", "/v1/elections/e?fencingToken=2", null),
        ("PUT", "/v1/fences/f", """{"fencingToken":2}"""),
        ("DELETE", "/v1/fences/f", null),
        ("PUT", "/v1/settings/max-leases", """{"value":5000}"""),
        ("DELETE", "/v1/settings/max-leases", null),
        ("DELETE", "/v1/requests/r", null),
        ("POST", "/v1/txn", """{"success":[{"put":{"key":"a","value":"x"}}]}"""),
    ];

    private static readonly string[] Reads =
    [
        "/v1/kv/a", "/v1/kv/a?revision=1", "/v1/kv/?prefix=a", "/v1/leases", "/v1/leases/1", "/v1/locks/", "/v1/locks/l", "/v1/semaphores/", "/v1/semaphores/s",
        "/v1/elections/", "/v1/elections/e", "/v1/fences/", "/v1/fences/f", "/v1/settings", "/v1/settings/max-leases",
    ];

    private static readonly (NotDoneReason Reason, ProblemType Type)[] NotDone =
    [
        (NotDoneReason.NoLeader, ProblemTypes.NoLeader),
        (NotDoneReason.NotReady, ProblemTypes.NotReady),
        (NotDoneReason.TooManyRequests, ProblemTypes.TooManyRequests),
        (NotDoneReason.Cancelled, ProblemTypes.NotReady),
    ];

    [Test]
    public async Task Nothing_done_is_said_with_a_time_to_come_back()
    {
        foreach (var (reason, type) in NotDone)
        {
            Node.CommandFault = new CommandAnswer(AnswerKind.NotDone, null, reason, default);
            Node.ReadFault = new ReadAnswer(AnswerKind.NotDone, null, reason);
            foreach (var (method, target, body) in Writes.Concat(Reads.Select(read => ("GET", read, (string?)null))))
            {
                using var response = await SendAsync(method, target, body);
                await ReadProblemAsync(response, type);
                Assert.That(response.Headers.RetryAfter?.Delta, Is.EqualTo(TimeSpan.FromSeconds(1)), $"{method} {target}");
            }
        }
    }

    [Test]
    public void A_time_to_come_back_is_said_where_it_is_known_in_whole_seconds_upwards()
    {
        var revision = new Revision(7);
        foreach (var bound in Enum.GetValues<BoundKind>())
        {
            Assert.That(OutcomeProblems.Of(new BoundReached(revision, bound, 5)).RetryAfterSeconds, Is.Null, $"nobody knows when there is room for more {bound}");
        }
        Assert.That(OutcomeProblems.Of(new QuotaExceeded(revision, 5)).RetryAfterSeconds, Is.Null);
        foreach (var (micros, seconds) in new[] { (1, 1), (1_000_000, 1), (1_000_001, 2), (60_000_000, 60) })
        {
            Assert.That(OutcomeProblems.Of(new BoundReached(revision, BoundKind.IdempotencyKeys, 5) { RetryAfterMicros = micros }).RetryAfterSeconds, Is.EqualTo(seconds));
            Assert.That(OutcomeProblems.Of(new HoldRefused(revision, null, 0, 0) { DelayLeftMicros = micros }).RetryAfterSeconds, Is.EqualTo(seconds));
        }
        Assert.That(OutcomeProblems.Of(new HoldRefused(revision, null, 0, 0)).RetryAfterSeconds, Is.EqualTo(1));
    }

    [Test]
    public async Task An_unknown_outcome_is_said_to_be_unknown()
    {
        Node.CommandFault = new CommandAnswer(AnswerKind.Unknown, null, NotDoneReason.None, default);
        Node.ReadFault = new ReadAnswer(AnswerKind.Unknown, null, NotDoneReason.None);
        foreach (var (method, target, body) in Writes.Concat(Reads.Select(read => ("GET", read, (string?)null))))
        {
            await ProblemAsync(ProblemTypes.OutcomeUnknown, method, target, body);
        }
    }

    [Test]
    public async Task Outcomes_that_any_write_may_have_are_problems_on_all_of_them()
    {
        var revision = new Revision(7);
        foreach (var (outcome, type) in new (Outcome, ProblemType)[]
        {
            (new BoundReached(revision, BoundKind.IdempotencyKeys, 5), ProblemTypes.TooManyRequests),
            (new QuotaExceeded(revision, 100), ProblemTypes.QuotaExceeded),
            (new TooManyObjects(revision, 10_000), ProblemTypes.TooLarge),
            (new IdempotencyMismatch(revision), ProblemTypes.IdempotencyMismatch),
            (new RetryTooLate(revision), ProblemTypes.RetryTooLate),
            (new RequestWithdrawn(revision), ProblemTypes.Withdrawn),
            (new SessionRefused(revision, new LeaseId(1), SessionRefusal.Ended, 0), ProblemTypes.SessionEnded),
            (new SessionRefused(revision, new LeaseId(1), SessionRefusal.TooFarAhead, 5), ProblemTypes.TooManyRequests),
            (new SessionRefused(revision, new LeaseId(1), SessionRefusal.OtherLease, 0), ProblemTypes.BadRequest),
            (new SessionRefused(revision, new LeaseId(1), SessionRefusal.QuotaUsed, 5), ProblemTypes.QuotaExceeded),
            (new ReplayedHoldGone(revision, null), ProblemTypes.LeaseExpired),
        })
        {
            Node.CommandFault = new CommandAnswer(AnswerKind.Done, outcome, NotDoneReason.None, default);
            foreach (var (method, target, body) in Writes)
            {
                using var response = await SendAsync(method, target, body);
                await ReadProblemAsync(response, type);
                Assert.That(response.Headers.GetValues("Consensus-Revision").Single(), Is.EqualTo("7"));
            }
        }
    }

    [Test]
    public void Every_outcome_is_either_a_success_or_has_its_problem()
    {
        Type[] successes =
        [
            typeof(PutDone), typeof(DeleteDone), typeof(LeaseGranted), typeof(LeasesRenewed), typeof(LeaseRevoked), typeof(HoldGranted), typeof(HoldRenewed),
            typeof(HoldReleased), typeof(ManyGranted), typeof(HandedOver), typeof(TxnDone), typeof(FencePassed), typeof(FenceReset),
            typeof(Withdrawn), typeof(SettingPut), typeof(PermitsChanged), typeof(Settled), typeof(PolicyChanged),
        ];
        // Never the final outcome of a request of a client.
        Type[] inner = [typeof(HoldQueued), typeof(Noted)];
        var problems = Samples().Select(outcome => outcome.GetType()).Distinct().ToList();
        var all = typeof(Outcome).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Outcome)));
        Assert.That(successes.Concat(inner).Concat(problems), Is.EquivalentTo(all));
        foreach (var outcome in Samples())
        {
            var problem = OutcomeProblems.Of(outcome);
            Assert.That(problem.StateRevision, Is.EqualTo(outcome.Revision));
            Assert.That(ProblemTypes.All, Does.Contain(problem.Type));
        }
    }

    [TestCase(BoundKind.Leases, "max-leases")]
    [TestCase(BoundKind.Locks, "max-locks")]
    [TestCase(BoundKind.Waiters, "max-waiters")]
    [TestCase(BoundKind.Fences, "max-fences")]
    [TestCase(BoundKind.WaitersOfOne, null)]
    [TestCase(BoundKind.Holders, null)]
    [TestCase(BoundKind.LeaseAttachments, null)]
    [TestCase(BoundKind.IdempotencyKeys, null)]
    public void A_bound_that_is_a_setting_is_told_with_the_command_that_changes_it(BoundKind bound, string? setting) => Assert.That(
        OutcomeProblems.Of(new BoundReached(new Revision(7), bound, 5)).Detail,
        Does.EndWith(": at most 5; nothing was done" + (setting is null ? "" : $" (consensusctl settings set {setting})")));

    [Test]
    public void Every_bound_and_reason_has_its_words()
    {
        var revision = new Revision(7);
        foreach (var bound in Enum.GetValues<BoundKind>())
        {
            Assert.That(OutcomeProblems.Of(new BoundReached(revision, bound, 5)).Detail, Does.Contain("at most 5"));
        }
        foreach (var reason in Enum.GetValues<DenialReason>())
        {
            var problem = OutcomeProblems.Of(new Forbidden(revision, reason));
            Assert.That(problem.Type, Is.EqualTo(ProblemTypes.Forbidden));
            Assert.That(problem.Detail, Does.EndWith("nothing was done"));
        }
        foreach (var reason in Enum.GetValues<PolicyRefusal>())
        {
            Assert.That(OutcomeProblems.Of(new PolicyRefused(revision, reason, 5, "billing")).Detail, Does.EndWith("nothing was done"));
        }
        foreach (var reason in Enum.GetValues<SessionRefusal>())
        {
            Assert.That(OutcomeProblems.Of(new SessionRefused(revision, new LeaseId(1), reason, 5)).Detail, Does.Contain("nothing").IgnoreCase, $"{reason}: nothing was done");
        }
        foreach (var reason in Enum.GetValues<LossReason>())
        {
            var loss = new HoldLoss(new FencingToken(3), "me", reason, new Revision(6));
            var problem = OutcomeProblems.Of(new NotHolder(revision, loss, null) { Asked = loss.Token, IsRenewal = true });
            Assert.That(problem.Detail, Does.Contain("at revision 6"));
            Assert.That(problem.Type, Is.EqualTo(reason == LossReason.Expired ? ProblemTypes.LeaseExpired : ProblemTypes.NotHolder));
        }
    }

    [Test]
    public async Task A_bug_is_an_internal_problem_and_the_server_goes_on()
    {
        Node.CommandFault = new CommandAnswer(AnswerKind.Done, new Noted(new Revision(1)), NotDoneReason.None, default);
        using var response = await SendAsync("PUT", "/v1/kv/a", "x");
        await ReadProblemAsync(response, ProblemTypes.Internal);
        Node.CommandFault = null;
        await AnswerAsync(ApiJson.Default.KeyAnswer, HttpStatusCode.OK, "PUT", "/v1/kv/a", "x");
    }

    private static IEnumerable<Outcome> Samples()
    {
        var revision = new Revision(7);
        yield return new ConditionFailed(revision, new Revision(3));
        yield return new ConditionFailed(revision, Revision.Zero) { IsUntold = true };
        yield return new Forbidden(revision, DenialReason.NotOwner);
        yield return new PolicyRefused(revision, PolicyRefusal.Missing, 5, "billing");
        yield return new LeaseIdTaken(revision, new LeaseId(1));
        yield return new LeaseMissing(revision, new LeaseId(1));
        yield return new LeaseMissing(revision, new LeaseId(1)) { WasToEnd = true };
        yield return new HoldRefused(revision, null, 3, 1000);
        yield return new HoldRefused(revision, null, 3, 0) { IsUntold = true };
        yield return new NoSuchWaiter(revision, "you");
        yield return new PermitsMismatch(revision, 3);
        yield return new PermitsOut(revision, 5, 3);
        yield return new SemaphoreUnused(revision);
        yield return new KeyWrittenTwice(revision, Key.FromText("k"));
        yield return new AnswerTooLarge(revision, 1000);
        yield return new FenceStale(revision, new FencingToken(5));
        yield return new FenceStale(revision, FencingToken.None) { IsUntold = true };
        yield return new TokenNotExclusive(revision, ObjectName.Lock(default)) { IsUntold = true };
        yield return new TokenFromFuture(revision);
        yield return new TokenNotExclusive(revision, ObjectName.Lock(Key.FromText("x")));
        yield return new TokenNotExclusive(revision, ObjectName.Semaphore(Key.FromText("x")));
        yield return new WaitCancelled(revision, StateMachine.Commands.CancelReason.Disconnected);
        yield return new WaitDetached(revision);
        yield return new WaitTakenOver(revision);
        yield return new NotHolder(revision, null, null);
        yield return new BoundReached(revision, BoundKind.Locks, 5);
        yield return new QuotaExceeded(revision, 5);
        yield return new SettingOutOfRange(revision, Setting.QuotaBytes);
        yield return new TooManyObjects(revision, 5);
        yield return new IdempotencyMismatch(revision);
        yield return new RetryTooLate(revision);
        yield return new ReplayedHoldGone(revision, null);
        yield return new RequestWithdrawn(revision);
        yield return new SessionRefused(revision, new LeaseId(1), SessionRefusal.Full, 5);
    }
}
