using System.CommandLine;
using System.Text.Json.Nodes;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Security.Certificates;
using Consensus.Security.Issuing;

namespace Consensus.Cli.Commands;

/// <summary>
/// <c>cert create/renew/show</c>: what TLS goes by, made and looked at without a member. <c>cert revoke</c> asks the cluster.
/// </summary>
internal static class CertCommands
{
    private const string DefaultDirectory = "certs";

    public static Command Create(CommandHost host) => new(
        "cert", "Certificates: makes a CA and bundles, renews them, says what is in one, revokes.")
    {
        CertCreateCommand.Create(host),
        CertRenewCommand.Create(host),
        CertShowCommand.Create(host),
        AuthRevocationCommands.Revoke(host),
    };

    public static Option<string?> DirectoryOption() =>
        Names.Option("--dir", "DIR", $"Where the CA and the bundles lie ({DefaultDirectory}).");

    public static string DirectoryOf(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) ?? DefaultDirectory;

    public static Option<int?> DaysOption() =>
        new("--days") { Description = "How long they are valid. Else 1825 days for a member and 365 for a client.", HelpName = "N" };

    /// <summary>Runs what may find a file not to be what it has to be.</summary>
    public static int Guarded(CliEnvironment environment, Func<int> work)
    {
        try
        {
            return work();
        }
        catch (BundleException refusal)
        {
            environment.Error.WriteLine($"consensusctl: {Plain.OneLine(refusal.Message)}.");
            return ExitCode.Refused;
        }
    }

    /// <summary>Tells what was written, and then what to know about it.</summary>
    public static int Show(
        CliEnvironment environment, OutputFormat format, IssuedBundles issued, IEnumerable<string> sentences, int? phase = null)
    {
        if (format == OutputFormat.Json)
        {
            environment.Output.WriteLine(ToJson(issued, phase).ToJsonString());
            return ExitCode.Done;
        }
        if (issued.Written.Count > 0)
        {
            var table = new TextTable("FILE", "FOR", "DOMAIN", "UNTIL", "HOSTS");
            foreach (var bundle in issued.Written)
            {
                var facts = CertificateFacts.Of(bundle.Leaf);
                table.Add(bundle.Path, $"{facts.Kind} {facts.Name}", facts.Domain, Day(facts.NotAfter), string.Join(", ", facts.Hosts));
            }
            table.Write(environment);
        }
        foreach (var sentence in sentences)
        {
            environment.Output.WriteLine(Plain.OneLine(sentence));
        }
        return ExitCode.Done;
    }

    public static string Day(DateTimeOffset time) => $"{time.UtcDateTime:yyyy-MM-dd}";

    public static JsonObject ToJson(CertificateFacts facts) => new()
    {
        ["kind"] = facts.Kind,
        ["name"] = facts.Name,
        ["domain"] = facts.Domain,
        ["subject"] = facts.Subject,
        ["issuer"] = facts.Issuer,
        ["notBefore"] = Instant(facts.NotBefore),
        ["notAfter"] = Instant(facts.NotAfter),
        ["hosts"] = Texts(facts.Hosts),
        ["fingerprint"] = facts.Fingerprint,
    };

    public static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);

    private static string Instant(DateTimeOffset time) => $"{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}";

    private static JsonObject ToJson(IssuedBundles issued, int? phase)
    {
        var document = new JsonObject
        {
            ["domain"] = issued.Domain,
            ["newAuthority"] = issued.IsNewAuthority,
            ["authorityFile"] = issued.AuthorityFile,
            ["anchorsFile"] = issued.AnchorsFile,
            ["bundles"] = new JsonArray([.. issued.Written.Select(bundle =>
            {
                var facts = ToJson(CertificateFacts.Of(bundle.Leaf));
                facts.Insert(0, "file", bundle.Path);
                return (JsonNode)facts;
            })]),
        };
        if (phase is { } number)
        {
            document["phase"] = number;
        }
        return document;
    }
}
