using System.CommandLine;
using Consensus.Security.Issuing;

namespace Consensus.Cli.Commands;

/// <summary><c>cert create</c>: a CA and a bundle for each member and client; beside a CA that is there, further bundles.</summary>
internal static class CertCreateCommand
{
    public static Command Create(CommandHost host)
    {
        var members = new Argument<string[]>("NAME=HOST")
        {
            Description = "A member, and the DNS names and addresses at which clients reach it: n1=10.0.0.1,db1.example.org",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var clients = new Option<string[]>("--client")
        {
            Description = "A client that is to have a bundle, by the name that it has in the cluster; may be given several times.",
            HelpName = "NAME",
        };
        var domain = new Option<string?>("--domain")
        {
            Description = "Names the cluster in every certificate. Else the CA's that is there, or c- and 8 random digits.",
            HelpName = "TEXT",
        };
        var days = CertCommands.DaysOption();
        var directory = CertCommands.DirectoryOption();
        var command = new Command(
            "create", "Makes a bundle for each name: key, certificate and CA in one file. Makes the CA, and a client admin, first.")
        {
            members, clients, domain, days, directory,
        };
        host.BindLocal(command, (parsed, format) =>
        {
            var plan = new CreationPlan
            {
                Directory = CertCommands.DirectoryOf(parsed, directory),
                Members = [.. (parsed.GetValue(members) ?? []).Select(Member)],
                Clients = parsed.GetValue(clients) ?? [],
                Domain = parsed.GetValue(domain),
                Days = parsed.GetValue(days),
            };
            return plan.Mistake() is { } mistake
                ? throw new UsageException(char.ToUpperInvariant(mistake[0]) + mistake[1..] + ".")
                : CertCommands.Guarded(host.Environment, () =>
                {
                    var issued = CertificateCreation.Run(plan, host.Environment.Clock.GetUtcNow());
                    return CertCommands.Show(host.Environment, format, issued, WhatToKnow(issued));
                });
        });
        return command;
    }

    private static WantedMember Member(string text)
    {
        var border = text.IndexOf('=', StringComparison.Ordinal);
        return border > 0
            ? new WantedMember(text[..border], text[(border + 1)..].Split(','))
            : throw new UsageException(
                $"'{text}' names no host: write a member as n1=HOST, with the DNS names and addresses at which clients reach it.");
    }

    private static IEnumerable<string> WhatToKnow(IssuedBundles issued)
    {
        if (issued.IsNewAuthority)
        {
            yield return $"{issued.AuthorityFile} is the CA's key: whoever has it can be any member and any client. "
                + "Keep it, and keep it off the members.";
            yield return $"{issued.AnchorsFile} is no secret: it is what curl --cacert takes.";
        }
        yield return "Copy each file to where it is used, for its user alone to read (chmod 600). "
            + "A member takes it as consensusd --tls FILE.";
    }
}
