namespace Consensus.Exploration.Search;

/// <summary>A promise that is broken, and the steps that lead there.</summary>
internal sealed record Finding(string What, IReadOnlyList<string> Path)
{
    public override string ToString() => $"{What}\n{string.Join('\n', Path.Select((step, i) => $"{i + 1,4}. {step}"))}";
}

/// <summary>What a search came to.</summary>
/// <param name="States">Different states that were visited.</param>
/// <param name="Transitions">Steps between them that were looked at.</param>
/// <param name="Depth">The most steps that any of them is away from the start, by the shortest way.</param>
/// <param name="IsComplete">False when the limit of states ended it: then every state that is fewer than <paramref name="Depth"/> steps away was visited, and some that are further.</param>
/// <param name="Finding">Null when every promise was kept.</param>
internal sealed record SearchResult(long States, long Transitions, int Depth, bool IsComplete, Finding? Finding);
