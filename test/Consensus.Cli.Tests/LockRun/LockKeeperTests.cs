using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;

namespace Consensus.Cli.Tests.LockRun;

internal sealed class LockKeeperTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(20);

    private ManualClock _clock = new();

    [SetUp]
    public void StartTheClock() => _clock = new ManualClock { Now = TimeSpan.FromHours(1) };

    [Test]
    public void A_renewal_that_tells_a_shorter_TTL_gives_no_more_than_that()
    {
        var start = _clock.Now;
        using var keeper = Keep(new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = TimeSpan.FromSeconds(12) });
        _clock.Now = start + TimeSpan.FromSeconds(10);
        keeper.RenewOnce();

        Assert.That(keeper.Deadline, Is.EqualTo(start + TimeSpan.FromSeconds(10 + (0.99 * 12))));
    }

    [Test]
    public void Renewals_never_lead_beyond_a_maxHold_and_the_reason_says_so()
    {
        var start = _clock.Now;
        using var keeper = Keep(new HoldRenewal(HoldRenewalOutcome.Renewed, "") { Ttl = Ttl }, TimeSpan.FromSeconds(30));
        Assert.That(keeper.Reason, Is.EqualTo("no renewal was answered in time."));
        _clock.Now = start + TimeSpan.FromSeconds(15);
        keeper.RenewOnce();

        Assert.That(keeper.Deadline, Is.EqualTo(start + (0.99 * TimeSpan.FromSeconds(30))));
        Assert.That(keeper.Reason, Is.EqualTo("its --max-hold of 30s is over."));
    }

    private LockKeeper Keep(HoldRenewal renewal, TimeSpan? maxHold = null) =>
        new(_clock, new Hold(new AnswersEachRenewal(renewal, maxHold), 41, new HoldSchedule(Ttl, maxHold: maxHold), _clock.Now));

    private sealed class AnswersEachRenewal(HoldRenewal renewal, TimeSpan? maxHold) : IHoldTarget
    {
        public string Description => "lock 'a'";

        public IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>();

        public TimeSpan? MaxHold => maxHold;

        public Task<GrantResult> AcquireAsync(TimeSpan wait, RequestIdentity identity, CancellationToken cancellationToken) => throw new NotSupportedException();

        public HoldRenewal RenewOnce(long fencingToken, TimeSpan timeout, CancellationToken cancellationToken) => renewal;

        public Task<ApiResult<EmptyAnswer>> ReleaseAsync(long fencingToken, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
