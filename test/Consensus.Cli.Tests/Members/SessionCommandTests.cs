using Consensus.Client;

namespace Consensus.Cli.Tests.Members;

internal sealed class SessionCommandTests
{
    [Test]
    public async Task A_session_is_granted_shown_as_one_and_tells_what_was_broken_under_it()
    {
        var session = (await Member.JsonAsync("lease", "grant", "--ttl", "10m", "--session"))["id"]!.GetValue<string>();
        var token = (await Member.RowsAsync("lock", "acquire", "s/broken", "--lease", session))[0][3];
        await Member.RowsAsync("semaphore", "acquire", "s/kept", "--permits", "2", "--lease", session);
        var shown = (await Member.RowsAsync("lease", "show", session))[0];
        var since = (await Member.JsonAsync("lease", "keepalive", session, "--since", "0"))["news"]!["version"]!.GetValue<long>();
        await Member.RowsAsync("lock", "release", "s/broken", "--force", "--yes");
        var news = await Member.RunAsync("lease", "keepalive", session, "--since", $"{since}");
        var all = await Member.RunAsync("lease", "keepalive", session, "--since", "0");

        Assert.That(shown[3], Does.Match("^version [0-9]+, numbers to 0, acknowledged to 0, answers kept: 0$"));
        Assert.That(shown[5], Is.EqualTo("lock s/broken, semaphore s/kept"));
        Assert.That(Rows(news.Output), Is.EqualTo(new[] { $"ended lock s/broken {token} - forced" }), news.Output);
        Assert.That(Rows(all.Output).Single(), Does.StartWith("holds semaphore s/kept "), all.Output);
        await Member.RowsAsync("lease", "revoke", session);
    }

    [Test]
    public async Task What_is_no_session_has_no_news_and_no_numbers()
    {
        var lease = (await Member.RowsAsync("lease", "grant", "--ttl", "10m"))[0][0];

        Assert.That((await Member.RowsAsync("lease", "show", lease))[0][3], Is.EqualTo("-"));
        Assert.That((await Member.RunAsync("lease", "keepalive", lease, "--since", "0")).ExitCode, Is.EqualTo(2));
        Assert.That((await Member.RunAsync("lease", "settle", lease, "1")).ExitCode, Is.Not.Zero);
        await Member.RowsAsync("lease", "revoke", lease);
    }

    [Test]
    public async Task A_number_is_settled_as_what_came_of_it_and_what_was_not_done_never_is()
    {
        var session = (await Member.RowsAsync("lease", "grant", "--ttl", "10m", "--session"))[0][0];
        using var client = new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [OneMember.Endpoint] });
        var put = await client.Under(new WriteNumber(session, 1, 0)).PutKeyAsync("s/done", "v"u8.ToArray(), null, CancellationToken.None);

        Assert.That(put.Succeeded, put.Problem?.Detail);
        Assert.That((await Member.RowsAsync("lease", "settle", session, "1"))[0][..2], Is.EqualTo(new[] { "1", "done" }));
        Assert.That((await Member.RowsAsync("lease", "settle", session, "2"))[0][..2], Is.EqualTo(new[] { "2", "not-done" }));
        var late = await client.Under(new WriteNumber(session, 2, 0)).PutKeyAsync("s/never", "v"u8.ToArray(), null, CancellationToken.None);
        Assert.That(late.Succeeded, Is.False);
        await Member.RefusedAsync("kv", "get", "s/never");
        await Member.RowsAsync("lease", "revoke", session);
    }

    /// <summary>The rows of what happened, after the row of the lease itself.</summary>
    private static string[] Rows(string output) =>
    [
        .. output.TrimEnd('\n').Split('\n')
            .SkipWhile(line => !line.StartsWith("STATE\t", StringComparison.Ordinal))
            .Skip(1)
            .Select(line => line.Replace('\t', ' ')),
    ];
}
