using Consensus.Primitives;

namespace Consensus.Simulation.Checkers.Histories;

/// <summary>
/// Once it was answered that a principal may not write any more, nothing that it asks for has an effect behind that in the log, through
/// whatever member and however long it was on its way, until it may again; and while it may, nothing of it is refused. Judged by revisions:
/// the answer to a change of the policy tells that of the store at its entry, and a write tells its own.
/// </summary>
public sealed class RevokedEffects
{
    public const string Name = "no effect after a revocation";

    private readonly Dictionary<int, Principal> _principals = [];

    /// <summary>Revocations that were answered.</summary>
    public int Revocations { get; private set; }

    /// <summary>Writes that were refused.</summary>
    public int Refusals { get; private set; }

    /// <summary>Writes that were seen to be done.</summary>
    public int Writes => _principals.Values.Sum(static principal => principal.Seen.Count);

    /// <summary>It was answered that the principal may not write, from this revision on.</summary>
    public void Revoked(int number, Revision at)
    {
        Revocations++;
        var principal = Of(number);
        (principal.Since, principal.IsUncertain) = (at.Value, false);
        foreach (var revision in principal.Seen)
        {
            Judge(number, principal, revision);
        }
    }

    /// <summary>It is asked that the principal may write again: from here on it may be so already.</summary>
    public void Granting(int number) => Of(number).IsUncertain = true;

    /// <summary>It was answered that the principal may write again.</summary>
    /// <param name="at">From this revision on; null where that is not known.</param>
    public void Granted(int number, Revision? at)
    {
        var principal = Of(number);
        if (principal.Since is { } since && at is { } until)
        {
            principal.Forbidden.Add((since, until.Value));
        }
        (principal.Since, principal.IsUncertain) = (null, false);
        foreach (var revision in principal.Seen)
        {
            Judge(number, principal, revision);
        }
    }

    /// <summary>A write of the principal, as it was answered or as it was read.</summary>
    public void Saw(int number, Revision revision)
    {
        Of(number).Seen.Add(revision.Value);
        Judge(number, Of(number), revision.Value);
    }

    /// <summary>A write of the principal was refused.</summary>
    /// <param name="isAllowed">From before it was asked until now it was answered that it may, and nobody asked for anything else.</param>
    public void Refused(int number, bool isAllowed)
    {
        Refusals++;
        Violation.Unless(!isAllowed, Name, () => $"principal {number} may write, and was refused");
    }

    private Principal Of(int number)
    {
        if (!_principals.TryGetValue(number, out var principal))
        {
            _principals.Add(number, principal = new Principal());
        }
        return principal;
    }

    private static void Judge(int number, Principal principal, long revision)
    {
        var isLate = principal.Since is { } since && !principal.IsUncertain && revision > since;
        Violation.Unless(!isLate, Name, () => $"principal {number} wrote revision {revision} after its right had ended at {principal.Since}");
        foreach (var (from, to) in principal.Forbidden)
        {
            Violation.Unless(
                revision <= from || revision > to, Name, () => $"principal {number} wrote revision {revision}, though it might not from {from} to {to}");
        }
    }

    private sealed class Principal
    {
        /// <summary>The revision at which its right ended; null while it has it.</summary>
        public long? Since { get; set; }

        public bool IsUncertain { get; set; }

        /// <summary>From behind the one to the other it might not write.</summary>
        public List<(long From, long To)> Forbidden { get; } = [];

        public SortedSet<long> Seen { get; } = [];
    }
}
