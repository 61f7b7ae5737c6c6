namespace Consensus.StateMachine.Snapshots;

/// <summary>The kinds of section, in the order in which they are written but for the last ones. The numbers are in files.</summary>
internal static class SectionKind
{
    public const int Meta = 1;
    public const int Leases = 2;
    public const int Keys = 3;
    public const int Objects = 4;
    public const int Waiters = 5;
    public const int Kept = 6;
    public const int Members = 7;
    public const int History = 8;
    public const int Fences = 9;

    /// <summary>Shared and counted ones, right after the objects, which keep their sole holds.</summary>
    public const int Holds = 10;

    public const int Forgotten = 11;

    public const int Brief = 12;

    public const int Settings = 13;

    /// <summary>Right after the leases, which they hang on.</summary>
    public const int Sessions = 14;

    /// <summary>Tokens that were released and that their objects do not remember themselves; right after the holds.</summary>
    public const int Released = 15;

    /// <summary>Times without a leader.</summary>
    public const int Outages = 16;

    public const int SessionAnswers = 17;

    public const int SessionEnds = 18;

    /// <summary>Processes whose waiters are being detached.</summary>
    public const int Detaching = 19;

    /// <summary>Roles that are not built in; before the principals who have them.</summary>
    public const int Roles = 20;

    public const int Principals = 21;

    /// <summary>Certificates that are not believed any more.</summary>
    public const int Revocations = 22;

    /// <summary>From which place on those who wait are to be judged again.</summary>
    public const int Sweep = 23;

    public const int Tokens = 24;
}
