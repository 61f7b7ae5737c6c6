using System.Globalization;
using Consensus.Client;
using Consensus.Samples.FencedWriter;

// Adds to a balance under a lock. Usage: FencedWriter NAME FILE AMOUNT [fenced] [pause]
// Exit code 0: written; 3: the store refused, for a later holder of the lock has written.
var (name, file, amount) = (args[0], args[1], long.Parse(args[2], CultureInfo.InvariantCulture));
var (isFenced, pauses) = (args.Contains("fenced"), args.Contains("pause"));
var store = new AccountStore(file);
var endpoints = (Environment.GetEnvironmentVariable("CONSENSUS_ENDPOINTS") ?? "http://127.0.0.1:7379").Split(',').Select(text => new Uri(text));
var tls = Environment.GetEnvironmentVariable("CONSENSUS_TLS") is { Length: > 0 } bundle ? new ClientTls(bundle) : null;

using var client = new ConsensusClient(new ConsensusClientOptions { Endpoints = [.. endpoints], Tls = tls });
await using var hold = await client.AcquireLockAsync("samples/account", new LockOptions { Owner = name, Ttl = TimeSpan.FromSeconds(5) });
var balance = store.ReadBalance();
Console.WriteLine($"{name}: holds the lock with token {hold.FencingToken} and reads {balance}");

// As careful as one can be without a token: asked right before the write. The pause comes right after.
hold.ThrowIfLost();
if (pauses)
{
    Pause.Here();
}

if (!store.WriteBalance(balance + amount, isFenced ? hold.FencingToken : null))
{
    Console.WriteLine($"{name}: the store refuses token {hold.FencingToken}");
    return 3;
}
Console.WriteLine($"{name}: writes {balance + amount}");
return 0;
