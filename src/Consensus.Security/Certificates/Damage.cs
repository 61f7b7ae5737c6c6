using System.Formats.Asn1;
using System.Security.Cryptography;

namespace Consensus.Security.Certificates;

/// <summary>What the framework throws at keys and certificates that are damaged or strange: it depends on where the damage is.</summary>
public static class Damage
{
    /// <summary>Whether an exception tells of what was read. For one, an unknown curve is "not supported on this platform".</summary>
    public static bool Shows(Exception e) =>
        e is CryptographicException or AsnContentException or ArgumentException or FormatException or NotSupportedException;
}
