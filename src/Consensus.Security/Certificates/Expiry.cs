using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace Consensus.Security.Certificates;

/// <summary>How long a bundle can still be used.</summary>
/// <param name="End">When the first of what it needs ends: its leaf, an intermediate, or the last of its anchors.</param>
/// <param name="DaysLeft">Whole days until then; below 0 when it is over.</param>
/// <param name="Alarm">What to tell an operator, as a sentence without its stop; null while there is time.</param>
/// <param name="IsUrgent">Whether it is to be told loudly.</param>
public sealed record Expiry(DateTimeOffset End, int DaysLeft, string? Alarm, bool IsUrgent)
{
    /// <summary>Days before the end from which on there is an alarm.</summary>
    public const int AlarmDays = 60;

    /// <summary>Days before the end from which on it is urgent.</summary>
    public const int UrgentDays = 7;

    /// <summary>Judges a bundle.</summary>
    public static Expiry Of(Bundle bundle, DateTimeOffset now)
    {
        var leaf = bundle.Intermediates.Select(EndOf).Append(bundle.NotAfter).Min();
        var anchors = bundle.Anchors.Select(EndOf).Max();
        var end = leaf < anchors ? leaf : anchors;
        var days = (int)Math.Floor((end - now).TotalDays);
        if (days >= AlarmDays)
        {
            return new Expiry(end, days, null, false);
        }
        var what = leaf <= anchors ? $"the certificate of {WhoIs(bundle)}" : "the CA certificate";
        var remedy = leaf <= anchors ? Remedy(bundle) : "consensusctl cert renew --ca";
        var file = Path.GetFileName(bundle.Path);
        var alarm = now > end
            ? $"{what} ({file}) expired on {end:yyyy-MM-dd}, and nobody can connect anew: {remedy}"
            : $"{what} ({file}) expires {InDays(days)}, on {end:yyyy-MM-dd}: {remedy}";
        return new Expiry(end, days, alarm, days < UrgentDays);
    }

    /// <summary>What to do about a leaf that is at its end.</summary>
    internal static string Remedy(Bundle bundle) =>
        bundle.Name is { } name ? $"consensusctl cert renew {name.Name}" : "replace it by one that its CA issued anew";

    private static string WhoIs(Bundle bundle) => bundle.Name?.Name ?? bundle.Leaf.Subject;

    private static DateTimeOffset EndOf(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());

    private static string InDays(int days) => days switch
    {
        0 => "within a day",
        1 => "in 1 day",
        _ => string.Create(CultureInfo.InvariantCulture, $"in {days} days"),
    };
}
