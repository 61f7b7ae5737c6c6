using System.Net;
using Consensus.Api.Cluster;
using Consensus.Cli.LockRun;
using Consensus.Cli.Tests.Support;
using Consensus.Client;
using Consensus.Client.Transport;

namespace Consensus.Cli.Tests.LockRun;

internal sealed class OutageTests
{
    private static readonly Uri Endpoint = new("http://127.0.0.1:7379");

    private ManualClock _clock = new();
    private StringWriter _error = new();

    [SetUp]
    public void Begin() => (_clock, _error) = (new ManualClock { Now = TimeSpan.FromHours(1) }, new StringWriter());

    [TearDown]
    public void End() => _error.Dispose();

    [Test]
    public void What_passes_soon_is_not_told()
    {
        var outage = Make();
        outage.Heard(NoLeader);
        Assert.That(_error.ToString(), Is.Empty);
        Assert.That(outage.Trouble, Is.EqualTo("No leader is known."));
    }

    [Test]
    public void That_there_is_no_leader_is_told_once_for_each_time_that_it_is_so()
    {
        var outage = Make();
        _clock.Now += TimeSpan.FromSeconds(5);
        outage.Heard(NoLeader);
        outage.Heard(NoLeader);
        Assert.That(_error.ToString(), Is.EqualTo("consensusctl: still waiting for lock 'a': No leader is known.\n"));
        Assert.That(outage.WasSeen, Is.False);

        outage.Heard(new Attempt(AttemptKind.Refused, Endpoint) { Status = HttpStatusCode.Conflict, Slug = "lock-held" });
        Assert.That((outage.WasSeen, outage.Trouble), Is.EqualTo((true, "")));
        outage.Heard(NoLeader);
        Assert.That(_error.ToString().Split('\n'), Has.Length.EqualTo(3));
    }

    [Test]
    public void A_connection_that_breaks_is_told_only_when_no_member_takes_it_up()
    {
        var outage = Make();
        _clock.Now += TimeSpan.FromMinutes(3);
        outage.Heard(new Attempt(AttemptKind.Unknown, Endpoint) { Detail = "127.0.0.1:7379 closed the connection before it answered." });
        Assert.That(_error.ToString(), Is.Empty);
        outage.Heard(new Attempt(AttemptKind.NothingDone, Endpoint) { Detail = "127.0.0.1:7380 accepts no connection.", Unreachable = true });
        Assert.That(_error.ToString(), Does.EndWith(": 127.0.0.1:7380 accepts no connection.\n"));
    }

    [Test]
    public void A_member_that_tells_the_place_in_line_lets_the_request_wait()
    {
        var outage = Make();
        var log = new AttemptLog { Heard = outage.Heard };
        log.Add(NoLeader);
        log.Add(new Attempt(AttemptKind.Done, Endpoint) { Status = HttpStatusCode.Accepted, IsPlace = true });
        Assert.That((outage.WasSeen, outage.Trouble), Is.EqualTo((true, "")));
    }

    [Test]
    public void A_silent_member_that_does_not_answer_how_it_is_is_told()
    {
        var outage = Make();
        _clock.Now += TimeSpan.FromSeconds(4);
        outage.Probed(ApiResult<StatusAnswer>.Failed(new ApiProblem(ApiFailureKind.Unavailable, 0, "", "127.0.0.1:7379 did not answer within 2 s.")));
        Assert.That(_error.ToString(), Does.EndWith(": 127.0.0.1:7379 did not answer within 2 s.\n"));
        Assert.That(outage.WasSeen, Is.False);
    }

    [TestCase("n1", true)]
    [TestCase(null, false)]
    public void A_silent_member_that_knows_a_leader_lets_the_request_wait(string? leader, bool isSeen)
    {
        var outage = Make();
        _clock.Now += TimeSpan.FromSeconds(4);
        outage.Probed(ApiResult<StatusAnswer>.Of(Status(leader), ""));
        Assert.That(outage.WasSeen, Is.EqualTo(isSeen));
        Assert.That(_error.ToString(), Is.EqualTo(isSeen ? "" : "consensusctl: still waiting for lock 'a': n2 knows no leader.\n"));
    }

    private static Attempt NoLeader => new(AttemptKind.NothingDone, Endpoint) { Status = HttpStatusCode.ServiceUnavailable, Slug = "no-leader", Detail = "No leader is known." };

    private static StatusAnswer Status(string? leader) => System.Text.Json.JsonSerializer.Deserialize(
        new FakeMembers.Member { Leader = leader is null ? "null" : $"\"{leader}\"" }.Status("n2"), Consensus.Api.ApiJson.Default.StatusAnswer)!;

    private Outage Make() => new("lock 'a'", 2, _clock, _error);
}
