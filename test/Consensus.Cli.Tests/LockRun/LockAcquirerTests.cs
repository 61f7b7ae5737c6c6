using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.LockRun;

internal sealed class LockAcquirerTests
{
    private static readonly ApiProblem Unknown = new(ApiFailureKind.OutcomeUnknown, 504, "outcome-unknown", "It may still be granted.");
    private static readonly ApiProblem Held = new(ApiFailureKind.Refused, 409, "lock-held", "The lock is held by worker-7.");

    private ManualClock _clock = new();

    [SetUp]
    public void StartTheClock() => _clock = new ManualClock { Now = TimeSpan.FromHours(1) };

    [Test]
    public async Task An_unknown_outcome_is_asked_for_again_as_it_was_and_under_its_own_identity()
    {
        var target = new Target(_clock, Unknown, Unknown);
        var acquisition = await Acquirer(target).AcquireAsync(CancellationToken.None);

        Assert.That(acquisition.Hold?.FencingToken, Is.EqualTo(41));
        Assert.That(target.Asked, Has.Count.EqualTo(3));
        Assert.That(target.Asked.Distinct().Count(), Is.EqualTo(1), "one identity and one wait");
        Assert.That(acquisition.Hold?.GrantedAt, Is.EqualTo(TimeSpan.FromHours(1)), "counted from the first send");
    }

    [Test]
    public async Task A_definite_no_makes_room_for_another_identity()
    {
        var target = new Target(_clock, Held, Held);
        await Acquirer(target).AcquireAsync(CancellationToken.None);

        Assert.That(target.Asked.Select(asked => asked.Key).Distinct().Count(), Is.EqualTo(3));
    }

    [Test]
    public async Task A_no_after_an_unknown_outcome_is_withdrawn_before_it_is_asked_anew()
    {
        var locks = new FakeLocks();
        using var server = new FakeServer(locks.Answer);
        var target = new Target(_clock, Unknown, Unknown with { RefusedSince = Held });
        await Acquirer(target, server.Endpoint).AcquireAsync(CancellationToken.None);

        Assert.That(target.Asked.Select(asked => asked.Key).Distinct().Count(), Is.EqualTo(2));
        Assert.That(locks.Withdrawn, Is.EqualTo(new[] { target.Asked[0].Key }));
    }

    [TestCase(null, 3, "It may still be granted.")]
    [TestCase("lock-held", 1, "The lock is held by worker-7.")]
    public async Task When_the_time_is_over_what_may_have_been_granted_is_withdrawn_and_the_rest_is_known(string? refusedSince, int code, string message)
    {
        var locks = new FakeLocks();
        using var server = new FakeServer(locks.Answer);
        var target = new Target(_clock, Unknown with { RefusedSince = refusedSince is null ? null : Held });
        var acquisition = await Acquirer(target, server.Endpoint, TimeSpan.Zero).AcquireAsync(CancellationToken.None);

        Assert.That(acquisition, Is.EqualTo(new Acquisition(null, code, message)));
        Assert.That(locks.Withdrawn, Is.EqualTo(new[] { target.Asked.Single().Key }));
    }

    [Test]
    public async Task What_cannot_be_withdrawn_may_have_been_granted_and_that_is_said()
    {
        using var server = new FakeServer(_ => FakeAnswer.Problem(503, "no-leader", "No leader is known."));
        var acquisition = await Acquirer(new Target(_clock, Unknown), server.Endpoint, TimeSpan.Zero).AcquireAsync(CancellationToken.None);

        Assert.That(acquisition, Is.EqualTo(new Acquisition(
            null, 4, "It may still be granted. It may have been granted, and then ends with its lease.")));
    }

    private LockAcquirer Acquirer(Target target, Uri? endpoint = null, TimeSpan? wait = null) => new(
        target, _clock, TextWriter.Null, new ConsensusClientOptions { Endpoints = [endpoint ?? ConsensusClientOptions.DefaultEndpoint] }, wait, null);

    /// <summary>Says these first, then grants.</summary>
    private sealed class Target(ManualClock clock, params ApiProblem[] problems) : IHoldTarget
    {
        public List<(RequestIdentity Identity, string Key, TimeSpan Wait)> Asked { get; } = [];

        public string Description => "lock 'a'";

        public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>();

        public TimeSpan? MaxHold => null;

        public Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken)
        {
            var key = identity.BeginSend().Key!;
            clock.Now += TimeSpan.FromSeconds(1);
            var problem = Asked.Count < problems.Length ? problems[Asked.Count] : null;
            Asked.Add((identity, key, wait));
            if (problem?.Kind == ApiFailureKind.Refused)
            {
                identity.EndSend(wasAnswered: true);
            }
            return Task.FromResult(problem is null ? new GrantResult(new Grant(41, 15_000, 0), null) : new GrantResult(null, problem));
        }

        public HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
