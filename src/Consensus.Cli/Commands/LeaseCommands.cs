using System.CommandLine;
using Consensus.Api.Leases;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary><c>lease grant/keepalive/settle/revoke/show/list/watch</c>.</summary>
internal static class LeaseCommands
{
    public static Command Create(CommandHost host) => new("lease", "Leases: keys and locks that end when nobody renews them.")
    {
        Grant(host),
        KeepAliveCommand.Create(host, TableOfOne),
        Settle(host),
        WithId(host, "revoke", "Ends a lease: its keys are deleted and its locks freed.", RevokeAsync),
        WithId(host, "show", "Shows a lease and what it holds.", ShowAsync),
        List(host),
        WatchStateCommand.Create(
            host,
            "Shows how much hangs on a lease, each change of that, and its end.",
            Names.LeaseId(),
            (session, id) => session.Client.WatchLeaseAsync(id, session.Cancellation)),
    };

    private static Command Grant(CommandHost host)
    {
        var ttl = Durations.Option("--ttl", "How long it lives without being renewed.");
        ttl.Required = true;
        var isSession = new Option<bool>("--session")
        {
            Description = "A session: it also keeps what came of the writes that its client numbers.",
        };
        var command = new Command("grant", "Makes a lease.") { ttl, isSession };
        host.Bind(command, (parsed, session) => OneGrant.ShowAsync(
            session,
            "the lease",
            TimeSpan.Zero,
            (api, identity, cancellation) => parsed.GetValue(isSession)
                ? api.GrantSessionAsync(parsed.GetRequiredValue(ttl) ?? default, identity, cancellation)
                : api.GrantLeaseAsync(parsed.GetRequiredValue(ttl) ?? default, identity, cancellation),
            TableOfOne), givesAnswers: true);
        return command;
    }

    private static Command Settle(CommandHost host)
    {
        var id = Names.LeaseId();
        var seq = new Argument<long>("SEQ") { Description = "The number that a write had in the session, from 1 on." };
        var command = new Command("settle", "Says what came of one numbered write of a session; one that was not done never will be.")
        {
            id, seq,
        };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.SettleAsync(parsed.GetRequiredValue(id), parsed.GetRequiredValue(seq), session.Cancellation),
                settled => new TextTable("SEQ", "RESULT", "REVISION", "HOLDS", "LEASE", "NOTE").Add(
                    Plain.Number(settled.Seq),
                    settled.Result,
                    Plain.Number(settled.Revision),
                    string.Join(", ", (settled.Holds ?? []).Select(hold => $"{hold.Kind} {hold.Name} ({Plain.Number(hold.FencingToken)})")),
                    settled.Lease,
                    settled.Problem?.Detail)),
            parsed => parsed.GetRequiredValue(seq) < 1 ? "SEQ is 1 at least." : null,
            givesAnswers: true);
        return command;
    }

    private static Command WithId(
        CommandHost host, string name, string description, Func<CommandSession, string, Task<int>> work)
    {
        var id = Names.LeaseId();
        var command = new Command(name, description) { id };
        host.Bind(command, (parsed, session) => work(session, parsed.GetRequiredValue(id)), givesAnswers: true);
        return command;
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists all leases.");
        host.Bind(command, (_, session) => Pages.ShowAsync(
            session,
            (cursor, _) => session.Client.ListLeasesAsync(cursor, session.Cancellation),
            page => page.Items,
            page => page.NextCursor,
            Table), givesAnswers: true);
        return command;
    }

    private static TextTable TableOfOne(LeaseAnswer lease) => new TextTable("LEASE", "TTL", "EXPIRES IN")
        .Add(lease.Id, Durations.Show(lease.TtlMs), Durations.Show(lease.ExpiresInMs));

    private static async Task<int> ShowAsync(CommandSession session, string id) => session.Show(
        await session.Client.GetLeaseAsync(id, session.Cancellation),
        lease => new TextTable("LEASE", "TTL", "EXPIRES IN", "SESSION", "KEYS", "HOLDS").Add(
            lease.Id,
            Durations.Show(lease.TtlMs),
            Durations.Show(lease.ExpiresInMs),
            Describe(lease.Session),
            Sample(lease.KeyCount, [.. lease.Keys, .. (lease.KeysBase64 ?? []).Select(key => "base64:" + key)]),
            Sample(lease.LockCount, HoldsOf(lease))));

    private static string? Describe(SessionAnswer? session) => session is null ? null
        : $"version {Plain.Number(session.Version)}, numbers to {Plain.Number(session.Seq)}, "
            + $"acknowledged to {Plain.Number(session.Acked)}, answers kept: {Plain.Number(session.Answers)}";

    private static string[] HoldsOf(LeaseDetailAnswer lease) =>
    [
        .. lease.Locks.Select(name => "lock " + name),
        .. (lease.Semaphores ?? []).Select(name => "semaphore " + name),
        .. (lease.Elections ?? []).Select(name => "election " + name),
    ];

    private static async Task<int> RevokeAsync(CommandSession session, string id) => session.Show(
        await session.Client.RevokeLeaseAsync(id, session.Cancellation),
        ended => new TextTable("LEASE", "KEYS DELETED", "LOCKS FREED", "REVISION").Add(
            ended.Id, Plain.Number(ended.KeysDeleted), Plain.Number(ended.LocksFreed), Plain.Number(ended.Revision)));

    private static TextTable Table(IReadOnlyList<LeaseItem> leases)
    {
        var table = new TextTable("LEASE", "TTL", "EXPIRES IN", "KEYS", "HOLDS");
        foreach (var lease in leases)
        {
            table.Add(
                lease.Id,
                Durations.Show(lease.TtlMs),
                Durations.Show(lease.ExpiresInMs),
                Plain.Number(lease.KeyCount),
                Plain.Number(lease.LockCount));
        }
        return table;
    }

    /// <summary>The names that the answer carries, and how many more there are.</summary>
    private static string Sample(long count, string[] names)
    {
        var shown = string.Join(", ", names);
        return count > names.Length ? $"{shown} and {Plain.Number(count - names.Length)} more" : shown;
    }
}
