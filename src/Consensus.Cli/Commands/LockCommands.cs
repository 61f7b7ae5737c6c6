using System.CommandLine;
using Consensus.Api.Locks;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>lock acquire/release/hand-over/show/list/watch/run</c>.</summary>
internal static class LockCommands
{
    public static Command Create(CommandHost host) => new("lock", "Locks with fencing tokens.")
    {
        Acquire(host),
        ReleaseCommand.Create(
            host,
            "lock",
            (session, name, token) => session.Client.ReleaseLockAsync(name, token, session.Cancellation),
            (session, name, token) => session.Client.ForceReleaseLockAsync(name, token, session.Cancellation)),
        HandOver(host),
        Show(host),
        List(host),
        WatchStateCommand.Create(
            host,
            "Shows who holds a lock and how many wait, and each change of it as it comes.",
            Names.Argument("NAME"),
            (session, name) => session.Client.WatchLockAsync(name, session.Cancellation)),
        LockRunCommand.Create(host),
    };

    private static Command Acquire(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var mode = new Option<string>("--mode")
        {
            Description = "exclusive (the default), or shared: beside other shared holds.",
            HelpName = "exclusive|shared",
        };
        mode.AcceptOnlyFromAmong("exclusive", "shared");
        var options = new HoldOptions();
        var command = new Command("acquire", "Takes a lock and shows its fencing token. Nothing renews it: see 'lock run'.") { name, mode };
        options.AddTo(command);
        host.Bind(command, async (parsed, session) =>
        {
            var wish = new LockWish(parsed.GetRequiredValue(name), options.OwnerOf(parsed))
            {
                Shared = parsed.GetValue(mode) == "shared",
                Ttl = options.Ttl(parsed),
                Lease = options.Lease(parsed),
                Wait = options.Wait(parsed),
                LockDelay = options.LockDelay(parsed),
                MaxHold = options.MaxHold(parsed),
                Metadata = options.Metadata(parsed),
            };
            return await OneGrant.ShowAsync(
                session,
                $"lock '{wish.Name}'",
                wish.Wait,
                (api, identity, cancellation) => api.AcquireLockAsync(wish, identity, cancellation),
                grant => new TextTable("NAME", "OWNER", "MODE", "TOKEN", "LEASE", "TTL", "WAITED").Add(
                    grant.Name,
                    grant.Owner,
                    grant.Mode,
                    Plain.Number(grant.FencingToken),
                    grant.Lease,
                    Durations.Show(grant.TtlMs),
                    Durations.Show(grant.WaitedMs)));
        }, options.MistakeIn, givesAnswers: true);
        return command;
    }

    private static Command HandOver(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var token = new Argument<long>("TOKEN") { Description = "The fencing token of the hold." };
        var owner = Names.Argument("OWNER", "Who waits for the lock and is to have it, past those who wait before.");
        var command = new Command("hand-over", "Passes a lock to somebody who waits for it.") { name, token, owner };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.HandOverLockAsync(
                parsed.GetRequiredValue(name), parsed.GetRequiredValue(token), parsed.GetRequiredValue(owner), session.Cancellation),
            passed => new TextTable("NAME", "OWNER", "TOKEN", "REVISION").Add(
                passed.Name, passed.HandedOverTo, Plain.Number(passed.FencingToken), Plain.Number(passed.Revision))), givesAnswers: true);
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var command = new Command("show", "Shows who holds a lock, who waits for it, and the last hold that was lost.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.GetLockAsync(parsed.GetRequiredValue(name), session.Cancellation), DescribeOne), givesAnswers: true);
        return command;
    }

    private static Command List(CommandHost host)
    {
        var prefix = new Option<string?>("--prefix") { Description = "Only locks whose name begins so.", HelpName = "PREFIX" };
        var command = new Command("list", "Lists locks that are held or waited for.") { prefix };
        host.Bind(command, (parsed, session) => Pages.ShowAsync(
            session,
            (cursor, _) => session.Client.ListLocksAsync(parsed.GetValue(prefix) ?? "", cursor, session.Cancellation),
            page => page.Items,
            page => page.NextCursor,
            DescribeMany), givesAnswers: true);
        return command;
    }

    private static TextTable DescribeOne(LockAnswer held)
    {
        var rows = new HoldRows(held.Name, "MODE");
        foreach (var holder in held.Holders)
        {
            rows.AddHolder(holder.Owner, holder.Mode, holder.FencingToken, holder.Lease, holder.ExpiresInMs, holder.Metadata);
        }
        rows.AddMoreHolders(held.HolderCount - held.Holders.Count);
        rows.AddDelays(held.Delays, isFree: held.Holders.Count == 0);
        foreach (var waiter in held.Waiters)
        {
            rows.AddWaiter(waiter.Position, waiter.Owner, waiter.Mode);
        }
        rows.AddMoreWaiters(held.WaiterCount - held.Waiters.Count);
        return rows.AddLoss(held.LastLoss);
    }

    private static TextTable DescribeMany(IReadOnlyList<LockAnswer> locks)
    {
        var table = new TextTable("NAME", "OWNER", "TOKEN", "EXPIRES IN", "WAITERS");
        foreach (var held in locks)
        {
            var holder = held.Holders.Count > 0 ? held.Holders[0] : null;
            table.Add(
                held.Name,
                HoldRows.Owners(holder?.Owner, held.HolderCount),
                holder is null ? null : Plain.Number(holder.FencingToken),
                holder is null ? null : Durations.Show(holder.ExpiresInMs),
                Plain.Number(held.WaiterCount));
        }
        return table;
    }
}
