using System.Security.Cryptography.X509Certificates;
using Consensus.Security.Certificates;

namespace Consensus.Security.Issuing;

/// <summary>A step of a change of the authority.</summary>
public enum ChangePhase
{
    /// <summary>Every bundle believes the next authority beside the present one.</summary>
    NextIsBelieved = 1,

    /// <summary>Every leaf is of the next authority.</summary>
    NextHasSigned = 2,

    /// <summary>No bundle believes the old one.</summary>
    OldIsForgotten = 3,
}

/// <summary>
/// <c>cert renew --ca</c>: puts another authority in place of the present one, in three phases, one with each run. Between two phases the
/// operator brings the bundles to where they are used: a member that has only the old anchor does not believe a leaf of the new one.
/// </summary>
/// <remarks>
/// Which phase is next is read from the files, so that a run that was killed is simply begun again: the authority that signs comes first in
/// <c>ca.key.pem</c>, and a phase that some bundle has not been through yet is gone on with.
/// </remarks>
public static class AuthorityChange
{
    /// <summary>Does the next phase.</summary>
    /// <returns>The phase that is done now, and what was written.</returns>
    /// <exception cref="BundleException">Something is not there, or cannot be read or written.</exception>
    public static (ChangePhase Phase, IssuedBundles Issued) Run(string directory, DateTimeOffset now)
    {
        using var place = CertificateDirectory.Open(directory);
        var bundles = place.Bundles();
        if (place.Authorities.Count == 1)
        {
            var signing = place.Signing;
            place.SetAuthorities(signing, CertificateAuthority.Create(place.Domain, now, number: signing.Number + 1));
        }
        var old = place.Authorities.MinBy(authority => authority.Number)!;
        var next = place.Authorities.MaxBy(authority => authority.Number)!;
        if (place.Signing == old)
        {
            if (!place.IsPublished(next) || bundles.Any(stored => !Believes(stored, next)))
            {
                return (ChangePhase.NextIsBelieved, Introduce(place, bundles, next));
            }
            place.SetAuthorities(next, old);
            return (ChangePhase.NextHasSigned, Sign(place, bundles, next, now));
        }
        return bundles.Any(stored => !IsOf(stored, next))
            ? (ChangePhase.NextHasSigned, Sign(place, bundles, next, now))
            : (ChangePhase.OldIsForgotten, Forget(place, bundles, old, next));
    }

    private static IssuedBundles Introduce(CertificateDirectory place, IReadOnlyList<StoredBundle> bundles, CertificateAuthority next)
    {
        var written = bundles
            .Where(stored => !Believes(stored, next))
            .Select(stored => CertificateRenewal.Put(stored.File, stored.Text.TrimEnd() + "\n" + next.CertificatePem))
            .ToList();
        // Last: that it is published says that the phase is done.
        place.WriteAnchors(place.Authorities);
        return Issued(place, written);
    }

    private static IssuedBundles Sign(
        CertificateDirectory place, IReadOnlyList<StoredBundle> bundles, CertificateAuthority next, DateTimeOffset now) =>
        Issued(
            place,
            [.. bundles.Where(stored => !IsOf(stored, next)).Select(stored => CertificateRenewal.Renew(place, stored, null, now))]);

    private static IssuedBundles Forget(
        CertificateDirectory place, IReadOnlyList<StoredBundle> bundles, CertificateAuthority old, CertificateAuthority next)
    {
        var written = bundles
            .Where(stored => Believes(stored, old))
            .Select(stored => CertificateRenewal.Put(stored.File, Without(stored, old)))
            .ToList();
        place.WriteAnchors([next]);
        // Last: with one authority there, the next run begins another change.
        place.SetAuthorities(next);
        old.Dispose();
        return Issued(place, written);
    }

    private static IssuedBundles Issued(CertificateDirectory place, IReadOnlyList<Bundle> written) =>
        new(place.Domain, false, place.AuthorityFile, place.AnchorsFile, written);

    private static bool Believes(StoredBundle stored, CertificateAuthority authority) =>
        stored.Bundle.Anchors.Any(anchor => IsSame(anchor.RawDataMemory, authority));

    private static bool IsOf(StoredBundle stored, CertificateAuthority authority) =>
        stored.Bundle.Leaf.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().Any(issuer =>
            issuer.KeyIdentifier is { } key && key.Span.SequenceEqual(authority.KeyIdentifier.Span));

    private static string Without(StoredBundle stored, CertificateAuthority old) => string.Concat(
        PemBlocks.Read(stored.Text, stored.File)
            .Where(block => block.Label != PemBlocks.Certificate || !IsSame(block.Data, old))
            .Select(block => block.Text + "\n"));

    private static bool IsSame(ReadOnlyMemory<byte> certificate, CertificateAuthority authority) =>
        certificate.Span.SequenceEqual(authority.Certificate.RawDataMemory.Span);
}
