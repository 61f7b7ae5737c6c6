using System.CommandLine;
using Consensus.Cli.Output;
using Consensus.Security.Issuing;

namespace Consensus.Cli.Commands;

/// <summary><c>cert renew</c>: the same bundles with new keys and times; <c>--ca</c>: another CA, in three runs.</summary>
internal static class CertRenewCommand
{
    private const string WhereTo =
        "Copy each file to where it is used: put it beside the old one and rename it over that (mv). A member goes by it within 10 s.";

    public static Command Create(CommandHost host)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Whose bundles; all that are there if none is named.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var authority = new Option<bool>("--ca")
        {
            Description = "Puts another CA in place of the present one, in three phases: each run does one and says what comes next.",
        };
        var days = CertCommands.DaysOption();
        var directory = CertCommands.DirectoryOption();
        var command = new Command("renew", "Issues bundles anew: the same name and hosts, another key; each by one rename.")
        {
            names, authority, days, directory,
        };
        host.BindLocal(command, (parsed, format) =>
        {
            var named = parsed.GetValue(names) ?? [];
            var given = parsed.GetValue(days);
            var place = CertCommands.DirectoryOf(parsed, directory);
            if (given is < 1 or > CreationPlan.MaxDays)
            {
                throw new UsageException($"A certificate is valid for 1 to {Plain.Number(CreationPlan.MaxDays)} days.");
            }
            if (named.Select(CreationPlan.NameMistake).FirstOrDefault(mistake => mistake is not null) is { } wrong)
            {
                throw new UsageException(char.ToUpperInvariant(wrong[0]) + wrong[1..] + ".");
            }
            if (parsed.GetValue(authority) && (named.Length > 0 || given is not null))
            {
                throw new UsageException("--ca renews every bundle that is there, for the usual time: no NAME and no --days go with it.");
            }
            var now = host.Environment.Clock.GetUtcNow();
            return CertCommands.Guarded(host.Environment, () =>
            {
                if (!parsed.GetValue(authority))
                {
                    return CertCommands.Show(host.Environment, format, CertificateRenewal.Run(place, named, given, now), [WhereTo]);
                }
                var (phase, issued) = AuthorityChange.Run(place, now);
                return CertCommands.Show(host.Environment, format, issued, WhatIsNext(phase, issued), (int)phase);
            });
        });
        return command;
    }

    private static IEnumerable<string> WhatIsNext(ChangePhase phase, IssuedBundles issued) => phase switch
    {
        ChangePhase.NextIsBelieved =>
        [
            $"Phase 1 of 3 is done: every bundle here believes the old CA and the new one, and so does {issued.AnchorsFile}.",
            WhereTo,
            "Once every member, every client and whoever uses the CA's file has them, and no sooner, phase 2: consensusctl cert renew --ca",
        ],
        ChangePhase.NextHasSigned =>
        [
            "Phase 2 of 3 is done: every certificate here is of the new CA; the old one is believed still.",
            WhereTo,
            "Once every member and client has them, and no sooner, phase 3: consensusctl cert renew --ca",
        ],
        _ =>
        [
            $"Phase 3 of 3 is done: nothing here believes the old CA any more, and its key is gone from {issued.AuthorityFile}.",
            WhereTo,
            "With that the change is over: another run would begin the next one.",
        ],
    };
}
