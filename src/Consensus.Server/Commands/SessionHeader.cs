using System.Globalization;
using Consensus.Api;
using Consensus.Primitives;
using Consensus.StateMachine.Commands;
using Consensus.Translation;
using Microsoft.Extensions.Primitives;

namespace Consensus.Server.Commands;

/// <summary>The header <c>Consensus-Session: ID; seq=N; acked=M</c>. Both parameters are needed, in any order, each once; blanks may stand around the semicolons.</summary>
internal static class SessionHeader
{
    private const string Form = $"the header {ApiHeaders.Session} is \"ID; seq=N; acked=M\"";

    /// <summary>Null, or the sentence that refuses it.</summary>
    public static string? Read(StringValues values, out SessionRequest request)
    {
        request = default;
        if (values.Count != 1)
        {
            return $"{Form}, once";
        }
        var parts = (values[0] ?? "").Split(';', StringSplitOptions.TrimEntries);
        if (!LeaseId.TryParse(parts[0], out var session))
        {
            return $"{Form}: it does not begin with a session, up to 16 hexadecimal digits";
        }
        long? seq = null;
        long? acked = null;
        foreach (var part in parts.AsSpan(1))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var name = at < 0 ? part : part[..at];
            if (name is not ("seq" or "acked"))
            {
                return $"{Form}: it has no parameter \"{Excerpt.Of(name)}\"";
            }
            if ((name == "seq" ? seq : acked) is not null)
            {
                return $"{Form}: it has the parameter \"{name}\" twice";
            }
            if (at < 0 || !long.TryParse(part.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return $"{Form}: its parameter \"{name}\" is not a whole number from 0 to {long.MaxValue}";
            }
            if (name == "seq")
            {
                seq = number;
            }
            else
            {
                acked = number;
            }
        }
        if (seq is null || acked is null)
        {
            return $"{Form}: its parameter \"{(seq is null ? "seq" : "acked")}\" is missing";
        }
        request = new SessionRequest(session, seq.Value, acked.Value);
        return (seq, acked) switch
        {
            (0, _) => $"{Form}: its parameter \"seq\" is 0; numbers begin with 1",
            _ when acked >= seq => $"{Form}: its parameter \"acked\" is not below \"seq\": a request does not acknowledge its own answer",
            _ => null,
        };
    }
}
