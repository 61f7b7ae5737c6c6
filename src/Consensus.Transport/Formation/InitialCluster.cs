using Consensus.Primitives;
using Consensus.Transport.Dialing;

namespace Consensus.Transport.Formation;

/// <summary>One item of <c>--initial-cluster</c>.</summary>
/// <param name="PeerAddress">host:port that the other members dial.</param>
public sealed record InitialPeer(string Name, string PeerAddress);

/// <summary>The whole <c>--initial-cluster</c> list, in order of the names' bytes, so that equal lists have equal text.</summary>
internal sealed class InitialCluster
{
    /// <summary>Longest list in its canonical form, in bytes, so that a Hello that carries it fits its frame.</summary>
    private const int MaxTextLength = 2048;

    private InitialCluster(IReadOnlyList<InitialPeer> members, InitialPeer self)
    {
        Members = members;
        Self = self;
        Others = [.. members.Where(member => member != self)];
        Text = TextOf(members);
    }

    public IReadOnlyList<InitialPeer> Members { get; }

    public InitialPeer Self { get; }

    public IReadOnlyList<InitialPeer> Others { get; }

    /// <summary>name=host:port, separated by commas.</summary>
    public string Text { get; }

    public bool Has(string name) => Members.Any(member => member.Name == name);

    /// <summary>Throws <see cref="ArgumentException"/> with one sentence for the operator when no cluster can come of the list.</summary>
    public static InitialCluster Of(string self, IReadOnlyList<InitialPeer> list)
    {
        foreach (var member in list)
        {
            if (!MemberName.IsValid(member.Name))
            {
                throw new ArgumentException($"The name '{member.Name}' in --initial-cluster is not {MemberName.Form}.");
            }
            if (!PeerAddress.CanBeAdvertised(member.PeerAddress))
            {
                throw new ArgumentException($"The address '{member.PeerAddress}' of {member.Name} in --initial-cluster is not host:port.");
            }
        }
        if (list.GroupBy(member => member.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"--initial-cluster names {twice.Key} more than once.");
        }
        if (list.GroupBy(member => member.PeerAddress).FirstOrDefault(group => group.Count() > 1) is { } shared)
        {
            throw new ArgumentException($"--initial-cluster gives the address {shared.Key} to more than one member.");
        }
        var sorted = list.OrderBy(member => member.Name, StringComparer.Ordinal).ToList();
        var own = sorted.Find(member => member.Name == self)
            ?? throw new ArgumentException($"--initial-cluster ({TextOf(sorted)}) does not name this member, {self}.");
        return TextOf(sorted).Length <= MaxTextLength
            ? new InitialCluster(sorted, own)
            : throw new ArgumentException($"--initial-cluster is longer than {MaxTextLength} characters.");
    }

    private static string TextOf(IEnumerable<InitialPeer> members) =>
        string.Join(',', members.Select(member => $"{member.Name}={member.PeerAddress}"));
}
