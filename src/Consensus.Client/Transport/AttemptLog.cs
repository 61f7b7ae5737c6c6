using System.Globalization;
using Consensus.Api.Problems;

namespace Consensus.Client.Transport;

/// <summary>What was heard so far of something that is asked again and again.</summary>
internal sealed class AttemptLog
{
    private static readonly ApiProblem InLine = new(
        ApiFailureKind.Refused, ProblemTypes.LockHeld.Status, ProblemTypes.LockHeld.Slug, "Others hold it, and it stood in line to the end.");

    private readonly Dictionary<string, string> _silences = [];
    private bool _anyAtWrongAddress;
    private bool _anyElse;

    /// <summary>Is told of each attempt that has ended without granting anything, on whatever thread it ended.</summary>
    public Action<Attempt>? Heard { get; init; }

    /// <summary>Who is being asked; null: nobody.</summary>
    public Uri? Asking { get; set; }

    /// <summary>What a member said last, short of success; null when none said anything.</summary>
    public ApiProblem? LastWord { get; private set; }

    /// <summary>Each endpoint that was asked so far has answered, and none is a member's: the addresses are wrong.</summary>
    public bool IsAtWrongAddress => _anyAtWrongAddress && !_anyElse;

    public void Add(Attempt attempt)
    {
        Asking = null;
        _anyAtWrongAddress |= attempt.IsAtWrongAddress;
        _anyElse |= !attempt.IsAtWrongAddress;
        if (attempt.IsPlace)
        {
            // Whatever was met before, a member tells now that others hold it.
            LastWord = InLine;
            _silences.Clear();
            Heard?.Invoke(attempt);
        }
        if (attempt.Kind == AttemptKind.Done)
        {
            return;
        }
        if (attempt.Status != 0 && !attempt.IsForeign)
        {
            LastWord = ConsensusApiClient.ToProblem(attempt);
        }
        else
        {
            _silences[attempt.Endpoint.Authority] = attempt.Detail;
        }
        Heard?.Invoke(attempt);
    }

    /// <summary>One sentence: the last word of a member, else what was met at each address.</summary>
    public string Tell()
    {
        if (LastWord is { } word)
        {
            return Tell(word);
        }
        if (Asking is { } endpoint)
        {
            _silences[endpoint.Authority] = $"{endpoint.Authority} has not answered.";
        }
        return _silences.Count == 0 ? "No member was asked." : string.Join(' ', _silences.Values);
    }

    public static string Tell(ApiProblem problem) => problem.RetryAfter is { } pause
        ? string.Create(CultureInfo.InvariantCulture, $"{problem.Detail} (try again after {pause.TotalSeconds:0.###} s)")
        : problem.Detail;
}
