using Consensus.Client.Transport;

namespace Consensus.Client.Holding;

/// <summary>
/// What a program hears and decides while it waits for one hold, beyond what a library has to tell: it waits in the sight of a person.
/// </summary>
internal sealed class AcquireWatch
{
    /// <summary>Of all that is asked for it, one request after the other.</summary>
    public AttemptLog Log { get; init; } = new();

    /// <summary>Whether to ask again after this, where there is time; what is no use asking again is not put to it.</summary>
    public Func<ApiProblem, bool> GoesOnAfter { get; init; } = static _ => true;

    /// <summary>
    /// Is told of a grant of which nothing certain is left, so that it is given back. True: by its <see cref="HoldOptions.MaxHold"/>,
    /// else by its lease.
    /// </summary>
    public Action<bool> CameTooLate { get; init; } = static _ => { };

    /// <summary>The last answer that granted it, as the API gave it.</summary>
    public string Grant { get; set; } = "";
}
