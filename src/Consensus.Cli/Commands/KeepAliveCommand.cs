using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Api.Leases;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>lease keepalive ID [--since VERSION]</c>: of a session it tells what its holder may not know of.</summary>
internal static class KeepAliveCommand
{
    /// <param name="table">Of a lease as it is renewed.</param>
    public static Command Create(CommandHost host, Func<LeaseAnswer, TextTable> table)
    {
        var id = Names.LeaseId();
        var since = new Option<long?>("--since")
        {
            Description = "Of a session: what began and ended under it since it had that version; 0 lists all that it has.",
            HelpName = "VERSION",
        };
        var command = new Command("keepalive", "Renews a lease for its whole TTL.") { id, since };
        host.Bind(
            command,
            async (parsed, session) => parsed.GetValue(since) is { } version
                ? await TellNewsAsync(session, parsed.GetRequiredValue(id), version)
                : session.Show(await session.Client.KeepLeaseAliveAsync(parsed.GetRequiredValue(id), session.Cancellation), table),
            parsed => parsed.GetValue(since) switch
            {
                < 0 => "--since is a version, 0 or more.",
                // Its answers are joined, and within what they tell.
                not null when host.IsPacked(parsed) => "-o msgpack does not go with --since.",
                _ => null,
            },
            givesAnswers: true);
        return command;
    }

    private static async Task<int> TellNewsAsync(CommandSession session, string id, long since)
    {
        var renewed = await session.Client.KeepSessionAliveAsync(id, since, null, session.Cancellation);
        if (!renewed.Succeeded)
        {
            return session.Fail(renewed.Problem);
        }
        if (renewed.Value.News is not { } news)
        {
            return session.Fail(new ApiProblem(ApiFailureKind.Refused, 0, "", $"Lease {id} was renewed, but it has no news"));
        }
        var document = JsonNode.Parse(renewed.Json)!.AsObject();
        var began = news.Began.ToList();
        for (var next = news.Next; next is { } after;)
        {
            var page = await session.Client.KeepSessionAliveAsync(id, since, after, session.Cancellation);
            if (!page.Succeeded)
            {
                return session.Fail(page.Problem);
            }
            began.AddRange(page.Value.News?.Began ?? []);
            Append(document, page.Json);
            next = page.Value.News?.Next;
        }
        Show(session, renewed.Value, news, began, document);
        if (news.MustList)
        {
            await session.Environment.Error.WriteLineAsync(
                $"consensusctl: more has ended since version {Plain.Number(since)} than the session remembers, "
                + "or it never had that version: --since 0 lists all that it has.");
        }
        return ExitCode.Done;
    }

    private static void Show(
        CommandSession session, LeaseAnswer lease, SessionNewsAnswer news, List<SessionItem> began, JsonObject document)
    {
        if (session.Format == OutputFormat.Json)
        {
            session.WriteJson(document.ToJsonString());
            return;
        }
        new TextTable("LEASE", "TTL", "EXPIRES IN", "VERSION", "MAX HOLD ENDS IN").Add(
            lease.Id,
            Durations.Show(lease.TtlMs),
            Durations.Show(lease.ExpiresInMs),
            Plain.Number(news.Version),
            news.MaxHoldLeftMs is { } left ? Durations.Show(left) : null).Write(session.Environment);
        if (news.Ended.Count + began.Count == 0)
        {
            return;
        }
        var table = new TextTable("STATE", "KIND", "NAME", "TOKEN", "SEQ", "REASON");
        foreach (var item in news.Ended)
        {
            table.Add("ended", item.Kind, item.Name, Text(item.FencingToken), Text(item.Seq), item.Reason);
        }
        foreach (var item in began)
        {
            table.Add(item.FencingToken is null ? "waits" : "holds", item.Kind, item.Name, Text(item.FencingToken), Text(item.Seq), null);
        }
        table.Write(session.Environment);
    }

    private static string? Text(long? number) => number is { } given ? Plain.Number(given) : null;

    /// <summary>The first page's document, with what began on all of them.</summary>
    private static void Append(JsonObject document, string page)
    {
        var news = document["news"]!.AsObject();
        var items = news["began"]!.AsArray();
        var next = JsonNode.Parse(page)!["news"]?.AsObject();
        foreach (var item in next?["began"]?.AsArray() ?? [])
        {
            items.Add(item?.DeepClone());
        }
        news.Remove("next");
        if (next?["next"] is { } more)
        {
            news["next"] = more.DeepClone();
        }
    }
}
