using Consensus.Server.Options;

namespace Consensus.Server.Audit;

/// <summary>How much is recorded: each has what those before it have.</summary>
internal enum AuditLevel
{
    /// <summary>Who was refused.</summary>
    Denied,

    /// <summary>And what changes rights, members and settings, takes the state whole, or is done to others.</summary>
    Admin,

    /// <summary>And everything that may change something.</summary>
    Write,

    /// <summary>And what reads.</summary>
    All,
}

/// <summary>What a level is said for.</summary>
internal enum AuditSpace
{
    Keys,
    Locks,
    Semaphores,
    Elections,
    Fences,
    Leases,

    /// <summary>Members, rights, settings, and the state as a whole.</summary>
    Cluster,
}

/// <summary>The level of each space.</summary>
internal readonly record struct AuditLevels
{
    private const int BitsOfOne = 4;
    private const int MaskOfOne = (1 << BitsOfOne) - 1;

    private readonly int _levels;

    private AuditLevels(int levels) => _levels = levels;

    public static AuditLevels Default => Everywhere(AuditLevel.Admin);

    public AuditLevel Of(AuditSpace space) => (AuditLevel)((_levels >> ((int)space * BitsOfOne)) & MaskOfOne);

    public static AuditLevels Everywhere(AuditLevel level)
    {
        var levels = default(AuditLevels);
        foreach (var space in Enum.GetValues<AuditSpace>())
        {
            levels = levels.With(space, level);
        }
        return levels;
    }

    public AuditLevels With(AuditSpace space, AuditLevel level)
    {
        var at = (int)space * BitsOfOne;
        return new AuditLevels((_levels & ~(MaskOfOne << at)) | ((int)level << at));
    }

    /// <summary>Reads <c>admin,locks=write</c>: one level for all at most, and levels of spaces. Null with the mistake set.</summary>
    public static AuditLevels? Read(string text, out string? mistake)
    {
        var levels = Default;
        var given = new HashSet<string>();
        mistake = null;
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            var (of, word) = equals < 0 ? ("", entry) : (entry[..equals], entry[(equals + 1)..]);
            if (Find<AuditLevel>(word) is not { } level)
            {
                mistake = $"has the entry \"{entry}\", whose level is none of {Words<AuditLevel>()}{Closest<AuditLevel>(word)}";
            }
            else if (of.Length > 0 && Find<AuditSpace>(of) is null)
            {
                mistake = $"has the entry \"{entry}\", whose space is none of {Words<AuditSpace>()}{Closest<AuditSpace>(of)}";
            }
            else if (equals == 0 || !given.Add(of))
            {
                mistake = $"has the entry \"{entry}\", {(equals == 0 ? "without a space" : "and another for the same")}";
            }
            else if (of.Length > 0)
            {
                levels = levels.With(Find<AuditSpace>(of)!.Value, level);
            }
            else if (given.Count > 1)
            {
                mistake = $"has the entry \"{entry}\", which is that of all spaces, behind that of one: write it first";
            }
            else
            {
                levels = Everywhere(level);
            }
            if (mistake is not null)
            {
                return null;
            }
        }
        return levels;
    }

    /// <summary>As <see cref="Read"/> takes it.</summary>
    public override string ToString()
    {
        var levels = this;
        var most = Enum.GetValues<AuditSpace>().GroupBy(levels.Of).OrderByDescending(group => group.Count()).First().Key;
        return string.Join(',', Enum.GetValues<AuditSpace>()
            .Where(space => levels.Of(space) != most)
            .Select(space => $"{WordOf(space)}={WordOf(levels.Of(space))}")
            .Prepend(WordOf(most)));
    }

    public static string WordOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static T? Find<T>(string word)
        where T : struct, Enum => Enum.GetValues<T>().Where(value => WordOf(value) == word).Cast<T?>().FirstOrDefault();

    private static string Words<T>()
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(WordOf));

    private static string Closest<T>(string word)
        where T : struct, Enum => ClosestName.Of(word, Enum.GetValues<T>().Select(WordOf)) is { } closest ? $"; did you mean {closest}?" : "";
}
