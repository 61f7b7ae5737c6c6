using System.CommandLine;
using Consensus.Api.Access;

namespace Consensus.Cli.Commands;

/// <summary>The options of <c>auth principal set</c> that bound a principal: without one, it has the default.</summary>
internal sealed class LimitOptions
{
    private readonly Option<long?> _leases = Of("--leases", "Leases, sessions too, and those of holds.");
    private readonly Option<long?> _holds = Of("--holds", "Holds and waiting places together.");
    private readonly Option<long?> _idempotencyBytes = Of(
        "--idempotency-bytes", "Of what is kept of its requests under an Idempotency-Key.");

    private Option<long?>[] All => [_leases, _holds, _idempotencyBytes];

    public void AddTo(Command command)
    {
        foreach (var option in All)
        {
            command.Add(option);
        }
    }

    /// <summary>Null where none is given.</summary>
    public PrincipalLimitsMessage? Read(ParseResult parsed) => Array.TrueForAll(All, option => parsed.GetValue(option) is null)
        ? null
        : new PrincipalLimitsMessage
        {
            Leases = parsed.GetValue(_leases),
            Holds = parsed.GetValue(_holds),
            IdempotencyBytes = parsed.GetValue(_idempotencyBytes),
        };

    /// <summary>As the options are given; null where nothing is set.</summary>
    public static string? Show(PrincipalLimitsMessage limits)
    {
        var set = new (string Name, long? Limit)[]
        {
            ("leases", limits.Leases),
            ("holds", limits.Holds),
            ("idempotency-bytes", limits.IdempotencyBytes),
        };
        var shown = string.Join(',', set.Where(static one => one.Limit is not null).Select(static one => $"{one.Name}={one.Limit}"));
        return shown.Length > 0 ? shown : null;
    }

    private static Option<long?> Of(string name, string description) => new(name) { Description = description, HelpName = "N" };
}
