using System.CommandLine;
using Consensus.Api.Locks;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>lock acquire/release/show/list/run</c>.</summary>
internal static class LockCommands
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(10);

    public static Command Create(CommandHost host) => new("lock", "Locks with fencing tokens.")
    {
        Acquire(host), Release(host), Show(host), List(host), LockRunCommand.Create(host),
    };

    /// <summary>An owner's name that no other process has: a holder can be found by it.</summary>
    public static string DefaultOwner() =>
        $"{System.Environment.MachineName}-{System.Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";

    private static Command Acquire(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var ttl = Durations.Option("--ttl", "A lease of its own for so long. Default 15s.");
        var lease = new Option<string?>("--lease") { Description = "Take it under this lease instead.", HelpName = "ID" };
        var wait = Durations.Option("--wait", "Queue for so long when it is held, at most 10m. Default: do not wait.");
        var owner = new Option<string?>("--owner") { Description = "Who holds it. Default: host, process and a random part." };
        var command = new Command("acquire", "Takes a lock and shows its fencing token. Nothing renews it: see 'lock run'.")
        {
            name, ttl, lease, wait, owner,
        };
        string? Check(ParseResult parsed)
        {
            if (parsed.GetValue(ttl) is not null && parsed.GetValue(lease) is not null)
            {
                return "--ttl and --lease exclude each other.";
            }
            if (parsed.GetValue(wait) > LongestWait)
            {
                return "--wait is 10m at most.";
            }
            return null;
        }
        host.Bind(command, async (parsed, session) =>
        {
            var under = parsed.GetValue(lease);
            var wish = new LockWish(parsed.GetRequiredValue(name), parsed.GetValue(owner) ?? DefaultOwner())
            {
                Ttl = under is null ? parsed.GetValue(ttl) ?? TimeSpan.FromSeconds(15) : null,
                Lease = under,
                Wait = parsed.GetValue(wait) ?? TimeSpan.Zero,
            };
            var result = await session.Client.AcquireLockAsync(wish, session.Cancellation);
            return session.Show(result, grant => new TextTable("NAME", "OWNER", "TOKEN", "LEASE", "TTL", "WAITED").Add(
                grant.Name,
                grant.Owner,
                Plain.Number(grant.FencingToken),
                grant.Lease,
                Durations.Show(grant.TtlMs),
                Durations.Show(grant.WaitedMs)));
        }, Check);
        return command;
    }

    private static Command Release(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var token = new Argument<long>("TOKEN") { Description = "The fencing token that 'lock acquire' showed." };
        var command = new Command("release", "Gives a lock back.") { name, token };
        host.Bind(command, async (parsed, session) =>
        {
            var released = parsed.GetRequiredValue(name);
            var result = await session.Client.ReleaseLockAsync(released, parsed.GetRequiredValue(token), session.Cancellation);
            return session.Show(result, _ => new TextTable("RELEASED").Add(released));
        });
        return command;
    }

    private static Command Show(CommandHost host)
    {
        var name = Names.Argument("NAME");
        var command = new Command("show", "Shows who holds a lock and who waits for it.") { name };
        host.Bind(command, async (parsed, session) => session.Show(
            await session.Client.GetLockAsync(parsed.GetRequiredValue(name), session.Cancellation), DescribeOne));
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
            DescribeMany));
        return command;
    }

    private static TextTable DescribeOne(LockAnswer held)
    {
        var table = new TextTable("NAME", "STATE", "OWNER", "TOKEN", "LEASE", "EXPIRES IN");
        foreach (var holder in held.Holders)
        {
            table.Add(
                held.Name, "holds", holder.Owner, Plain.Number(holder.FencingToken), holder.Lease, Durations.Show(holder.ExpiresInMs));
        }
        if (held.Holders.Count == 0)
        {
            table.Add(held.Name, "free", null, null, null, null);
        }
        foreach (var waiter in held.Waiters)
        {
            table.Add(held.Name, $"waits ({Plain.Number(waiter.Position)})", waiter.Owner, null, null, null);
        }
        return table;
    }

    private static TextTable DescribeMany(IReadOnlyList<LockAnswer> locks)
    {
        var table = new TextTable("NAME", "OWNER", "TOKEN", "EXPIRES IN", "WAITERS");
        foreach (var held in locks)
        {
            var holder = held.Holders.Count > 0 ? held.Holders[0] : null;
            table.Add(
                held.Name,
                holder?.Owner,
                holder is null ? null : Plain.Number(holder.FencingToken),
                holder is null ? null : Durations.Show(holder.ExpiresInMs),
                Plain.Number(held.WaiterCount));
        }
        return table;
    }
}
