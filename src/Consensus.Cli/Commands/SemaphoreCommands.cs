using System.CommandLine;
using Consensus.Api.Semaphores;
using Consensus.Cli.LockRun;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>semaphore acquire/release/resize/show/list/run</c>.</summary>
internal static class SemaphoreCommands
{
    public static Command Create(CommandHost host) => new("semaphore", "Locks that several may hold at once, up to a number of permits.")
    {
        Acquire(host),
        ReleaseCommand.Create(
            host,
            "semaphore",
            (session, name, token) => session.Client.ReleaseSemaphoreAsync(name, token, session.Cancellation),
            (session, name, token) => session.Client.ForceReleaseSemaphoreAsync(name, token, session.Cancellation)),
        Resize(host),
        Show(host),
        List(host),
        WatchStateCommand.Create(
            host,
            "Shows who holds permits and how many wait, and each change of it as it comes.",
            Names.Argument("NAME"),
            (session, name) => session.Client.WatchSemaphoreAsync(name, session.Cancellation)),
        Run(host),
    };

    private static Command Acquire(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var (permits, count) = (Permits(), Count());
        var options = new HoldOptions();
        var command = new Command("acquire", "Takes permits and shows their fencing token. Nothing renews them: see 'semaphore run'.") { name, permits, count };
        options.AddTo(command);
        host.Bind(
            command,
            async (parsed, session) =>
            {
                var wish = new SemaphoreWish(parsed.GetRequiredValue(name), options.OwnerOf(parsed), parsed.GetRequiredValue(permits))
                {
                    Count = parsed.GetValue(count) ?? 1,
                    Ttl = options.Ttl(parsed),
                    Lease = options.Lease(parsed),
                    Wait = options.Wait(parsed),
                    LockDelay = options.LockDelay(parsed),
                    MaxHold = options.MaxHold(parsed),
                    Metadata = options.Metadata(parsed),
                };
                return await OneGrant.ShowAsync(
                    session,
                    $"semaphore '{wish.Name}'",
                    wish.Wait,
                    (api, identity, cancellation) => api.AcquireSemaphoreAsync(wish, identity, cancellation),
                    grant => new TextTable("NAME", "OWNER", "PERMITS", "TOKEN", "LEASE", "TTL", "WAITED").Add(
                        grant.Name,
                        grant.Owner,
                        $"{Plain.Number(grant.Count)} of {Plain.Number(grant.Permits)}",
                        Plain.Number(grant.FencingToken),
                        grant.Lease,
                        Durations.Show(grant.TtlMs),
                        Durations.Show(grant.WaitedMs)));
            },
            parsed => MistakeIn(parsed, permits, count) ?? options.MistakeIn(parsed),
            givesAnswers: true);
        return command;
    }

    private static Command Run(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var (permits, count) = (Permits(), Count());
        var owner = HoldOptions.Owner();
        var run = new RunOptions(ArgumentArity.OneOrMore);
        var command = new Command("run", "Runs a command while holding permits; ends it before they can be lost.") { name, permits, count, owner };
        run.AddTo(command);
        host.Bind(
            command,
            (parsed, session) =>
            {
                var options = new SemaphoreOptions
                {
                    Owner = parsed.GetValue(owner) ?? HoldOptions.DefaultOwner(),
                    Count = parsed.GetValue(count) ?? 1,
                    Ttl = run.Ttl(parsed),
                    MaxHold = run.MaxHold(parsed),
                };
                var target = new SemaphoreTarget(parsed.GetRequiredValue(name), parsed.GetRequiredValue(permits), options);
                return run.RunCommandAsync(parsed, session, target);
            },
            parsed => MistakeIn(parsed, permits, count) ?? run.MistakeIn(parsed),
            hasOtherWork: true);
        return command;
    }

    private static Command Resize(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var permits = new Option<long>("--permits") { Description = "How many there are from now on, at least as many as are out.", HelpName = "N", Required = true };
        var command = new Command("resize", "Changes how many permits a semaphore in use has. Who waits and has room by it is granted some.") { name, permits };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.ChangePermitsAsync(parsed.GetRequiredValue(name), parsed.GetRequiredValue(permits), session.Cancellation),
                changed => new TextTable("NAME", "PERMITS", "OUT", "REVISION").Add(
                    changed.Name, Plain.Number(changed.Permits), Plain.Number(changed.PermitsOut), Plain.Number(changed.Revision))),
            parsed => parsed.GetRequiredValue(permits) < 1 ? "--permits needs a number above 0." : null,
            givesAnswers: true);
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var command = new Command("show", "Shows who holds permits, who waits for some, and the last hold that was lost.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.GetSemaphoreAsync(parsed.GetRequiredValue(name), null, session.Cancellation),
            DescribeOne), givesAnswers: true);
        return command;
    }

    private static Command List(CommandHost host)
    {
        var prefix = new Option<string?>("--prefix") { Description = "Only semaphores whose name begins so.", HelpName = "PREFIX" };
        var command = new Command("list", "Lists semaphores that are held or waited for.") { prefix };
        host.Bind(command, (parsed, session) => Pages.ShowAsync(
            session,
            (cursor, _) => session.Client.ListSemaphoresAsync(new ListQuery { Prefix = parsed.GetValue(prefix) ?? "", Cursor = cursor }, session.Cancellation),
            page => page.Items,
            page => page.NextCursor,
            DescribeMany), givesAnswers: true);
        return command;
    }

    private static TextTable DescribeOne(SemaphoreAnswer semaphore)
    {
        var rows = new HoldRows(semaphore.Name, "PERMITS");
        if (semaphore.Permits is { } limit)
        {
            rows.AddWhole($"{Plain.Number(semaphore.PermitsUsed)} of {Plain.Number(limit)} held");
        }
        foreach (var holder in semaphore.Holders)
        {
            rows.AddHolder(holder.Owner, Plain.Number(holder.Count), holder.FencingToken, holder.Lease, holder.ExpiresInMs, holder.Metadata);
        }
        rows.AddMoreHolders(semaphore.HolderCount - semaphore.Holders.Count);
        rows.AddDelays(semaphore.Delays, isFree: semaphore.Permits is null);
        foreach (var waiter in semaphore.Waiters)
        {
            rows.AddWaiter(waiter.Position, waiter.Owner, Plain.Number(waiter.Count));
        }
        rows.AddMoreWaiters(semaphore.WaiterCount - semaphore.Waiters.Count);
        return rows.AddLoss(semaphore.LastLoss);
    }

    private static TextTable DescribeMany(IReadOnlyList<SemaphoreAnswer> semaphores)
    {
        var table = new TextTable("NAME", "HELD", "PERMITS", "OWNER", "WAITERS");
        foreach (var semaphore in semaphores)
        {
            table.Add(
                semaphore.Name,
                Plain.Number(semaphore.PermitsUsed),
                semaphore.Permits is { } limit ? Plain.Number(limit) : null,
                HoldRows.Owners(semaphore.Holders.Count > 0 ? semaphore.Holders[0].Owner : null, semaphore.HolderCount),
                Plain.Number(semaphore.WaiterCount));
        }
        return table;
    }

    private static Option<long> Permits() => new("--permits")
    {
        Description = "How many there are, the same for all who use the semaphore at a time.",
        HelpName = "N",
        Required = true,
    };

    private static Option<long?> Count() => new("--count") { Description = "How many of them to take. Default 1.", HelpName = "N" };

    private static string? MistakeIn(ParseResult parsed, Option<long> permits, Option<long?> count)
    {
        if (parsed.GetRequiredValue(permits) < 1 || parsed.GetValue(count) is < 1)
        {
            return "--permits and --count need a number above 0.";
        }
        return parsed.GetValue(count) > parsed.GetRequiredValue(permits) ? "--count is --permits at most." : null;
    }
}
