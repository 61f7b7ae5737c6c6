using Consensus.Client.Sessions;
using Consensus.Client.Testing.Api;
using Consensus.Client.Testing.Store;
using Consensus.Client.Tests.Support;

namespace Consensus.Client.Tests.Sessions;

/// <summary>Numbers, news and settlements as <see cref="IConsensusApi"/> has them: the same of the fake and of a real server.</summary>
[TestFixture(true)]
[TestFixture(false)]
internal sealed class SessionApiTests(bool isFake)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromMinutes(30);

    private ServerProcess? _server;
    private InMemoryStore? _store;
    private IConsensusApi _api = null!;
    private string _session = "";
    private string _name = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (isFake)
        {
            _store = new InMemoryStore(TimeProvider.System);
            _api = new InMemoryApi(_store);
            return;
        }
        _server = await ServerProcess.StartAsync();
        _api = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [_server.Endpoint] });
    }

    [OneTimeTearDown]
    public void Stop()
    {
        _api.Dispose();
        _store?.Dispose();
        _server?.Dispose();
    }

    [SetUp]
    public async Task BeginAsync()
    {
        _name = Guid.NewGuid().ToString("N");
        var granted = await _api.GrantSessionAsync(Ttl, new RequestIdentity(), default);
        Assert.That(granted.Value?.Session, Is.True, granted.Problem?.Detail);
        _session = granted.Value!.Id;
    }

    [Test]
    public async Task A_number_that_is_sent_again_is_told_its_first_answer_and_an_acknowledged_one_that_it_is_too_late()
    {
        var first = await Under(1, 0).PutKeyAsync(_name, "x"u8.ToArray(), null, default);
        var again = await Under(1, 0).PutKeyAsync(_name, "x"u8.ToArray(), null, default);
        Assert.That((first.Value?.ModRevision, again.Value?.Version), Is.EqualTo((again.Value?.ModRevision, 1L)), again.Problem?.Detail);

        Assert.That((await Under(2, 1).PutKeyAsync(_name, "y"u8.ToArray(), null, default)).Succeeded, Is.True);
        var late = await Under(1, 0).PutKeyAsync(_name, "x"u8.ToArray(), null, default);
        Assert.That((late.Problem?.Kind, late.Problem?.Slug), Is.EqualTo((ApiFailureKind.OutcomeUnknown, "retry-too-late")));
    }

    [Test]
    public async Task A_number_that_is_settled_before_it_arrives_is_never_done()
    {
        var settled = await _api.SettleAsync(_session, 1, default);
        Assert.That(settled.Value?.Result, Is.EqualTo("not-done"), settled.Problem?.Detail);

        var late = await Under(1, 0).PutKeyAsync(_name, "x"u8.ToArray(), null, default);

        Assert.That((late.Problem?.Status, late.Problem?.Slug), Is.EqualTo((409, "withdrawn")));
        Assert.That((await _api.GetKeyAsync(_name, null, default)).Problem?.Status, Is.EqualTo(404));
    }

    [Test]
    public async Task Settling_tells_what_was_granted_and_what_was_refused()
    {
        var granted = await Under(1, 0).AcquireLockAsync(Wish(TimeSpan.Zero), Numbered(1, 0), default);
        var refused = await Under(2, 0).AcquireLockAsync(Wish(TimeSpan.Zero), Numbered(2, 0), default);
        Assert.That((granted.Succeeded, refused.Problem?.Slug), Is.EqualTo((true, "lock-held")), granted.Problem?.Detail);

        var done = await _api.SettleAsync(_session, 1, default);
        var no = await _api.SettleAsync(_session, 2, default);

        Assert.That((done.Value?.Result, done.Value?.Holds?.Single().FencingToken), Is.EqualTo(("done", granted.Value?.FencingToken)));
        Assert.That((no.Value?.Result, no.Value?.Problem?.Status), Is.EqualTo(("refused", (int?)409)));
    }

    [Test]
    public async Task News_tell_what_began_and_what_another_took_away_and_not_what_the_session_asked_for()
    {
        var granted = await _api.AcquireLockAsync(Wish(TimeSpan.Zero), Numbered(1, 0), default);
        var other = await _api.AcquireLockAsync(Wish(TimeSpan.Zero) with { Name = _name + "b" }, Numbered(2, 0), default);
        var all = Renew(0);
        Assert.That(all.Began.Select(item => (item.Kind, item.Name, item.FencingToken)), Is.EqualTo(new[]
        {
            ("lock", _name, (long?)granted.Value!.FencingToken), ("lock", _name + "b", (long?)other.Value!.FencingToken),
        }));

        Assert.That((await _api.ReleaseLockAsync(_name, granted.Value.FencingToken, default)).Succeeded, Is.True);
        Assert.That((await Under(3, 0).ReleaseLockAsync(_name + "b", other.Value.FencingToken, default)).Succeeded, Is.True);

        var news = Renew(all.Version);
        Assert.That(news.Began, Is.Empty);
        Assert.That(news.Ended.Select(item => (item.Name, item.FencingToken, item.Reason)),
            Is.EqualTo(new[] { (_name, (long?)granted.Value.FencingToken, "released") }));
    }

    [Test]
    public async Task A_place_outlives_its_attempt_and_is_found_by_its_number()
    {
        var held = await _api.AcquireLockAsync(Wish(TimeSpan.Zero), Numbered(1, 0), default);
        using var gone = new CancellationTokenSource();
        var first = _api.AcquireLockAsync(Wish(TimeSpan.FromMinutes(5)), Numbered(2, 0), gone.Token);
        await Eventually.UntilAsync(async () => (await _api.GetLockAsync(_name, null, default)).Value?.WaiterCount == 1, "it waits");

        await gone.CancelAsync();
        await Assert.ThatAsync(() => first.InTimeAsync(), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Renew(0).Began.Single(item => item.FencingToken is null).Seq, Is.EqualTo(2));
        Assert.That((await Under(3, 2).ReleaseLockAsync(_name, held.Value!.FencingToken, default)).Succeeded, Is.True);

        var again = await _api.AcquireLockAsync(Wish(TimeSpan.FromMinutes(5)), Numbered(2, 0), default).InTimeAsync();
        Assert.That(again.Value?.FencingToken, Is.GreaterThan(held.Value.FencingToken), again.Problem?.Detail);
    }

    [Test]
    public async Task What_is_sent_under_a_session_that_has_ended_is_unknown_and_ends_its_numbers()
    {
        string? why = null;
        var numbers = new SessionNumbers(_session, ended => why = ended, _ => { });
        Assert.That(numbers.TryTake(out var number), Is.True);
        Assert.That((await _api.RevokeLeaseAsync(_session, default)).Succeeded, Is.True);

        var late = await _api.Under(new RequestIdentity(numbers, number)).PutKeyAsync(_name, "x"u8.ToArray(), null, default);

        Assert.That((late.Problem?.Kind, late.Problem?.Status, late.Problem?.Slug),
            Is.EqualTo((ApiFailureKind.OutcomeUnknown, 410, "session-ended")));
        Assert.That(why, Is.EqualTo(late.Problem!.Detail));
        Assert.That(_api.KeepSessionAliveOnce(_session, 0, null, Eventually.Deadline, default).Renewal.Outcome,
            Is.EqualTo(HoldRenewalOutcome.Lost));
    }

    private Api.Leases.SessionNewsAnswer Renew(long since)
    {
        var (renewal, news) = _api.KeepSessionAliveOnce(_session, since, null, Eventually.Deadline, default);
        Assert.That((renewal.Outcome, renewal.Ttl), Is.EqualTo((HoldRenewalOutcome.Renewed, Ttl)), renewal.Detail);
        return news!;
    }

    private LockWish Wish(TimeSpan wait) => new(_name, "me") { Lease = _session, Wait = wait };

    private RequestIdentity Numbered(long seq, long acked) => new(new WriteNumber(_session, seq, acked));

    private IConsensusApi Under(long seq, long acked) => _api.Under(Numbered(seq, acked));
}
