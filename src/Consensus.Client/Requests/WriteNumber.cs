using System.Globalization;

namespace Consensus.Client;

/// <summary>The number of a write in a session, under which it may be sent again: it is done once (docs/http-api.md, Sessions).</summary>
/// <param name="Session">The session's lease (hexadecimal id).</param>
/// <param name="Seq">At least 1; another one for each write.</param>
/// <param name="Acked">Up to this number the answers were taken: the session keeps them no longer. Below <paramref name="Seq"/>.</param>
public readonly record struct WriteNumber(string Session, long Seq, long Acked)
{
    /// <summary>As the header <c>Consensus-Session</c> has it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Session}; seq={Seq}; acked={Acked}");

    /// <exception cref="ArgumentException">It cannot be one.</exception>
    internal static WriteNumber Checked(WriteNumber number)
    {
        ArgumentException.ThrowIfNullOrEmpty(number.Session, nameof(number));
        ArgumentOutOfRangeException.ThrowIfNegative(number.Acked, nameof(number));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(number.Seq, number.Acked, nameof(number));
        return ulong.TryParse(number.Session, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)
            ? number
            : throw new ArgumentException("A session is named by a hexadecimal id.", nameof(number));
    }
}
