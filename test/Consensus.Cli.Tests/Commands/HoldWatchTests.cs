using Consensus.Cli.Tests.Support;

namespace Consensus.Cli.Tests.Commands;

/// <summary><c>lock watch</c>, <c>semaphore watch</c> and <c>lease watch</c> over streams written byte for byte.</summary>
internal sealed class HoldWatchTests
{
    private const string Free =
        """{"name":"l","holders":[],"holderCount":0,"waiters":[],"waiterCount":0,"lastLoss":{"owner":"zero","fencingToken":2,"reason":"forced","revision":3,"lostMsAgo":1,"renewedMsBefore":1,"ttlMs":1}}""";

    private const string Held =
        """{"name":"l","holders":[{"owner":"one","mode":"exclusive","fencingToken":7,"lease":"1f","ttlMs":1000,"acquiredRevision":7,"expiresInMs":900}],"holderCount":1,"waiters":[{"owner":"two","position":1,"mode":"exclusive"}],"waiterCount":1,"lastLoss":{"owner":"zero","fencingToken":2,"reason":"forced","revision":3,"lostMsAgo":1,"renewedMsBefore":1,"ttlMs":1}}""";

    private const string Lost =
        """{"name":"l","holders":[],"holderCount":0,"waiters":[],"waiterCount":0,"lastLoss":{"owner":"one","fencingToken":7,"reason":"expired","revision":9,"lostMsAgo":1,"renewedMsBefore":1,"ttlMs":1},"delayMs":500}""";

    private const string Semaphore =
        """{"name":"s","permits":3,"permitsUsed":3,"holders":[{"owner":"a","count":1,"fencingToken":4,"lease":"1","ttlMs":1,"acquiredRevision":4,"expiresInMs":1},{"owner":"b","count":2,"fencingToken":5,"lease":"2","ttlMs":1,"acquiredRevision":5,"expiresInMs":1}],"holderCount":2,"waiters":[],"waiterCount":0,"lastLoss":null}""";

    private static string Event(string name, long id, string data) => $"event: {name}\nid: {id}\ndata: {data}\n\n";

    /// <summary>Each stream once; what is asked after the last one is refused, which ends the program.</summary>
    private static async Task<CliRun> WatchAsync(string[] arguments, params string[] streams)
    {
        var asked = 0;
        using var server = new FakeServer(_ => ++asked <= streams.Length
            ? new FakeAnswer(200, streams[asked - 1], "text/event-stream")
            : FakeAnswer.Problem(400, "bad-request", "that is all"));
        return await Ctl.RunAsync(server.Endpoint, arguments);
    }

    [Test]
    public async Task A_lock_is_told_state_by_state_and_each_loss_once()
    {
        var run = await WatchAsync(["lock", "watch", "l"], Event("lock", 3, Free) + Event("lock", 7, Held), Event("lock", 8, Held) + Event("lock", 9, Lost));

        Assert.That(run.Output, Is.EqualTo(
            "REVISION\tSTATE\tOWNER\tTOKEN\tWAITERS\tNOTE\n"
            + "3\tfree\t-\t-\t0\tlast lost by zero: forced\n"
            + "7\theld\tone\t7\t1\t-\n"
            + "8\theld\tone\t7\t1\t-\n"
            + "9\tfree\t-\t-\t0\tlost by one: expired; kept for its last owner\n"));
        Assert.That(run.Error, Does.EndWith("consensusctl: that is all.\n"));
    }

    [Test]
    public async Task A_semaphore_is_told_with_its_first_holder_and_how_many_more()
    {
        var run = await WatchAsync(["semaphore", "watch", "s"], Event("semaphore", 5, Semaphore));

        Assert.That(run.Output, Does.EndWith("5\theld\ta and 1 more\t4\t0\t-\n"));
    }

    [Test]
    public async Task A_watch_of_a_lease_ends_with_it()
    {
        const string Lease = """{"id":"1f","ttlMs":1000,"expiresInMs":900,"keys":["a"],"keyCount":1,"locks":["l"],"semaphores":[],"elections":[],"lockCount":1}""";
        var run = await WatchAsync(["lease", "watch", "1f"], Event("lease", 5, Lease) + Event("ended", 6, """{"id":"1f","reason":"expired","revision":6}"""));

        Assert.That(run.Output, Does.EndWith("5\tcarries\t1 keys, 1 holds\t-\t-\t-\n6\tended\t-\t-\t-\texpired\n"));
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
    }

    [Test]
    public async Task As_JSON_each_state_is_a_line_as_the_API_gave_it()
    {
        var run = await WatchAsync(["lock", "watch", "l", "-o", "json"], Event("lock", 7, Held));

        Assert.That(run.Output, Is.EqualTo("{\"event\":\"lock\"," + Held[1..] + "\n"));
    }
}
