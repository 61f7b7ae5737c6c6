using System.CommandLine;
using System.Text.Json;
using Consensus.Cli.Parsing;

namespace Consensus.Cli.Commands;

/// <summary>The options that taking a lock and taking permits have in common.</summary>
internal sealed class HoldOptions
{
    private static readonly TimeSpan DefaultTtl = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(10);

    private readonly Option<TimeSpan?> _ttl = Durations.Option("--ttl", "A lease of its own for so long. Default 15s.");
    private readonly Option<string?> _lease = new("--lease") { Description = "Take it under this lease instead.", HelpName = "ID" };
    private readonly Option<TimeSpan?> _wait = Durations.Option("--wait", "Queue for so long when it is held, at most 10m. Default: do not wait.");
    private readonly Option<string?> _owner = Owner();
    private readonly Option<TimeSpan?> _delay = Durations.Option(
        "--lock-delay", "Should the hold be lost rather than released, what it had is kept for the same owner for so long; at most 1h.");
    private readonly Option<TimeSpan?> _maxHold = MaxHoldOption();
    private readonly Option<string?> _metadata = new("--metadata") { Description = "A JSON object that is shown with the hold.", HelpName = "JSON" };

    /// <summary>An owner's name that no other process has: a holder can be found by it.</summary>
    public static string DefaultOwner() =>
        $"{System.Environment.MachineName}-{System.Environment.ProcessId}-{Guid.NewGuid().ToString("N")[..6]}";

    public static Option<string?> Owner() => Names.Option("--owner", "OWNER", "Who holds it. Default: host, process and a random part.");

    public static Option<TimeSpan?> MaxHoldOption() =>
        Durations.Option("--max-hold", "The hold ends so long after its grant, however often it is renewed.");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_ttl, _lease, _wait, _owner, _delay, _maxHold, _metadata])
        {
            command.Add(option);
        }
    }

    /// <summary>What is wrong with them, or null.</summary>
    public string? MistakeIn(ParseResult parsed)
    {
        if (parsed.GetValue(_ttl) is not null && parsed.GetValue(_lease) is not null)
        {
            return "--ttl and --lease exclude each other.";
        }
        if (parsed.GetValue(_wait) > LongestWait)
        {
            return "--wait is 10m at most.";
        }
        return parsed.GetValue(_metadata) is { } metadata && !IsJsonObject(metadata) ? "--metadata needs a JSON object such as {\"job\":7}." : null;
    }

    /// <summary>Null under an existing lease.</summary>
    public TimeSpan? Ttl(ParseResult parsed) => Lease(parsed) is null ? parsed.GetValue(_ttl) ?? DefaultTtl : null;

    public string? Lease(ParseResult parsed) => parsed.GetValue(_lease);

    public TimeSpan Wait(ParseResult parsed) => parsed.GetValue(_wait) ?? TimeSpan.Zero;

    public string OwnerOf(ParseResult parsed) => parsed.GetValue(_owner) ?? DefaultOwner();

    public TimeSpan? LockDelay(ParseResult parsed) => parsed.GetValue(_delay);

    public TimeSpan? MaxHold(ParseResult parsed) => parsed.GetValue(_maxHold);

    public string? Metadata(ParseResult parsed) => parsed.GetValue(_metadata);

    private static bool IsJsonObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
