using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Storage.Backups;

namespace Consensus.Cli.Commands;

/// <summary><c>snapshot restore</c>: makes the data directory of a new cluster of one member out of a backup (rule 15), and says how to go on from there.</summary>
internal static partial class SnapshotRestoreCommand
{
    /// <summary>What <c>consensusd</c> takes when nothing is said.</summary>
    private const string DefaultName = "n1", DefaultToken = "consensus", DefaultPeerAddress = "127.0.0.1:7380", ClientPort = "7379";

    public static Command Create(CommandHost host)
    {
        var file = Names.Argument("FILE");
        var directory = Names.Option("--data-dir", "DIR", "An empty directory, or one to be made, for the first member of the new cluster.");
        directory.Required = true;
        var name = Names.Option("--name", "NAME", $"That member's name, as consensusd will be started with ({DefaultName}).");
        var token = Names.Option("--cluster-token", "TEXT", $"The token that consensusd will be started with ({DefaultToken}).");
        var peer = Names.Option("--advertise-peer", "HOST:PORT", $"Where other members will reach it ({DefaultPeerAddress}).");
        var keyFile = SnapshotCommands.KeyFileOption();
        var encryptionKey = Names.Option(
            "--encryption-key", "FILE", "The key file that consensusd will be started with: what is written is encrypted at once (plain).");
        var dropTokens = new Option<bool>("--drop-tokens")
        {
            Description = "Ends all tokens, which a backup from before they were revoked makes good again; roles and principals stay.",
        };
        var command = new Command("restore", "Makes a new cluster of one member out of a snapshot; asks no member.")
        {
            file, directory, name, token, peer, keyFile, encryptionKey, dropTokens,
        };
        host.BindLocal(command, (parsed, format) =>
        {
            var plan = new RestorePlan
            {
                File = Path.GetFullPath(parsed.GetRequiredValue(file)),
                DataDirectory = Path.GetFullPath(parsed.GetRequiredValue(directory)!),
                Name = parsed.GetValue(name) ?? DefaultName,
                ClusterToken = parsed.GetValue(token) ?? DefaultToken,
                PeerAddress = parsed.GetValue(peer) ?? DefaultPeerAddress,
                DropTokens = parsed.GetValue(dropTokens),
                UnixSeconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(),
            };
            Check(plan);
            return SnapshotCommands.Guarded(host.Environment, () =>
            {
                var keys = BackupKeys.Load(keyFile.Name, parsed.GetValue(keyFile));
                var directoryKeys = BackupKeys.Load(encryptionKey.Name, parsed.GetValue(encryptionKey), plan.DataDirectory);
                Restore(host.Environment, format, parsed.GetValue(encryptionKey), plan with { Keys = keys, DirectoryKeys = directoryKeys });
            });
        });
        return command;
    }

    [GeneratedRegex(@"^[^\s:]+:[1-9][0-9]{0,4}\z|^\[[0-9A-Fa-f:.]+\]:[1-9][0-9]{0,4}\z")]
    private static partial Regex HostAndPort();

    private static void Check(RestorePlan plan)
    {
        if (!plan.HasMemberName)
        {
            throw new UsageException($"'{Plain.OneLine(plan.Name)}' is no member name: {RestorePlan.NameForm}");
        }
        if (!HostAndPort().IsMatch(plan.PeerAddress))
        {
            throw new UsageException($"--advertise-peer needs a host and a port such as {DefaultPeerAddress}, not '{Plain.OneLine(plan.PeerAddress)}'.");
        }
    }

    private static void Restore(CliEnvironment environment, OutputFormat format, string? encryptionKey, RestorePlan plan)
    {
        using var progress = new ProgressLine(environment);
        var done = BackupRestore.Run(plan with { Progress = (read, all) => progress.Say(() => $"reading: {Plain.Bytes(read)} of {Plain.Bytes(all)}") });
        progress.Dispose();
        if (format == OutputFormat.Json)
        {
            environment.Output.WriteLine(ToJson(done).ToJsonString());
            return;
        }
        new TextTable("DATA-DIR", "MEMBER", "CLUSTER", "INDEX", "TERM", "REVISION", "KEYS")
            .Add(
                done.DataDirectory,
                done.Name,
                done.ClusterId,
                Plain.Number(done.Index),
                Plain.Number(done.Term),
                Plain.Number(done.Revision),
                Plain.Number(done.Keys))
            .Write(environment);
        foreach (var sentence in WhatToKnow(done, plan, encryptionKey))
        {
            environment.Output.WriteLine(Plain.OneLine(sentence));
        }
    }

    private static IEnumerable<string> WhatToKnow(RestoreSummary done, RestorePlan plan, string? encryptionKey)
    {
        yield return $"This is a new cluster, no longer {done.FromClusterId}: {done.Leases} leases, {done.Holds} holds and {done.Waiters} waiting requests ended, "
            + $"{done.LeaseKeys} keys went with their leases. Every new fencing token is above any that the old cluster gave.";
        // With --tls a start that names no token goes by the certificate's domain.
        var token = plan.ClusterToken != DefaultToken ? " --cluster-token …"
            : done.JudgesRights ? $" --cluster-token {DefaultToken}"
            : "";
        var addresses = Addresses(plan.PeerAddress, done.JudgesRights);
        var key = encryptionKey is null ? "" : $" --encryption-key {encryptionKey}";
        var tls = done.JudgesRights ? " --tls FILE" : "";
        yield return $"Start it: consensusd --name {done.Name} --data-dir {done.DataDirectory}{token}{addresses}{tls}{key} "
            + "(without --initial-cluster).";
        yield return "Then let further members join, one after the other: start each on an empty directory "
            + $"with its own --name, --listen-peer and --listen-client and with --join {plan.PeerAddress}, "
            + "consensusctl members add NAME, and once it is ready consensusctl members promote NAME.";
        if (TokensIn(done) is { } tokens)
        {
            yield return tokens;
        }
        if (done.JudgesRights)
        {
            yield return "It has the roles and principals of the backup. Whoever has no way in that the backup knows makes one on the "
                + $"machine itself: consensusctl --socket {done.DataDirectory}/admin.sock auth token create NAME --out FILE; or with an "
                + "administrator's certificate.";
        }
    }

    /// <summary>Null where the backup has none.</summary>
    private static string? TokensIn(RestoreSummary done) => (done.LiveTokens, done.DroppedTokens) switch
    {
        (0, _) => null,
        (1, 0) => "1 token is good again, also if it was revoked after the backup was taken: --drop-tokens ends it, or "
            + "consensusctl auth token revoke.",
        (var live, 0) => $"{live} tokens are good again, also those that were revoked after the backup was taken: "
            + "--drop-tokens ends all, or consensusctl auth token revoke each.",
        (1, _) => "1 token was ended: whoever had it needs another.",
        (var live, _) => $"{live} tokens were ended: whoever had one needs another.",
    };

    /// <summary>
    /// The options with which the member is where it was said to be: a start asks its own options only, and without these it would listen
    /// on loopback and tell the others so. One that is reached by a name listens on all addresses, since one cannot listen on a name.
    /// </summary>
    private static string Addresses(string peer, bool hasTls)
    {
        if (peer == DefaultPeerAddress)
        {
            return "";
        }
        var colon = peer.LastIndexOf(':');
        var host = peer[..colon];
        if (host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address)))
        {
            return $" --listen-peer {peer}";
        }
        var ends = IPAddress.TryParse(host, out _)
            ? $" --listen-peer {peer} --listen-client {host}:{ClientPort}"
            : $" --listen-peer 0.0.0.0:{peer[(colon + 1)..]} --advertise-peer {peer}"
                + $" --listen-client 0.0.0.0:{ClientPort} --advertise-client {(hasTls ? "https" : "http")}://{host}:{ClientPort}";
        return hasTls ? ends : ends + " --insecure";
    }

    private static JsonObject ToJson(RestoreSummary done) => new()
    {
        ["dataDir"] = done.DataDirectory,
        ["name"] = done.Name,
        ["clusterId"] = done.ClusterId,
        ["memberId"] = done.MemberId,
        ["fromClusterId"] = done.FromClusterId,
        ["index"] = done.Index,
        ["term"] = done.Term,
        ["revision"] = done.Revision,
        ["keys"] = done.Keys,
        ["ended"] = new JsonObject
        {
            ["leases"] = done.Leases,
            ["holds"] = done.Holds,
            ["waiters"] = done.Waiters,
            ["keys"] = done.LeaseKeys,
            ["tokens"] = done.DroppedTokens,
        },
        ["liveTokens"] = done.LiveTokens - done.DroppedTokens,
    };
}
