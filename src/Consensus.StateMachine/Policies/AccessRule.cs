namespace Consensus.StateMachine.Policies;

/// <summary>
/// One rule of a role: it allows each of the verbs in each of the spaces, for one name or for all that begin with it. There is no rule that
/// denies, and none with a range or a pattern.
/// </summary>
/// <param name="Verbs">One at least.</param>
/// <param name="Spaces">One at least.</param>
/// <param name="Name">Compared as bytes. Not empty but for a prefix, which then covers all names.</param>
/// <param name="IsPrefix">It covers what begins with the name, and a listing whose prefix does.</param>
public readonly record struct AccessRule(Verbs Verbs, Spaces Spaces, Key Name, bool IsPrefix)
{
    private const Verbs EveryVerb = Verbs.Read | Verbs.Write | Verbs.Hold | Verbs.Break;

    private const Spaces EverySpace = Spaces.Keys | Spaces.Locks | Spaces.Semaphores | Spaces.Elections | Spaces.Fences;

    /// <summary>All verbs that there are, in all spaces, for all names.</summary>
    public static readonly AccessRule Everything = new(EveryVerb, EverySpace, default, IsPrefix: true);

    /// <summary>It says something, and nothing that this version does not know.</summary>
    public bool IsValid =>
        Verbs != Verbs.None && (Verbs & ~EveryVerb) == 0
        && Spaces != Spaces.None && (Spaces & ~EverySpace) == 0
        && (IsPrefix || !Name.IsEmpty)
        && Name.Length <= Key.MaxLength;
}
