using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Consensus.Api.Access;
using Consensus.Cli.Input;
using Consensus.Cli.Output;
using Consensus.Cli.Parsing;
using Consensus.Client;

namespace Consensus.Cli.Commands;

/// <summary><c>auth revoke/unrevoke/revocations</c>: certificates that are not believed any more.</summary>
internal static class AuthRevocationCommands
{
    private const string What = "A file with the certificate (a bundle will do), or its SHA-256 in hexadecimal digits.";

    private const int MostBytes = 1024 * 1024;

    /// <summary>Of <c>auth</c> and of <c>cert</c>: the same.</summary>
    public static Command Revoke(CommandHost host)
    {
        var certificate = Names.Argument("FILE|FINGERPRINT", What);
        var note = Names.Option("--note", "TEXT", "For whoever reads the list: why.");
        var force = new Option<bool>("--force")
        {
            Description = "Also when a member of the cluster goes by it: the others have no link to that member any more.",
        };
        var command = new Command("revoke", "A certificate, a client's or a member's, is not believed any more, by any member.")
        {
            certificate, note, force,
        };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.PutRevocationAsync(
                    await FingerprintOfAsync(session, parsed.GetRequiredValue(certificate)),
                    parsed.GetValue(note),
                    parsed.GetValue(force),
                    null,
                    session.Cancellation),
                AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    public static Command Unrevoke(CommandHost host)
    {
        var certificate = Names.Argument("FILE|FINGERPRINT", What);
        var command = new Command("unrevoke", "A certificate is believed again.") { certificate };
        host.Bind(
            command,
            async (parsed, session) => session.Show(
                await session.Client.DeleteRevocationAsync(
                    await FingerprintOfAsync(session, parsed.GetRequiredValue(certificate)), null, session.Cancellation),
                AuthCommands.Changed),
            givesAnswers: true);
        return command;
    }

    public static Command List(CommandHost host)
    {
        var command = new Command("revocations", "Lists the certificates that are not believed any more.");
        host.Bind(
            command,
            (_, session) => Pages.ShowAsync<RevocationListAnswer, RevocationAnswer>(
                session,
                (cursor, _) => session.Client.ListRevocationsAsync(new ListQuery { Cursor = cursor }, session.Cancellation),
                static page => page.Items,
                static page => page.NextCursor,
                Rows),
            givesAnswers: true);
        return command;
    }

    /// <exception cref="UsageException">It names no single certificate.</exception>
    private static async Task<string> FingerprintOfAsync(CommandSession session, string text)
    {
        if (!File.Exists(text))
        {
            var digits = text.Replace(":", "", StringComparison.Ordinal);
            return digits.Length == 2 * SHA256.HashSizeInBytes && digits.All(char.IsAsciiHexDigit)
                ? digits.ToLowerInvariant()
                : throw new UsageException($"'{text}' is neither a file nor the SHA-256 of a certificate.");
        }
        var all = new X509Certificate2Collection();
        try
        {
            // No more than a bundle has, and a signal ends the wait for a FIFO.
            all.ImportFromPem(Encoding.Latin1.GetString(await InputText.ReadFileAsync(session, text, MostBytes, "a bundle")));
            // A bundle has those beside it that vouch for it.
            var leaves = all.Where(static found => !IsAuthority(found)).ToList();
            return leaves is [var leaf]
                ? Convert.ToHexStringLower(SHA256.HashData(leaf.RawDataMemory.Span))
                : throw new UsageException(
                    $"{text} has {leaves.Count} certificates that are no CA's: give the SHA-256 of the one that is meant.");
        }
        catch (CryptographicException e)
        {
            throw new UsageException($"{text} cannot be read as certificates: {e.Message}");
        }
        finally
        {
            foreach (var found in all)
            {
                found.Dispose();
            }
        }
    }

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(static found => found.CertificateAuthority);

    private static TextTable Rows(IReadOnlyList<RevocationAnswer> revocations)
    {
        var table = new TextTable("SHA-256", "NOTE", "POLICY");
        foreach (var revocation in revocations)
        {
            table.Add(revocation.Fingerprint, revocation.Note, AuthCommands.Text(revocation.PolicyRevision));
        }
        return table;
    }
}
