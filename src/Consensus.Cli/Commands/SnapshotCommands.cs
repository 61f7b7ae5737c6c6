using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;
using Consensus.Storage.Backups;

namespace Consensus.Cli.Commands;

/// <summary><c>snapshot save/status</c>: a backup of the whole state in one file, and what is in one. <c>restore</c> is <see cref="SnapshotRestoreCommand"/>.</summary>
internal static class SnapshotCommands
{
    public static Command Create(CommandHost host) => new("snapshot", "Backups: saves one, looks into one, makes a new cluster of one.")
    {
        Save(host),
        Status(host),
        SnapshotRestoreCommand.Create(host),
    };

    private static Command Save(CommandHost host)
    {
        var file = Names.Argument("FILE", "Where it goes. It gets this name when it is whole, checked and durable; a snapshot of that name is replaced.");
        var stale = new Option<bool>("--stale")
        {
            Description = "Takes the copy of the member that answers, without a leader: what a lost quorum leaves. It may lack the newest writes.",
        };
        var encryptTo = Names.Option(
            "--encrypt-to", "FILE", "Encrypts it with the first key of this file: lines of an id and 32 bytes in base64.");
        var command = new Command("save", "Saves the whole state, as of one log index, to a file.") { file, stale, encryptTo };
        host.Bind(command, (parsed, session) =>
            SaveAsync(session, parsed.GetRequiredValue(file), parsed.GetValue(stale), parsed.GetValue(encryptTo)));
        return command;
    }

    private static Command Status(CommandHost host)
    {
        var file = Names.Argument("FILE");
        var keyFile = KeyFileOption();
        var command = new Command("status", "Checks a snapshot file to its end and says what it holds; asks no member.") { file, keyFile };
        host.BindLocal(command, (parsed, format) => Guarded(host.Environment, () =>
        {
            var keys = BackupKeys.Load(keyFile.Name, parsed.GetValue(keyFile));
            using var progress = new ProgressLine(host.Environment);
            var summary = BackupFile.Inspect(
                Path.GetFullPath(parsed.GetRequiredValue(file)),
                (done, all) => progress.Say(() => $"checking: {Plain.Bytes(done)} of {Plain.Bytes(all)}"),
                keys);
            progress.Dispose();
            Show(host.Environment, format, summary);
        }));
        return command;
    }

    private static async Task<int> SaveAsync(CommandSession session, string file, bool stale, string? encryptTo)
    {
        try
        {
            using var target = BackupTarget.Create(file, BackupKeys.Load("--encrypt-to", encryptTo));
            var opened = await session.Client.OpenSnapshotAsync(stale, session.Cancellation);
            if (!opened.Succeeded)
            {
                return session.Fail(opened.Problem);
            }
            using var download = opened.Value;
            using var progress = new ProgressLine(session.Environment);
            var failure = await download.ReadAsync(
                bytes =>
                {
                    target.Write(bytes.Span);
                    progress.Say(() => $"receiving from {download.Endpoint.Authority}: {Plain.Bytes(target.Written)}, {Rate(target.Written, progress.Elapsed)}");
                },
                session.Cancellation);
            if (failure is not null)
            {
                progress.Dispose();
                return session.Fail(new ApiProblem(ApiFailureKind.Unavailable, 0, "", $"{failure.TrimEnd('.')}; nothing was saved."));
            }
            var summary = target.Complete();
            progress.Dispose();
            Show(session.Environment, session.Format, summary);
            return ExitCode.Done;
        }
        catch (BackupException refusal)
        {
            return Refuse(session.Environment, refusal);
        }
    }

    /// <summary>For a file that <c>save --encrypt-to</c> made, or that lay in the data directory of a member with keys.</summary>
    public static Option<string?> KeyFileOption() =>
        Names.Option("--key-file", "FILE", "The keys of an encrypted snapshot: lines of an id and 32 bytes in base64.");

    /// <summary>Runs what may find a file or a directory not to be what it has to be.</summary>
    public static int Guarded(CliEnvironment environment, Action work)
    {
        try
        {
            work();
            return ExitCode.Done;
        }
        catch (BackupException refusal)
        {
            return Refuse(environment, refusal);
        }
    }

    private static int Refuse(CliEnvironment environment, BackupException refusal)
    {
        environment.Error.WriteLine($"consensusctl: {Plain.OneLine(refusal.Message)}.");
        return ExitCode.Refused;
    }

    private static string Rate(long bytes, TimeSpan elapsed) =>
        elapsed.TotalSeconds < 0.1 ? "…" : Plain.Bytes((long)(bytes / elapsed.TotalSeconds)) + "/s";

    private static void Show(CliEnvironment environment, OutputFormat format, BackupSummary summary)
    {
        if (format == OutputFormat.Json)
        {
            environment.Output.WriteLine(ToJson(summary).ToJsonString());
            return;
        }
        new TextTable("FILE", "SIZE", "CLUSTER", "INDEX", "TERM", "REVISION", "KEYS", "LEASES", "LOCKS", "CHECKSUM")
            .Add(
                summary.File,
                Plain.Bytes(summary.SizeBytes),
                summary.ClusterId,
                Plain.Number(summary.Index),
                Plain.Number(summary.Term),
                Plain.Number(summary.Revision),
                Plain.Number(summary.Keys),
                Plain.Number(summary.Leases),
                Plain.Number(summary.Locks),
                "verified")
            .Write(environment);
    }

    private static JsonObject ToJson(BackupSummary summary)
    {
        var members = new JsonArray();
        foreach (var member in summary.Members)
        {
            members.Add((JsonNode)member);
        }
        return new JsonObject
        {
            ["file"] = summary.File,
            ["sizeBytes"] = summary.SizeBytes,
            ["clusterId"] = summary.ClusterId,
            ["index"] = summary.Index,
            ["term"] = summary.Term,
            ["revision"] = summary.Revision,
            ["keys"] = summary.Keys,
            ["leases"] = summary.Leases,
            ["locks"] = summary.Locks,
            ["waiters"] = summary.Waiters,
            ["fences"] = summary.Fences,
            ["clusterTimeMs"] = summary.ClusterTimeMs,
            ["stateHash"] = summary.StateHash,
            ["members"] = members,
            ["checksumVerified"] = true,
            ["encryptedWith"] = summary.KeyId,
        };
    }
}
